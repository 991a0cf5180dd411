"""A person's life, told to an assistant in the first person."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from tests.bench.histories.course import Habit, Style, run
from tests.bench.histories.history import History
from tests.bench.histories.matters import Matter
from tests.bench.histories.plot import Plot
from tests.bench.histories.rhythm import part_of_day
from tests.bench.histories.tell import Cycle, Teller, Topic, capital, lines, lower
from tests.bench.histories.words.common import CITIES, WORDS
from tests.bench.histories.words.life import LIFE
from tests.bench.histories.words.personal_matters import ALSO, FACTS, LOOSE, TASTES
from tests.bench.histories.words.personal_routines import ROUTINES
from tests.bench.histories.words.questions import QUESTIONS

_OCCURRED = lines("""
I {did} {when}
{when} I {did}
I {did} [again|once more|as usual|] {when}
so, I {did}
I [finally|actually|] {did}, {extra}
I {did} {when}, {extra}
{when} I {did}, {extra}
[just finished|done with|through with] {doing}
{doing} {when}, {extra}
{doing}: done [for today|]
that was {doing}, {extra}
[managed|squeezed in|got through] {doing} {when}
put {doing} in the log for today, {extra}
{doing} {when}. {aside}
I {did}. {aside}
""")
_EXTRA = lines("""
it took [about|a good|barely] {nn} minutes
it did me good
[a bit tired|tired but content] afterwards
my knee complained a little
it was raining cats and dogs
{person} came along this time
nearly skipped it
better than last time
not my best day
it was packed
nobody else was there
I was late and it didn't matter
with a headache, but still
it gets easier
I'd slept badly
and had {food} afterwards
then straight home
in a good mood for once
I had promised myself
""")
_ASIDE = lines("""
Slept badly before that
{person} says hello, by the way
The weather is [dreadful|lovely|odd for {month}]
Dinner will be {food}
Remind me later that the {object} needs a repair
Work was [quiet|mad|all right]
Still waiting for news from {city}
The bus was late again
Somebody had left a {object} in the hallway
My phone was nearly empty the whole time
{somebody} had a cold and stayed away
There was a {animal} on the stairs
I forgot my {object}, of course
They are digging up {street} again
A {job} next to me talked the whole time
I keep thinking about {subject}
The neighbours had a party until three
{person} is off to {city} for a week
Still need a present for {somebody}
There was a queue at every till
The radio was full of {subject}
My shoes are soaked
Met {person} on the way
{month} can't come soon enough
The lift is out of order
I have "{title}" stuck in my head
Somebody is moving out downstairs
{somebody} wants to borrow the {object}
Lunch was {food}, rather salty
Got an odd text from {somebody}
""")
_TASTE = lines("""
I prefer {v} {for}
I like {v} best {for}
{for} I always go for {v}
{v} {for}, [please|if you can], that's what I like
nothing beats {v} {for}
{for}, {v} is my [favourite|clear favourite|choice]
you can count on me wanting {v} {for}
{for} give me {v} any day
I'm happiest with {v} {for}
what I want {for} is {v}
""")
_TASTE_TURN = lines("""
these days I prefer {new} {for}
I now prefer {new} to {old} {for}
I've switched from {old} to {new} {for}
{for} I've gone off {old}, {new} it is from now on
from now on I'd rather have {new} than {old} {for}
no longer {old} {for}: {new} has become my favourite
I changed my mind {for}: {new} instead of {old}
""")
_TASTE_DROP = lines("""
I don't like {old} {for} any more
I no longer want {old} {for}
please stop suggesting {old} {for}, I'm done with it
""")
_FACT = lines("""
{np} is {v}
{v}: that's {np}
if anyone asks, {np} is {v}
as you may need it: {np} is {v}
{np}? That's {v}
""")
_FACT_TURN = lines("""
{np} is now {new}
{np} is no longer {old} but {new}
there's a change: {np} is {new} from now on
""")
_LEAD = ("", "", "", "By the way, ", "For the record, ", "Please remember: ", "Just so you know: ", "For your notes: ")
_TAIL = (
    *[""] * 7,
    ". {aside}",
    ". {aside}",
    ". {aside}",
    ", as {person} knows too well",
    ", it came up with {person} today",
)
_HOURS = {
    "morning": ("this morning", "before work", "early today", "at the crack of dawn", "today at {h}"),
    "noon": ("at lunchtime", "around noon", "today at {h}", "in the middle of the day"),
    "afternoon": ("this afternoon", "later today", "today at {h}", "after coffee"),
    "evening": ("tonight", "this evening", "after dinner", "today at {h}", "to end the day"),
}


def make(seed: int, size: int) -> History:
    plot = Plot.begun("personal", seed, size)
    teller = Teller(plot.rng, {**WORDS, "extra": _EXTRA, "aside": _ASIDE})
    once, (voice, aside) = (*LIFE, *QUESTIONS), _voices(plot, teller)
    style = Style(ROUTINES, _matters(plot), once, lambda topic: _routine(plot, teller, topic), voice, aside)
    run(plot, teller, style)
    plot.sessions(timedelta(minutes=75), "talk")
    return plot.history("personal", seed)


def _matters(plot: Plot) -> tuple[Matter, ...]:
    cities = dict(zip(("city1", "city2", "city3", "city4"), plot.rng.sample(CITIES, 4), strict=True))
    return tuple([_taste(topic) for topic in TASTES] + [_fact(topic, cities) for topic in FACTS])


def _taste(topic: Topic) -> Matter:
    def about(frames: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(frame.replace("{for}", f"[{'|'.join(topic['for'])}]") for frame in frames)

    return Matter(
        topic.name, "preference", topic["values"], about(_TASTE), about(_TASTE_TURN), about(_TASTE_DROP), about(LOOSE)
    )


def _fact(topic: Topic, cities: dict[str, str]) -> Matter:
    thing = topic["np"][0].split(" ", 1)[1]

    def about(frames: tuple[str, ...]) -> tuple[str, ...]:
        named = (frame.replace("{np}", f"[{'|'.join(topic['np'])}]") for frame in frames)
        return tuple(frame.replace("{thing}", thing) for frame in named)

    return Matter(
        topic.name,
        "fact",
        tuple(value.format_map(cities) for value in topic["values"]),
        topic["own"] * 2 + about(_FACT),
        topic["turn"] * 2 + about(_FACT_TURN),
        topic["drop"],
        about(ALSO),
    )


def _routine(plot: Plot, teller: Teller, topic: Topic) -> Habit:
    same = {"mate": teller.word("person"), "spot": teller.word("city")}
    frames = Cycle(plot.rng, _OCCURRED)
    did, doing = Cycle(plot.rng, topic["did"]), Cycle(plot.rng, topic["doing"])

    def content(at: datetime) -> str:
        when = plot.rng.choice(_HOURS[part_of_day(at)]).format(h=f"{at.hour}:{at.minute // 10}0")
        frame = frames.next().replace("{did}", did.next()).replace("{doing}", doing.next())
        return _ended(teller.sentence(frame, when=when, **same))

    return Habit(topic, content, same)


def _voices(plot: Plot, teller: Teller) -> tuple[Callable[[str, datetime], str], Callable[[str, datetime], str]]:
    def statement(core: str, _: datetime) -> str:
        lead, tail = plot.rng.choice(_LEAD), plot.rng.choice(_TAIL)
        return _ended(teller.sentence(lead + (lower(core) if lead else core) + tail))

    def aside(core: str, _: datetime) -> str:
        if core[-1] == "?" or core[:1].isupper() or core.split(" ", 1)[0] in _NOT_MINE:
            return _ended(capital(core))
        second = ". {aside}" if plot.rng.random() < 0.2 else ""
        return _ended(teller.sentence(plot.rng.choice(_ONCE).replace("{core}", core) + second))

    return statement, aside


_ONCE = (
    *["I {core}"] * 6,
    *["{core}"] * 3,
    "today I {core}",
    "[guess what|funny day|how odd]: I {core}",
    "{core} today",
)
_NOT_MINE = {"a", "an", "the", "my", "our", "hot", "twin", "cold", "tyre"}


def _ended(text: str) -> str:
    return text if text[-1] in ".!?" else text + "."
