"""What came out of a recall and comes back is recognised; what says something new is not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from athena.bootstrap import Athena
from athena.core.marked import marked
from athena.errors import InvalidInput
from athena.memory.capture import Capture, Turn
from athena.memory.notes import Notes
from athena.memory.types import Filter, Kind, NewMemory, Receipt, Scope
from athena.rewrite.conversation import Rewriter
from athena.rewrite.join import Joiner
from athena.rewrite.ledger import Owner
from athena.rewrite.person import answered
from tests.integration.conftest import LlamaServer, built, settings_for
from tests.integration.memories import day, recalled, told, value
from tests.integration.test_rewrite import user

# As people tell it: some with a speaker, a number, no full stop; two that are very short.
LIFE = [
    "User: I prefer green tea to coffee in the morning, with a little oat milk.",
    "Ada lives in the old mill by the river with two cats and a parrot",
    "We are not going to Berlin this year because of the new baby.",
    "Ada runs five kilometres every Tuesday morning before work, even when it rains.",
    "The door code of the office is 4711, and the alarm has to be switched off within 30 seconds.",
    "Bob said on the phone that his sister Grete has moved to Vienna for good",
    "The heating was repaired by the plumber; it had lost water for weeks.",
    "Ada's mother bakes a plum cake every September and brings it over",
    "The boat is called Möwe & lies in the harbour of Kiel <berth 12>",
    "The contract with the landlord ends in June and has to be renewed in writing.",
    "Tea, please!",
    "Bob: yes, the red one",
]
QUERY = "what do you know of Ada, Bob, the tea, the boat and the house?"


def said(notes: list[str]) -> dict[str, str]:
    """An answer made of what was recalled, in the ways that agents write it down."""
    return {
        "joined": " ".join(notes),
        "lines": "\n".join(notes),
        "list": "\n".join(f"- {note}" for note in notes),
        "numbered": "\n".join(f"{n}. {note}" for n, note in enumerate(notes, 1)),
        "quoted": "\n".join(f"> {note}" for note in notes),
        "introduced": "I remember:\n" + "\n".join(f'* "{note}"' for note in notes),
        "shouted": " ".join(notes).upper(),
    }


async def count(athena: Athena) -> int:
    return int(await value(athena, "SELECT count(*) FROM memory"))


async def remember(athena: Athena, content: str, **more: Any) -> Receipt:
    [receipt] = await athena.memory.remember([NewMemory(content, **more)])
    return receipt


async def test_a_month_of_recalling_and_storing_leaves_no_junk(athena: Athena) -> None:
    await told(athena, *LIFE)
    before = await count(athena)
    for turn in range(30):
        notes = await recalled(athena, QUERY, limit=10)
        if turn % 3 == 1:
            # As another process would find it: counted already.
            await athena.memory.aclose()
        for form, text in said(notes).items():
            for kind in (Kind.FACT, Kind.EVENT):
                receipt = await remember(athena, text, kind=kind, metadata={"turn": turn})
                assert (receipt.status, receipt.reason) == ("duplicate", "echo"), (form, turn)
        await remember(athena, notes[turn % len(notes)], kind=Kind.EVENT, metadata={"turn": turn})
    short = ["Tea, please!", "Bob: yes, the red one"]
    assert await count(athena) - before <= len(short) * 30
    assert await value(athena, "SELECT count(*) FROM memory WHERE content <> ALL ($1::text[])", LIFE) == 0


async def test_a_month_of_talk_through_the_gateway_leaves_no_junk(athena: Athena) -> None:
    """Notes join what a person asks, the answer quotes them, and the turn is captured: the answer is no news."""
    await told(athena, *LIFE, scope=Scope("house"))
    capture, rewriter = Capture(athena.memory.remember), Rewriter(athena.ledger)
    notes = Notes(athena.memory.glance, athena.memory.told)
    before = await count(athena)
    asked = 0
    for turn in range(30):
        question = f"{QUERY} Please tell me once more." if turn % 2 else QUERY
        joiner = Joiner(notes, project="house", session=f"s{turn}")
        sent = await rewriter.rewrite(Owner("key", "house"), [user(question + " " * turn)], None, joiner)
        person = answered(sent.messages)
        assert person is not None
        block = person.text.partition("\n\n<memory")[2].partition(">\n")[2].removesuffix("\n</memory>")
        answer = f"Sure:\n{block}" if block else "I know nothing about that at all, I am afraid."
        when = day(2026) + timedelta(days=turn)
        key = turn.to_bytes(32)
        receipts = await capture(Turn("house", "key", f"s{turn}", "ada", key, person.text, answer, "local/qwen", when))
        assert receipts[1].status == "duplicate" or not block, (turn, answer)
        asked += receipts[0].status == "created"
        if turn % 4 == 0:
            await athena.memory.aclose()
    answers = "SELECT count(*) FROM memory WHERE metadata ->> 'role' = 'assistant'"
    assert await value(athena, answers) == 0
    assert await count(athena) - before == asked <= 16


async def test_what_is_new_is_stored_however_near_it_is(athena: Athena) -> None:
    await told(athena, *LIFE)
    await recalled(athena, QUERY, limit=100)
    news = [
        LIFE[3].replace("five", "six"),
        LIFE[4].replace("4711", "4712"),
        LIFE[2].replace("not ", ""),
        LIFE[3].replace("Tuesday", "Thursday"),
        LIFE[3].replace("runs", "never runs"),
        "Bob: " + LIFE[1],
        LIFE[1].replace("Ada", "Grete"),
        LIFE[6] + " On Monday it broke again.",
        "2026-03-01: " + LIFE[6],
        " ".join(LIFE[:6]).replace("two cats", "three cats"),
        " ".join(LIFE[:6]).replace("Vienna", "Graz"),
        "Ada said that she would like to have two cats and a parrot and a dog",
        LIFE[1].replace("old mill by the river", "new house on the hill"),
    ]
    for text in news:
        assert (await remember(athena, text)).status == "created", text


async def test_an_exact_repetition_counts_as_ever(athena: Athena) -> None:
    [cats] = await told(athena, LIFE[1])
    await recalled(athena, "cats")
    again = await remember(athena, LIFE[1])
    assert (again.id, again.status, again.reason) == (cats, "duplicate", None)
    assert (await athena.memory.get(cats)).times_seen == 2


async def test_what_happens_again_is_an_event_of_its_own(athena: Athena) -> None:
    text = "Ada went for a long run along the river before work"
    first = await remember(athena, text, kind=Kind.EVENT, occurred_at=day(2026, 11, 2))
    await recalled(athena, "Ada's run")
    again = await remember(athena, text, kind=Kind.EVENT, occurred_at=day(2026, 11, 9))
    assert again.status == "created"
    # Told of the same time once more, or of no time: that is what was recalled.
    same = await remember(athena, f"{text}.", kind=Kind.EVENT, occurred_at=day(2026, 11, 2), metadata={"n": 1})
    timeless = await remember(athena, f"{text}.", kind=Kind.EVENT, metadata={"n": 2})
    assert {same.reason, timeless.reason} == {"echo"}
    assert {same.id, timeless.id} <= {first.id, again.id}
    short = await remember(athena, "Ada went for a run", kind=Kind.EVENT)
    assert short.status == "created"


async def test_what_was_not_recalled_is_no_echo(athena: Athena) -> None:
    await told(athena, LIFE[1], LIFE[2])
    assert (await remember(athena, f"{LIFE[1]}. {LIFE[2]}")).status == "created"
    await athena.memory.glance(QUERY, Filter())
    assert (await remember(athena, f"{LIFE[2]} {LIFE[1]}")).status == "created"


async def test_another_project_or_another_person_is_another_matter(athena: Athena) -> None:
    await told(athena, LIFE[0])
    await recalled(athena, "tea")
    quoted = f'"{LIFE[0]}"'
    assert (await remember(athena, quoted, scope=Scope("garden"))).status == "created"
    assert (await remember(athena, quoted, scope=Scope(user_id="grete"))).status == "created"
    assert (await remember(athena, quoted, scope=Scope(agent_id="ada"))).reason == "echo"


async def test_what_was_true_once_and_is_said_again_is_news(athena: Athena) -> None:
    [tea] = await told(athena, "Ada would rather have green tea than coffee in the morning", kind=Kind.PREFERENCE)
    await recalled(athena, "tea")
    await athena.memory.supersede(tea, NewMemory("Ada would rather have coffee than green tea in the morning"))
    again = await remember(athena, "Ada would rather have green tea than coffee in the morning!", kind=Kind.PREFERENCE)
    assert again.status == "created"


async def test_what_was_forgotten_meanwhile_can_be_said_again(athena: Athena) -> None:
    [cats] = await told(athena, LIFE[1])
    await recalled(athena, "cats")
    await athena.memory.forget([cats])
    assert (await remember(athena, f"> {LIFE[1]}")).status == "created"


async def test_after_two_days_it_is_told_anew(athena: Athena) -> None:
    await told(athena, LIFE[1])
    await recalled(athena, "cats")
    await athena.memory.aclose()
    await value(athena, "UPDATE memory_use SET last_recalled_at = now() - interval '49 hours'")
    await athena.memory.tidy()
    assert await value(athena, "SELECT count(*) FROM shingle") == 0
    assert (await remember(athena, f"> {LIFE[1]}")).status == "created"


async def test_notes_are_cut_out_and_the_rest_is_kept(athena: Athena) -> None:
    [cats, _] = await told(athena, LIFE[1], LIFE[8])
    await recalled(athena, "cats and boats")
    block = marked([f"2026-11-20: {LIFE[1]}", f"2026-11-20: {LIFE[8]}"])
    own = await remember(athena, f"My parrot is green.{block}")
    assert own.status == "created"
    assert (await athena.memory.get(own.id)).content == "My parrot is green."
    around = await remember(athena, f"Before.{block} After.")
    assert (await athena.memory.get(around.id)).content == "Before. After."
    alone = await remember(athena, marked([LIFE[1]]))
    assert (alone.status, alone.reason, alone.id) == ("duplicate", "echo", cats)
    # What only begins like a note may go on with anybody's words.
    torn = await remember(athena, block.removesuffix("</memory>") + " and the parrot talks")
    assert "the parrot talks" in (await athena.memory.get(torn.id)).content
    with pytest.raises(InvalidInput, match="nothing but notes"):
        await remember(athena, marked(["2026-11-20: nobody has ever said this"]))
    [kept, echo] = await athena.memory.remember([NewMemory("something new"), NewMemory(marked([LIFE[1]]))])
    assert (kept.status, echo.id) == ("created", cats)


async def test_another_process_recognises_it_too(
    athena: Athena, dsn: str, embedding_server: LlamaServer, test_home: Any
) -> None:
    await told(athena, *LIFE)
    notes = await recalled(athena, QUERY)
    await athena.memory.aclose()
    async with built(settings_for(dsn, embedding_server.url, test_home)) as other:
        assert {(await remember(other, text)).reason for text in said(notes).values()} == {"echo"}


async def test_a_key_replays_the_same_answer(athena: Athena) -> None:
    await told(athena, LIFE[1])
    await recalled(athena, "cats")
    item = NewMemory(f"> {LIFE[1]}")
    first = await athena.memory.remember([item], idempotency_key="k")
    assert first[0].reason == "echo"
    assert await athena.memory.remember([item], idempotency_key="k") == first


async def test_a_question_asked_again_is_no_news_but_a_statement_is(athena: Athena) -> None:
    capture = Capture(athena.memory.remember)
    turn = Turn("house", "key", "s", None, b"1", "Where is my boat?", "I do not know that.", "m", day(2026))
    where = Filter(Scope("house"))

    async def again(n: int, text: str) -> str:
        await athena.memory.recall(text, where)
        key = n.to_bytes(8)
        return (await capture(replace(turn, key=key, said=text, at=day(2026, 1, n))))[0].status

    assert [await again(n, "Where is my boat?") for n in (1, 2, 3)] == ["created", "duplicate", "duplicate"]
    told_daily = "I went for a long run along the river before work today"
    assert [await again(n, told_daily) for n in (4, 5, 6)] == ["created"] * 3


async def test_over_http(environment: dict[str, str]) -> None:
    url = f"http://127.0.0.1:{environment['ATHENA_PORT']}/api/v1/memories"
    async with httpx.AsyncClient() as http:
        stored = (await http.post(url, json={"content": LIFE[1]})).json()
        await http.post(f"{url}/search", json={"query": "cats"})
        answer = await http.post(url, json={"content": f'Note: "{LIFE[1]}"'})
        assert answer.status_code == 200
        assert answer.json() | {"embedding": ""} == {
            "id": stored["id"], "status": "duplicate", "reason": "echo", "embedding": "",
        }  # fmt: skip
