"""Memory joins a conversation: once, beside a person's newest words, and from then on as it was."""

from __future__ import annotations

import asyncio
import copy
import random
import uuid
from collections.abc import Sequence

from hypothesis import HealthCheck, given, settings

from athena.bootstrap import Athena
from athena.core.marked import OPEN, holds_mark, marked, unmarked
from athena.memory.notes import Notes
from athena.memory.types import Scope
from athena.rewrite.canonical import Message
from athena.rewrite.conversation import Rewriter
from athena.rewrite.join import Joiner
from athena.rewrite.ledger import Ledger, Owner
from athena.rewrite.person import Person
from athena.rewrite.ports import Joined
from athena.store.pool import Database
from tests.integration.memories import told
from tests.integration.test_rewrite import (
    LONG,
    OWNER,
    STEPS,
    Halve,
    World,
    assistant,
    in_another_form,
    tool_result,
    user,
)


class Recalls:
    """A `Join` that says something else each time, and now and then nothing."""

    def __init__(self, seed: int = 0, nothing: float = 0.0) -> None:
        self.dice = random.Random(seed)
        self.nothing = nothing
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    async def __call__(self, person: Person, said: Sequence[str]) -> Joined:
        self.asked.append((person.text, tuple(said)))
        if self.dice.random() < self.nothing:
            return Joined("", "nothing to recall")
        return Joined(marked([f"note {self.dice.randrange(10**9)} <b>"]), "1 note recalled")


def last_text(messages: list[Message]) -> str:
    text: str = messages[-1]["content"][-1]["text"]
    return text


async def test_it_joins_once_and_is_replayed(database: Database) -> None:
    rewriter, join = Rewriter(Ledger(database)), Recalls(1)
    first = await rewriter.rewrite(OWNER, [user("<system-reminder>x</system-reminder>", "hello there")], None, join)
    assert first.memory == "1 note recalled"
    text = last_text(first.messages)
    assert text.startswith("hello there\n\n" + OPEN)
    assert first.memory_characters == len(text) - len("hello there")
    assert (first.saved_characters, first.shortened) == (0, 0)
    longer = [user("<system-reminder>x</system-reminder>", "hello there"), assistant("hi"), tool_result(LONG)]
    for again in (join, None):
        second = await Rewriter(Ledger(database)).rewrite(OWNER, longer, None, again)
        assert second.messages[0] == first.messages[0]
        assert second.messages[1:] == longer[1:]
        assert second.memory_characters == first.memory_characters
        assert second.replayed == 1
    assert [text for text, _ in join.asked] == ["hello there"]


async def test_the_same_request_again_is_the_same(database: Database) -> None:
    join = Recalls(1)
    answers = await asyncio.gather(
        *(Rewriter(Ledger(database)).rewrite(OWNER, [user("hello there")], None, join) for _ in range(8))
    )
    assert all(answer.messages == answers[0].messages for answer in answers)
    late = await Rewriter(Ledger(database)).rewrite(OWNER, [user("hello there")], None, join)
    assert (late.messages, late.memory) == (answers[0].messages, "decided before")


async def test_what_was_decided_without_memory_stays_without(database: Database) -> None:
    rewriter, join = Rewriter(Ledger(database)), Recalls(1)
    messages = [user("hello there")]
    assert (await rewriter.rewrite(OWNER, messages, None)).memory == "off"
    assert (await rewriter.rewrite(OWNER, messages, None, join)).messages == messages
    assert (await rewriter.rewrite(OWNER, [user("another")], None, Recalls(nothing=1.0))).memory == "nothing to recall"
    assert (await rewriter.rewrite(OWNER, [user("another")], None, join)).messages == [user("another")]
    assert join.asked == []


async def test_it_joins_what_was_shortened(database: Database) -> None:
    sent = await Rewriter(Ledger(database)).rewrite(OWNER, [user(LONG)], Halve(), Recalls(1))
    text = last_text(sent.messages)
    assert unmarked(text).startswith("one three five seven")
    assert holds_mark(text)
    assert sent.saved_characters == len(LONG) - len(unmarked(text))
    assert (sent.shortened, sent.memory_characters) == (1, len(text) - len(unmarked(text)))


async def test_where_nobody_speaks_nothing_joins(database: Database) -> None:
    rewriter, join = Rewriter(Ledger(database)), Recalls(1)
    for messages, request_class in (
        ([user("x y z"), assistant("ok"), tool_result("found")], "main"),
        ([user("<system-reminder>x</system-reminder>")], "main"),
        ([user("search for it")], "subagent"),
    ):
        sent = await rewriter.rewrite(OWNER, messages, None, join, request_class)
        assert (sent.messages, sent.memory) == (messages, "nobody spoke")
    assert join.asked == []


