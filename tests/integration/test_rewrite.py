"""The ledger's law: the rewriting of a prefix is a prefix of the rewriting, in canonical form."""

from __future__ import annotations

import asyncio
import copy
import random
import uuid
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athena.compression import Elision
from athena.errors import NotFound, StoreUnavailable
from athena.rewrite.canonical import Message, Unit, canonical_form, last_question, units
from athena.rewrite.conversation import Rewriter
from athena.rewrite.ledger import Ledger, Owner
from athena.rewrite.ports import Shorter
from athena.rewrite.shorten import Shortener
from athena.store.pool import Database

OWNER = Owner("me", "p")


class Halve:
    """Keeps every n-th word: what it does depends on `n`, as a changed setting would."""

    def __init__(self, n: int = 2) -> None:
        self.n = n
        self.asked: list[str] = []

    async def __call__(self, unit: Unit, query: str) -> Shorter | None:
        text = unit.text
        self.asked.append(text)
        words = text.split()
        if len(words) < 4:
            return None
        id = f"{abs(hash(text)) % 10**8:08d}"
        return Shorter(" ".join(words[:: self.n]) + f" [{id}]", (Elision(id, text),))


def user(*texts: str) -> Message:
    return {"role": "user", "content": [{"type": "text", "text": text} for text in texts]}


def assistant(text: str) -> Message:
    thinking = {"type": "thinking", "thinking": f"about {text}", "signature": "s"}
    return {"role": "assistant", "content": [thinking, {"type": "text", "text": text}]}


def tool_result(text: str, id: str = "t1") -> Message:
    return {"role": "user", "content": [{"type": "tool_result", "tool_use_id": id, "content": text}]}


LONG = "one two three four five six seven eight"


async def test_a_text_is_decided_once_and_replayed(database: Database) -> None:
    rewriter, shorten = Rewriter(Ledger(database)), Halve()
    first = await rewriter.rewrite(OWNER, [user(LONG)], shorten)
    assert first.messages[0]["content"][0]["text"] != LONG
    longer = [user(LONG), assistant("ok"), tool_result(LONG)]
    second = await rewriter.rewrite(OWNER, longer, shorten)
    assert second.messages[0] == first.messages[0]
    assert (second.replayed, second.shortened) == (1, 1)
    assert shorten.asked == [LONG, LONG]
    off = await Rewriter(Ledger(database)).rewrite(OWNER, longer, None)
    assert off.messages == second.messages


async def test_what_was_sent_as_it_is_stays_as_it_is(database: Database) -> None:
    rewriter = Rewriter(Ledger(database))
    history = [user(LONG), assistant("ok"), user("short")]
    assert (await rewriter.rewrite(OWNER, history, Halve())).messages == history
    longer = [*history, assistant("fine"), user(LONG)]
    result = await rewriter.rewrite(OWNER, longer, Halve())
    assert result.messages[:-1] == longer[:-1]
    assert result.messages[-1] != longer[-1]


async def test_cache_control_stays_where_the_client_put_it(database: Database) -> None:
    rewriter = Rewriter(Ledger(database))
    marked = user(LONG)
    marked["content"][0]["cache_control"] = {"type": "ephemeral"}
    first = await rewriter.rewrite(OWNER, [marked], Halve())
    assert first.messages[0]["content"][0]["cache_control"] == {"type": "ephemeral"}
    moved = [{"role": "user", "content": LONG}, assistant("ok"), user("next")]
    second = await rewriter.rewrite(OWNER, moved, Halve())
    assert second.messages[0]["content"] == first.messages[0]["content"][0]["text"]


async def test_only_users_texts_and_tool_results_are_touched(database: Database) -> None:
    messages: list[Message] = [
        {"role": "system", "content": LONG},
        user(LONG),
        {
            "role": "assistant",
            "content": [
                {"type": "thinking", "thinking": LONG, "signature": "x"},
                {"type": "tool_use", "id": "t1", "name": "f", "input": {"text": LONG}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "t1",
                    "is_error": True,
                    "content": [
                        {"type": "text", "text": LONG},
                        {"type": "image", "source": {"type": "base64", "data": LONG}},
                        {"type": "text", "text": LONG + " again"},
                    ],
                },
                {"type": "document", "source": {"type": "text", "data": LONG}},
            ],
        },
        {"role": "system", "content": LONG},
    ]
    before = copy.deepcopy(messages)
    sent = (await Rewriter(Ledger(database)).rewrite(OWNER, messages, Halve())).messages
    assert messages == before
    assert [sent[i] for i in (0, 1, 2, 4)] == [before[i] for i in (0, 1, 2, 4)]
    result, document = sent[3]["content"]
    assert document == before[3]["content"][1]
    assert [b["type"] for b in result["content"]] == ["text", "image", "text"]
    assert result["content"][0]["text"] != LONG
    assert result["content"][1] == before[3]["content"][0]["content"][1]
    assert {k: v for k, v in result.items() if k != "content"} == {
        "type": "tool_result",
        "tool_use_id": "t1",
        "is_error": True,
    }


async def test_two_requests_at_once_send_the_same(database: Database) -> None:
    messages = [user(*(f"{LONG} {n}" for n in range(10)))]
    shorteners = [Halve(n) for n in (2, 3, 4)] * 4
    answers = await asyncio.gather(*(Rewriter(Ledger(database)).rewrite(OWNER, messages, s) for s in shorteners))
    assert all(answer.messages == answers[0].messages for answer in answers)


