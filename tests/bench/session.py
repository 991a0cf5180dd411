"""What compression does to the bill of an agent's session, by the provider's own cache rules.

A session of 40 turns is made from what an agent would have read here: files, searches, listings,
test output, JSON, prose from the standard library's documentation. Every request is priced three
ways: as it is, compressed once before the first sending (what Athena does), and compressed anew
at each request with the newest question (what a proxy without a ledger does).

Prices, relative to an input token: written to the cache 1.25, read from it 0.1, output 5.
"""

from __future__ import annotations

import json
import pydoc
import random
import subprocess
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from athena.compression import compress, estimate
from athena.config import Settings
from athena.core.llm_client import LocalLLMClient
from athena.rewrite.canonical import Message, canonical_form, last_question, replaced, units
from athena.rewrite.conversation import Rewriter
from athena.rewrite.ledger import Ledger, Owner
from athena.rewrite.shorten import Shortener, may_lose
from athena.runtime import postgres
from athena.store.pool import Database
from tests.bench.bars import Figure
from tests.bench.compression_evidence import embedding_server
from tests.bench.timing import Stopwatch, percentile

_ROOT = Path(__file__).resolve().parents[2]
_TURNS = 40
_PATH_REPEATS = 60
_WRITE, _READ, _OUTPUT = 1.25, 0.1, 5.0
# What goes before the messages in each request of such an agent: the system text and the tools.
_PREAMBLE_TOKENS = 18_000
_OUTPUT_TOKENS = 220
PART = "session"

Send = Callable[[list[Message]], Awaitable[list[Message]]]


@dataclass(slots=True)
class Bill:
    """In prices of an input token. `misses`: requests whose beginning was not what had been sent before."""

    cost: float = 0.0
    tokens: int = 0
    misses: int = 0


