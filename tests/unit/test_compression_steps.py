"""Reducing, extracting, squeezing: what each does to a text, and what is said about it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

import pytest

from athena.compression import Segment, Squeezed, compress, estimate
from athena.compression.reduce import reduce
from athena.errors import ModelServerUnavailable

FILLER = [
    f"On the {day} the visitors walked through the {place}, talked for a while and had tea afterwards."
    for day in ("first day", "second day", "third day", "next morning", "following evening", "last afternoon")
    for place in ("garden", "old town", "market", "museum", "castle", "library", "harbour", "forest")
]
NEEDLE = "The boiler in the cellar was replaced by the plumber Hallstrom."
PROSE = "\n\n".join([" ".join(FILLER[:16]), " ".join([*FILLER[16:24], NEEDLE, *FILLER[24:32]]), " ".join(FILLER[32:])])
PLAIN = "\n\n".join(" ".join(FILLER[at : at + 8]) for at in range(0, 48, 8))


def log_lines(count: int) -> str:
    said = "polled the queue of waiting jobs and found nothing that it could do"
    return "".join(f"2024-05-01 12:{i // 60:02d}:{i % 60:02d} INFO worker-{i % 7} {said}\n" for i in range(count))


async def test_a_short_text_is_left_alone() -> None:
    found = await compress("\n\n\n\n\n".join(FILLER[:5]), query="boiler", ratio=0.1)
    assert (found.engines, found.reached) == ((), False)
    assert found.text == "\n\n\n\n\n".join(FILLER[:5])


@pytest.mark.parametrize("ratio", [0.5, 0.2, 0.1])
async def test_what_the_query_asks_for_stays_in_its_place(ratio: float) -> None:
    found = await compress(PROSE, query="Who replaced the boiler?", ratio=ratio)
    assert NEEDLE in found.text
    assert found.reached
    assert found.compressed_tokens <= ratio * found.original_tokens + 1
    assert found.engines == ("extract",)
    kept = [sentence for sentence in FILLER if sentence in found.text]
    assert kept == sorted(kept, key=PROSE.index)
    assert [found.text.index(sentence) for sentence in kept] == sorted(found.text.index(sentence) for sentence in kept)


async def test_what_was_left_out_can_be_put_back() -> None:
    found = await compress(PROSE, query="Who replaced the boiler?", target_tokens=800)
    restored = found.text
    for elision in found.elisions:
        start = restored.index("[…", 0, restored.index(f"id={elision.id}"))
        mark_end = restored.index("]", start) + 1
        while mark_end < len(restored) and restored[mark_end].isspace():
            mark_end += 1
        restored = restored[:start] + elision.text + restored[mark_end:]
    assert restored == PROSE


async def test_headings_of_what_is_kept_are_kept() -> None:
    parts = [
        f"## Part {name}\n\n{' '.join(FILLER[at : at + 12])}" for at, name in ((0, "One"), (12, "Two"), (24, "Three"))
    ]
    text = "\n\n".join([*parts, f"## Part Repairs\n\n{' '.join(FILLER[36:40])} {NEEDLE}\n"])
    found = await compress(text, query="Who replaced the boiler?", ratio=0.15)
    assert "## Part Repairs" in found.text
    assert "## Part One" not in found.text


async def test_code_and_data_are_not_taken_from() -> None:
    data = "\n".join(f"setting_{i}: value {i}" for i in range(40))
    text = f"{PROSE}\n\n```python\ndef f():\n    return {NEEDLE!r}\n```\n\n{data}\n\n{PLAIN}"
    found = await compress(text, query="the museum", ratio=0.3)
    assert data in found.text
    assert f"```python\ndef f():\n    return {NEEDLE!r}\n```" in found.text


async def test_beside_much_code_the_rest_keeps_its_share() -> None:
    code = "".join(f"def f{i}(a):\n    return a + {i}\n" for i in range(200))
    found = await compress(f"{PROSE}\n\n```python\n{code}```\n", query="Who replaced the boiler?", ratio=0.2)
    assert NEEDLE in found.text
    assert code in found.text
    assert not found.reached
    assert found.floor_tokens > 0.2 * found.original_tokens


async def test_a_target_below_what_must_stay_is_said_to_be_missed() -> None:
    code = "".join(f"def f{i}(a):\n    return a + {i}\n\n" for i in range(200))
    found = await compress(code, query="f7", ratio=0.1)
    assert found.text == code
    assert not found.reached
    assert found.floor_tokens == found.original_tokens


async def test_without_a_query_the_floor_is_what_is_protected() -> None:
    text = " ".join(f"On the way we paid exactly {i * 7} euros for it and did not complain at all." for i in range(90))
    found = await compress(text, ratio=0.05)
    assert not found.reached
    assert 0.05 * found.original_tokens < found.floor_tokens < found.original_tokens


async def test_json_is_a_table_only_where_white_space_is_not_enough() -> None:
    rows = [{"identifier": i, "name": f"row {i}", "enabled": True} for i in range(120)]
    text = json.dumps(rows, indent=4)
    mild = await compress(text, ratio=0.9)
    assert json.loads(mild.text) == rows
    hard = await compress(text, ratio=0.2)
    assert hard.engines == ("json", "table")
    assert json.loads(hard.text)["rows"][7] == [7, "row 7", True]


def test_numbers_are_written_as_they_were() -> None:
    name, other = "identifier_of_the_row", "measured_value"
    numbers = [("1.0", "1e400"), ("100000000000000000000.00", "-0"), ("1", "2"), ("3", "0.10")]
    text = "[" + ", ".join(f'{{"{name}": {one}, "{other}": {two}}}' for one, two in numbers) + "]"
    rows = ",".join(f"[{one},{two}]" for one, two in numbers)
    assert reduce(text, "json", lossless_only=False).text == f'{{"columns":["{name}","{other}"],"rows":[{rows}]}}'


def test_lines_of_one_form_become_a_table_that_holds_every_value() -> None:
    text = log_lines(100) + "ERROR: out of memory\n" * 9
    found = reduce(text, "log", lossless_only=False)
    assert found.engines == ("repeats", "templates")
    assert estimate(found.text) < 0.7 * estimate(text)
    assert all(f"12:{i // 60:02d}:{i % 60:02d}" in found.text for i in range(100))
    assert "ERROR: out of memory\n[the line above 8 more times]\n" in found.text
    assert reduce(text, "log", lossless_only=True).text == text


async def test_the_line_with_the_error_stays() -> None:
    text = log_lines(150) + "2024-05-01 12:09:00 ERROR worker-3 connection to the database refused\n" + log_lines(150)
    found = await compress(text, query="why did the job stop?", ratio=0.1)
    assert "ERROR worker-3 connection to the database refused" in found.text


class Likes:
    """Says that sentences with a certain word mean the same as the query."""

    def __init__(self, word: str, limit: int | None = None, delay_s: float = 0.0) -> None:
        self.word, self.limit, self.delay_s = word, limit, delay_s
        self.asked = 0

    async def score(self, query: str, sentences: Sequence[str], /) -> list[float]:
        await asyncio.sleep(self.delay_s)
        self.asked = len(sentences)
        return [float(self.word in sentence) for sentence in sentences][: self.limit]


async def test_meaning_moves_what_words_cannot_find() -> None:
    query = "What was repaired under the house?"
    ranker = Likes("boiler")
    found = await compress(PROSE, query=query, ratio=0.1, ranker=ranker)
    assert NEEDLE in found.text
    assert "embedding" in found.engines
    assert ranker.asked > 40


@pytest.mark.parametrize("limit", [0, 1, 10])
async def test_a_ranker_may_answer_for_some_only(limit: int) -> None:
    found = await compress(PROSE, query="boiler", ratio=0.1, ranker=Likes("boiler", limit=limit))
    assert NEEDLE in found.text
    assert found.reached


async def test_a_slow_ranker_is_not_waited_for() -> None:
    started = time.perf_counter()
    found = await compress(PROSE, query="boiler", ratio=0.1, ranker=Likes("tea", delay_s=30), budget_ms=150)
    assert time.perf_counter() - started < 5
    assert (found.engines, found.degraded) == (("extract",), ("embedding: not in time",))


class Shortening:
    """Keeps the protected spans and every other word; or fails as it is told."""

    def __init__(self, failure: Exception | None = None, answers: list[Squeezed] | None = None) -> None:
        self.failure, self.answers = failure, answers
        self.segments: list[Segment] = []
        self.target = 0

    async def squeeze(self, segments: Sequence[Segment], /, *, target_tokens: int, deadline_ms: int) -> list[Squeezed]:
        self.segments, self.target = list(segments), target_tokens
        if self.failure:
            raise self.failure
        return self.answers if self.answers is not None else [Squeezed(" ".join(s.text.split()[::2])) for s in segments]


async def test_without_a_query_the_squeezer_does_the_work_and_the_original_has_an_id() -> None:
    squeezer = Shortening()
    found = await compress(PLAIN, ratio=0.6, squeezer=squeezer, budget_ms=5000)
    assert found.engines == ("llmlingua",)
    assert found.elisions[0].text == PLAIN
    assert f"id={found.elisions[0].id}" in found.text
    assert squeezer.target == pytest.approx(0.6 * found.original_tokens, abs=1)


async def test_with_a_query_extraction_comes_first() -> None:
    squeezer = Shortening()
    found = await compress(PROSE, query="boiler", ratio=0.3, squeezer=squeezer, budget_ms=5000)
    assert found.engines == ("extract",)
    assert squeezer.segments == []


async def test_what_is_still_too_long_is_squeezed_and_the_marks_stay() -> None:
    class Careful(Shortening):
        async def squeeze(
            self, segments: Sequence[Segment], /, *, target_tokens: int, deadline_ms: int
        ) -> list[Squeezed]:
            self.segments = list(segments)
            return [Squeezed("".join(each.text[a:b] for a, b in each.protected)) for each in segments]

    squeezer = Careful()
    text = f"{PROSE}\n\n" + " ".join(f"We paid {i} euros for it." for i in range(150))
    found = await compress(text, query="boiler", ratio=0.1, keep_protected=True, squeezer=squeezer, budget_ms=5000)
    assert found.engines == ("extract", "llmlingua")
    assert "[…" in squeezer.segments[0].text
    assert all(elision.text in text and f"id={elision.id}" in found.text for elision in found.elisions)


@pytest.mark.parametrize(
    "squeezer",
    [
        Shortening(ModelServerUnavailable("the compressor is down", source="compressor")),
        Shortening(RuntimeError("no")),
        Shortening(answers=[]),
    ],
)
async def test_a_failing_squeezer_is_named_and_extraction_does_the_work(squeezer: Shortening) -> None:
    found = await compress(PLAIN, ratio=0.4, squeezer=squeezer, budget_ms=5000)
    assert found.engines == ("extract",)
    assert found.reached
    assert found.degraded[0].startswith("compressor: ")


async def test_no_budget_no_waiting() -> None:
    squeezer = Shortening()
    found = await compress(PLAIN, ratio=0.4, squeezer=squeezer, budget_ms=0)
    assert squeezer.segments == []
    assert (found.engines, found.degraded) == (("extract",), ("compressor: no time left",))


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf"), -1.0, 0.0])
async def test_senseless_numbers_are_no_exception(number: float) -> None:
    found = await compress(PLAIN, query="museum", ratio=number, budget_ms=number, ranker=Likes("museum"))
    assert len(found.text) <= len(PLAIN)
    assert await compress(PLAIN, target_tokens=-5, squeezer=Shortening(), budget_ms=number)