async def test_counting_decides_nothing(database: Database) -> None:
    rewriter = Rewriter(Ledger(database))
    preview = await rewriter.preview(OWNER, [user(LONG)], Halve())
    async with database.acquire() as connection:
        assert await connection.fetchval("SELECT count(*) FROM rewrite") == 0
    assert (await rewriter.rewrite(OWNER, [user(LONG)], Halve())).messages == preview.messages
    assert (await rewriter.preview(OWNER, [user(LONG)], None)).messages == preview.messages


async def test_an_original_is_its_owners_alone(database: Database) -> None:
    ledger = Ledger(database)
    sent = await Rewriter(ledger).rewrite(OWNER, [user(LONG)], Halve())
    id = sent.messages[0]["content"][0]["text"].rsplit("[", 1)[1].removesuffix("]")
    assert await ledger.original(OWNER, id) == LONG
    for other in (Owner("you", "p"), Owner("me", "q")):
        with pytest.raises(NotFound):
            await ledger.original(other, id)


async def test_purging_says_first_what_it_would_take(database: Database) -> None:
    ledger = Ledger(database)
    for text in (LONG, LONG + " nine"):
        await Rewriter(ledger).rewrite(OWNER, [user(text), assistant("ok"), user(text + " more")], Halve())
    preview = await ledger.purge(OWNER)
    assert (preview.conversations, preview.decisions, preview.dry_run) == (2, 4, True)
    assert (await ledger.purge(Owner("you", "p"), dry_run=False)).decisions == 0
    assert (await ledger.purge(OWNER, dry_run=False)).decisions == 4
    assert (await ledger.purge(OWNER)).decisions == 0


async def test_without_the_ledger_only_a_new_conversation_goes_out() -> None:
    rewriter = Rewriter(Ledger(Database("postgresql://nobody@/nothing?host=/nonexistent")))
    fresh = [{"role": "system", "content": "s"}, user(LONG)]
    assert (await rewriter.rewrite(OWNER, fresh, Halve())).messages == fresh
    with pytest.raises(StoreUnavailable) as raised:
        await rewriter.rewrite(OWNER, [user(LONG), assistant("ok"), user("next")], Halve())
    assert raised.value.retry_after


def test_the_question_is_the_last_thing_a_person_said() -> None:
    messages = [user("first"), assistant("a"), user("second"), assistant("b"), tool_result("noise")]
    assert last_question(messages) == "second"
    assert last_question([{"role": "user", "content": "plain"}]) == "plain"
    assert last_question([assistant("x")]) == ""


def test_keys_depend_on_everything_before_and_on_nothing_after() -> None:
    long = [user(LONG), assistant("a"), user("b")]
    assert [u.key for u in units(long[:1])] == [u.key for u in units(long)][:1]
    other = [user(LONG), assistant("another answer"), user("b")]
    assert units(long)[0].key == units(other)[0].key
    assert units(long)[1].key != units(other)[1].key


@dataclass
class World:
    """Conversations as one client might hold them, and every request that was sent so far."""

    sent: list[tuple[list[Any], list[Any]]] = field(default_factory=list)
    threads: list[list[Message]] = field(default_factory=lambda: [[]])

    def check(self, messages: list[Message], rewritten: list[Message]) -> None:
        now, then = canonical_form(messages), canonical_form(rewritten)
        for old, old_rewritten in self.sent:
            if now[: len(old)] == old:
                assert then[: len(old)] == old_rewritten
        self.sent.append((now, then))


def in_another_form(messages: list[Message], dice: random.Random) -> list[Message]:
    """The same conversation, said differently: strings for blocks, `cache_control` elsewhere."""
    copies = copy.deepcopy(messages)
    for message in copies:
        content = message["content"]
        if len(content) == 1 and content[0]["type"] == "text" and dice.random() < 0.4:
            message["content"] = content[0]["text"]
        elif isinstance(content, list):
            for block in content:
                if dice.random() < 0.3:
                    block["cache_control"] = {"type": "ephemeral"}
    return copies


STEPS = st.lists(
    st.tuples(st.sampled_from(["say", "say", "result", "fork", "edit", "parallel", "restart"]), st.integers(0, 10**6)),
    min_size=2,
    max_size=14,
)


@given(steps=STEPS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_law_holds_over_edits_forks_and_restarts(database: Database, steps: list[tuple[str, int]]) -> None:
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
        jobs = [rewriter.rewrite(owner, form, s) for form, s in zip(forms, shorteners, strict=True)]
        for form, result in zip(forms, await asyncio.gather(*jobs), strict=True):
            world.check(form, result.messages)


def test_calls_of_tools_alone_count_as_said() -> None:
    """The same result of another tool is another text: one may be shortened, the other must not be."""

    def talk(tool: str) -> list[Message]:
        call = {"id": "call_0", "type": "function", "function": {"name": tool, "arguments": "{}"}}
        return [
            {"role": "user", "content": "look"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_0", "content": LONG},
        ]

    listed, read = units(talk("bash"))[-1], units(talk("read_file"))[-1]
    assert (listed.tool, read.tool) == ("bash", "read_file")
    assert listed.key != read.key


async def test_a_shortener_that_fails_leaves_the_text_alone(database: Database) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("out of order")

    sent = await Rewriter(Ledger(database)).rewrite(OWNER, [user(LONG)], Shortener(broken))
    assert sent.messages == [user(LONG)]


async def test_files_that_a_tool_shows_lose_nothing() -> None:
    asked: list[dict[str, Any]] = []

    async def compress(text: str, query: str, **wanted: Any) -> Any:
        asked.append(wanted)
        raise RuntimeError

    for tool, lossless in (("Read", True), ("str_replace_editor", True), ("Bash", False), (None, True)):
        unit = Unit(path=(0,), text=LONG, key=b"", root=b"", is_new=True, tool=tool)
        await Shortener(compress)(unit, "")
        assert asked[-1]["lossless_only"] is lossless, tool