async def test_counting_recalls_and_decides_nothing(database: Database) -> None:
    rewriter = Rewriter(Ledger(database))
    preview = await rewriter.preview(OWNER, [user("hello there")], None, Recalls(1))
    assert preview.memory_characters > 0
    sent = await rewriter.rewrite(OWNER, [user("hello there")], None, None)
    assert sent.messages == [user("hello there")]


async def test_it_is_told_what_the_conversation_holds(database: Database) -> None:
    rewriter, join = Rewriter(Ledger(database)), Recalls(1)
    first = await rewriter.rewrite(OWNER, [user("hello there")], None, join)
    await rewriter.rewrite(OWNER, [user("hello there"), assistant("hi"), user("what else?")], None, join)
    assert set(join.asked[-1][1]) == {"hello there", "hi", last_text(first.messages)}


async def test_what_postgresql_cannot_keep_goes_out_without_memory(database: Database) -> None:
    for text in ("cut in half \ud83d here", "a \x00 in it"):
        sent = await Rewriter(Ledger(database)).rewrite(OWNER, [user(text)], None, Recalls(1))
        assert (sent.messages, sent.memory) == ([user(text)], "the text can't be stored")


async def test_without_the_ledger_nothing_joins() -> None:
    away = Rewriter(Ledger(Database("postgresql://nobody@/nothing?host=/nonexistent")))
    join = Recalls(1)
    sent = await away.rewrite(OWNER, [user("hello there")], None, join)
    assert (sent.messages, sent.memory, join.asked) == ([user("hello there")], "ledger away", [])


@given(steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_law_holds_with_memory_over_edits_forks_and_restarts(
    database: Database, steps: list[tuple[str, int]]
) -> None:
    owner = Owner("law", uuid.uuid4().hex)  # a ledger of this example's own
    world, rewriter = World(), Rewriter(Ledger(database))
    for kind, seed in steps:
        dice = random.Random(seed)
        thread = world.threads[seed % len(world.threads)]
        text = " ".join(str(dice.randrange(50)) for _ in range(dice.choice([2, 8, 20])))
        if kind == "restart":
            rewriter = Rewriter(Ledger(database))
            continue
        if kind == "fork":
            thread = copy.deepcopy(thread[: dice.randrange(len(thread) + 1)])
            world.threads.append(thread)
        elif kind == "edit" and thread:
            thread[dice.randrange(len(thread))] = user(text)
        if thread and thread[-1]["role"] == "user":
            thread.append(assistant(str(dice.randrange(3))))
        thread.append(tool_result(text) if kind == "result" else user(text, text[::-1]))
        forms = [in_another_form(thread, dice) for _ in range(3 if kind == "parallel" else 1)]
        shorteners = [dice.choice([None, Halve(2), Halve(3)]) for _ in forms]
        joins = [dice.choice([None, Recalls(dice.randrange(10**6), nothing=0.2)]) for _ in forms]
        jobs = [rewriter.rewrite(owner, f, s, j) for f, s, j in zip(forms, shorteners, joins, strict=True)]
        for form, result in zip(forms, await asyncio.gather(*jobs), strict=True):
            world.check(form, result.messages)
            assert not any(holds_mark(str(message)) for message in form)


async def test_with_a_real_memory(athena: Athena) -> None:
    """From remembering to the words a model would see; only of the project, and not what the session itself said."""
    await told(athena, "The deploy key of the staging cluster rotates on Fridays.", scope=Scope("house"))
    await told(athena, "The deploy key of the staging cluster is on Mars.", scope=Scope("elsewhere"))
    await told(athena, "User: which deploy key does the staging cluster have?", scope=Scope("house", session_id="s"))
    notes = Notes(athena.memory.recall)
    rewriter = Rewriter(athena.ledger)
    question = [user("When does the deploy key of the staging cluster rotate?")]
    join = Joiner(notes, project="house", session="s", timeout_s=20)
    sent = await rewriter.rewrite(Owner("me", "house"), question, None, join)
    text = last_text(sent.messages)
    assert sent.memory == "1 note recalled", text
    assert "rotates on Fridays." in text
    assert "Mars" not in text
    nowhere = Joiner(notes, project="nowhere", session="s", timeout_s=20)
    assert (await rewriter.rewrite(Owner("me", "nowhere"), question, None, nowhere)).messages == question