def session(seed: int = 1) -> list[Message]:
    """The messages of the whole session, a user's first."""
    dice = random.Random(seed)
    messages: list[Message] = [_user(_QUESTIONS[0])]
    sources = _sources(dice)
    for turn in range(1, _TURNS):
        name, arguments, output = next(sources)
        call = {"type": "tool_use", "id": f"t{turn}", "name": name, "input": arguments}
        messages.append({"role": "assistant", "content": [{"type": "text", "text": "I look."}, call]})
        result = {"type": "tool_result", "tool_use_id": f"t{turn}", "content": output}
        messages.append({"role": "user", "content": [result]})
        if turn % 10 == 0:
            messages.append(
                {"role": "assistant", "content": [{"type": "text", "text": "Here is what I found so far."}]}
            )
            messages.append(_user(_QUESTIONS[turn // 10]))
    return messages


_QUESTIONS = (
    "Why does recall miss memories when the embedding server is away? Find where the query is embedded.",
    "Which tests cover the outbox, and do any of them fail?",
    "How does the standard library parse dates? I want the same behaviour for occurred_at.",
    "Find every place that builds SQL and check that no value is put into the text.",
    "Summarise what has to be changed, file by file.",
)


def _user(text: str) -> Message:
    return {"role": "user", "content": [{"type": "text", "text": text}]}


def _sources(dice: random.Random) -> Iterator[tuple[str, dict[str, str], str]]:
    files = sorted((_ROOT / "services" / "athena" / "athena").rglob("*.py"))
    docs = ["datetime", "json", "asyncio.tasks", "logging", "pathlib", "subprocess", "email.message", "argparse"]
    words = ["connection", "embedding", "await", "raise", "def test", "statements", "timeout"]
    while True:
        path = dice.choice(files)
        yield "Read", {"file_path": str(path)}, _numbered(path.read_text())
        word = dice.choice(words)
        yield "Bash", {"command": f"grep -rn '{word}' services"}, _grep(word)
        module = dice.choice(docs)
        yield "WebFetch", {"url": f"https://docs.example/{module}"}, pydoc.plain(pydoc.render_doc(module))[:24_000]
        yield "Bash", {"command": "make test"}, _test_log(dice)
        yield "Bash", {"command": "curl api/v1/memories"}, _api_answer(dice)


def _numbered(text: str) -> str:
    return "".join(f"{number:6d}\t{line}\n" for number, line in enumerate(text.splitlines(), 1))


def _grep(word: str) -> str:
    command = ["grep", "-rn", "--include=*.py", word, "services/athena/athena"]
    found = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    return found.stdout[:20_000]


def _test_log(dice: random.Random) -> str:
    lines = ["============================= test session starts =============================="]
    for number in range(dice.randrange(80, 220)):
        area = dice.choice(["recall", "remember", "generations", "degraded", "api"])
        lines.append(
            f"2026-11-20 10:{number // 60:02d}:{number % 60:02d} tests/integration/test_{area}.py::test_{number} PASSED"
        )
    failed = dice.randrange(10, 60)
    lines.append(f"E   AssertionError: expected 'ready', got 'pending' in test_{failed}")
    lines.append(
        f"=================== 1 failed, {len(lines) - 3} passed in {dice.randrange(20, 90)}.31s ==================="
    )
    return "\n".join(lines)


def _api_answer(dice: random.Random) -> str:
    memories = [
        {
            "id": f"0192f0c1-{dice.randrange(16**4):04x}-7abc-8def-0123456789ab",
            "content": f"memory number {number} about {dice.choice(['tea', 'trains', 'invoices'])}",
            "memory_type": "fact",
            "score": round(dice.random() * 4, 4),
            "metadata": {},
            "tags": [],
        }
        for number in range(60)
    ]
    return json.dumps({"memories": memories, "degraded": [], "pending": 0}, indent=2)


def requests(messages: list[Message]) -> Iterator[list[Message]]:
    """What the client sends, one request per answer of the model."""
    for index, message in enumerate(messages):
        if message["role"] == "user":
            yield messages[: index + 1]


async def price(messages: list[Message], send: Send) -> Bill:
    """Each request: what was sent before is read from the cache as far as it is the same, the rest is written."""
    bill = Bill()
    before: list[Any] = []
    for request in requests(messages):
        sent = canonical_form(await send(request))
        same = next((i for i, (old, new) in enumerate(zip(before, sent, strict=False)) if old != new), len(before))
        bill.misses += same < len(before)
        cached = sum(_tokens(message) for message in sent[:same])
        written = sum(_tokens(message) for message in sent[same:])
        bill.cost += _READ * (_PREAMBLE_TOKENS + cached) + _WRITE * written + _OUTPUT * _OUTPUT_TOKENS
        bill.tokens += _PREAMBLE_TOKENS + cached + written
        before = sent
    return bill


def _tokens(message: Any) -> int:
    return estimate(json.dumps(message, ensure_ascii=False))


async def measure(database: Database) -> list[Figure]:
    """The three bills over several sessions; bars on the first two figures."""
    totals = {"as it is": Bill(), "athena": Bill(), "anew": Bill()}
    for seed in range(1, 4):
        messages = session(seed)
        rewriter, owner = Rewriter(Ledger(database)), Owner("bench", f"session-{seed}")
        shortener = Shortener(_by_words)

        async def as_it_is(request: list[Message]) -> list[Message]:
            return request

        async def athena(request: list[Message], rewriter: Rewriter = rewriter, owner: Owner = owner) -> list[Message]:
            return (await rewriter.rewrite(owner, request, shortener)).messages  # noqa: B023 - used within this turn

        for name, send in (("as it is", as_it_is), ("athena", athena), ("anew", _anew)):
            bill = await price(messages, send)
            totals[name].cost += bill.cost
            totals[name].tokens += bill.tokens
            totals[name].misses += bill.misses
    plain, ours, anew = totals["as it is"], totals["athena"], totals["anew"]
    saved, contrast = 1 - ours.cost / plain.cost, 1 - anew.cost / plain.cost
    shown = f"{ours.cost:,.0f}", f"{plain.cost:,.0f}"
    return [
        Figure(PART, "cheaper than uncompressed", saved * 100, "%", 13, "at least", *shown),
        Figure(PART, "cache misses caused by us", float(ours.misses), "", 0, "at most"),
        Figure(PART, "for contrast: compressed anew each turn, cheaper", contrast * 100, "%"),
        Figure(PART, "for contrast: cache misses that causes", float(anew.misses), ""),
        Figure(PART, "tokens sent less", (1 - ours.tokens / plain.tokens) * 100, "%"),
    ]


async def _by_words(text: str, query: str, **wanted: Any) -> Any:
    """The gateway's compression with no model server there: what can always be had."""
    return await compress(text, query=query, **wanted)


async def _anew(request: list[Message]) -> list[Message]:
    query = last_question(request)
    texts = {}
    for unit in units(request):
        if unit.tool is not None and may_lose(unit):
            texts[unit.path] = (await compress(unit.text, query=query, ratio=0.5)).text
    return replaced(request, texts)


async def path(database: Database, embeddings_url: str) -> Figure:
    """What the whole default path adds to a request with 4,000 new tokens: ledger, reducers, ranking by MiniLM."""
    async with LocalLLMClient(embeddings_url, embeddings_url, compressor_url="http://127.0.0.1:9") as client:
        rewriter, shortener = Rewriter(Ledger(database)), Shortener(client.compress)
        taken = []
        for repeat in range(_PATH_REPEATS):
            request = _fresh(repeat)
            watch = Stopwatch()
            await rewriter.rewrite(Owner("bench", f"path-{repeat}"), request, shortener)
            taken.append(watch.milliseconds)
    shown = f"p50 {percentile(taken, 0.5):.0f} ms, {sum(map(_tokens, canonical_form(request)))} tokens"
    return Figure(PART, "added to 4,000 new tokens, p95", percentile(taken, 0.95), "ms", 150, "at most", shown)


def _fresh(seed: int) -> list[Message]:
    """A question and three tools' outputs, none of which was ever seen."""
    dice = random.Random(seed)
    prose = pydoc.plain(pydoc.render_doc(dice.choice(["datetime", "logging", "pathlib", "argparse"])))
    start = dice.randrange(20_000)
    outputs = [
        ("WebFetch", prose[start : start + 7_000]),
        ("Bash", _test_log(dice)[:3_500]),
        ("Bash", _api_answer(dice)[:3_500]),
    ]
    calls = [{"type": "tool_use", "id": f"t{n}", "name": name, "input": {}} for n, (name, _) in enumerate(outputs)]
    results = [
        {"type": "tool_result", "tool_use_id": f"t{n}", "content": f"{seed}\n{text}"}
        for n, (_, text) in enumerate(outputs)
    ]
    return [
        _user(f"{_QUESTIONS[seed % 5]} {seed}"),
        {"role": "assistant", "content": calls},
        {"role": "user", "content": results},
    ]


async def run() -> list[Figure]:
    """Over a PostgreSQL and a MiniLM of this run's own."""
    with tempfile.TemporaryDirectory(prefix="athena-bench-") as folder:
        Path(folder).chmod(0o711)
        async with postgres.ensure_running(Settings(home=Path(folder))) as dsn, embedding_server() as url:
            database = Database(dsn)
            try:
                return [*await measure(database), await path(database, url)]
            finally:
                await database.close()
