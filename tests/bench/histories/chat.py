"""Friends in a group chat: turns of dialogue, with what lasts said in passing."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.bench.histories.course import Habit, Style, run
from tests.bench.histories.history import History
from tests.bench.histories.matters import Matter
from tests.bench.histories.plot import Plot
from tests.bench.histories.tell import Cycle, Teller, Topic, lines
from tests.bench.histories.words.chat_matters import (
    FACT_DECOYS,
    FACT_SAYS,
    FACT_TURNS,
    FACTS,
    TASTE_DECOYS,
    TASTE_DROPS,
    TASTE_SAYS,
    TASTE_TURNS,
    TASTES,
)
from tests.bench.histories.words.chat_routines import ROUTINES
from tests.bench.histories.words.common import CITIES, PEOPLE, WORDS
from tests.bench.histories.words.life import LIFE
from tests.bench.histories.words.questions import QUESTIONS
from tests.bench.histories.words.small_talk import SMALL

_BEFORE = lines("""
[haha|lol|hehe] ok.
hi all!
sorry, just saw this.
oh {peer}, that's great.
@{peer} thanks for asking.
hmm, not sure about that.
I'm on the bus, it's packed.
yes and no.
@{peer} call you later.
so, where was I.
what a day.
wow, ok.
{peer} you made me laugh.
the {food} was great by the way.
I need a nap.
can't talk long.
greetings from the {animal} enclosure.
been thinking about what {peer} said.
it's so [hot|cold|grey] here.
my {relative} is visiting.
ha, I knew it.
one sec. ok, back.
no sleep at all, thanks to the {animal} outside.
good point {peer}.
{peer}, seriously?
I owe you an answer {peer}.
first things first, {food} for lunch.
long story.
don't laugh.
quick one before I board.
wearing my {colour} socks, so all is fine.
finally a quiet minute.
""")
_AFTER = lines("""
how about you?
and you {peer}?
anyway, gotta run
will send pics
tell me everything about {city}
what are you all up to?
and {person} says hi
don't tell {person}
is the {object} still for sale?
now I want {food}
did you read about {subject}?
so yeah
when do we meet?
my phone is dying
ok dishes now
{peer} did you get my parcel?
the {animal} story another time
you know how it is
{peer} where are you?
and it's only {weekday}
my {relative} would faint
more tomorrow
not bad, right?
please bring the {object}
I'm off to the {job}
why is there a {animal} in the picture
and that was that
any plans for {month}?
what's {person} up to?
""")
_LEAD = (*[""] * 9, "oh and ", "btw ", "so ", "well ", "anyway ", "update: ", "ok so ", "just saying, ", "actually ")


def make(seed: int, size: int) -> History:
    plot = Plot.begun("chat", seed, size)
    speakers = plot.rng.sample(PEOPLE, plot.rng.randint(3, 6))
    others = [name for name in PEOPLE if name not in speakers]
    # Whom a turn names is known only once it is known who speaks: until then the slot stays.
    teller = Teller(plot.rng, {**WORDS, "person": others, "peer": ["{peer}"]})
    turn, aside = _turns(plot, teller, speakers, 0.3), _turns(plot, teller, speakers, 0.12)
    once = tuple([f"[I |I |]{line}" for line in LIFE] + [*SMALL, *QUESTIONS])
    habit = _habits(plot, teller, speakers)
    style = Style(ROUTINES, _matters(plot, speakers), once, habit, turn, aside, anchored=0.75, beside=(-6, 25))
    run(plot, teller, style)
    if plot.rng.random() < 0.75:  # else the whole chat was stored for one user, and only the names tell who spoke
        for draft in plot.drafts:
            draft.user = draft.content.partition(":")[0].lower()
    plot.sessions(timedelta(minutes=30), "chat")
    return plot.history("chat", seed)


def _matters(plot: Plot, speakers: list[str]) -> tuple[Matter, ...]:
    """Each of one speaker; some of two, so that the same matter has two values that don't contradict."""
    cities = dict(zip(("city1", "city2", "city3", "city4"), plot.rng.sample(CITIES, 4), strict=True))
    found = []
    for topic in (*TASTES, *FACTS):
        mine, other = plot.rng.sample(speakers, 2)
        if plot.rng.random() < 0.15:
            found += [_matter(topic, mine, "", cities), _matter(topic, other, "", cities)]
        else:
            found.append(_matter(topic, mine, other, cities))
    return tuple(found)


def _matter(topic: Topic, who: str, other: str, cities: dict[str, str]) -> Matter:
    """Frames begin with who says them. `other`: who may state another value, as this isn't a matter of theirs."""
    taste = bool(topic["for"])
    np = topic["np"] or ("",)
    about, thing = "|".join(topic["for"]), np[0].split(" ", 1)[-1]

    def said(frames: tuple[str, ...], name: str = who) -> tuple[str, ...]:
        filled = (f.replace("{for}", f"[{about}|]").replace("{np}", f"[{'|'.join(np)}|]") for f in frames)
        return tuple(f"{name}: {f}".replace("{thing}", thing).replace("|]", "]") for f in filled)

    decoys = [each for each in (TASTE_DECOYS if taste else FACT_DECOYS) if other or not each.startswith("@other")]
    return Matter(
        f"{topic.name} of {who}",
        "preference" if taste else "fact",
        tuple(value.format_map(cities) for value in topic["values"]),
        said(TASTE_SAYS if taste else topic["own"] * 2 + FACT_SAYS),
        said(TASTE_TURNS if taste else topic["turn"] * 2 + FACT_TURNS),
        said(TASTE_DROPS if taste else topic["drop"]),
        tuple(said((each.partition(" ")[2],), other if each.startswith("@other") else who)[0] for each in decoys),
    )


def _habits(plot: Plot, teller: Teller, speakers: list[str]) -> Callable[[Topic], Habit]:
    turn = _turns(plot, teller, speakers, 0.3)

    def habit(topic: Topic) -> Habit:
        same = {"mate": teller.word("person"), "spot": teller.word("city")}
        who, told = plot.rng.choice(speakers), Cycle(plot.rng, topic["line"])

        def content(at: datetime) -> str:
            return turn(teller.fill(f"{who}: {told.next()}", **same), at)

        return Habit(topic, content, same)

    return habit


def _turns(plot: Plot, teller: Teller, speakers: list[str], share: float) -> Callable[[str, datetime], str]:
    """A turn around what is said: by whom it names, or by anybody. `share`: how many have something before or after."""
    rng = plot.rng

    def turn(core: str, _: datetime) -> str:
        who, colon, words = core.partition(": ")
        if not colon or who not in speakers:
            who, words = rng.choice(speakers), core
        before = rng.choice(_BEFORE) + " " if rng.random() < share else ""
        after = (" " if words[-1] in "?!" else ". ") + rng.choice(_AFTER) if rng.random() < share else ""
        lead = rng.choice(_LEAD) if words.startswith(("I ", "my ")) or rng.random() < share else ""
        peers = [name for name in speakers if name != who]
        text = teller.fill(f"{who}: {before}{lead}{words}{after}")
        return teller.fill(text, peer=rng.choice(peers))

    return turn
