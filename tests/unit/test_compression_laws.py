"""What holds for every text, however strange."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from athena.compression import Compressed, Squeezed, compress, protect, segment
from athena.compression.reduce import reduce
from athena.compression.squeeze import survive

SENTENCES = (
    "The pump failed at 14:32 on 8 May 2023 and must not be restarted.",
    "See https://example.org/a/b?c=1 or /var/log/syslog for the trace.",
    "It rained all day and everybody went home early after the long meeting.",
    'She said "keep the old valve" and left.',
    "Они не пришли вовремя, хотя обещали.",
    "今天天气很好。我们一起去公园散步吧！",
    "الطقس جميل اليوم ولن نذهب إلى العمل.",
    "😀🎉 Great work, team 🔥🔥!",
    "Run `make test` with --verbose and MAX_RETRIES=5, then call reset_state().",
    "Nothing else happened in the afternoon, people talked and drank coffee.",
)
LINES = (
    "2024-05-01 12:00:01 INFO worker-3 polled queue in 12 ms",
    "2024-05-01 12:00:02 INFO worker-4 polled queue in 7 ms",
    "ERROR: connection refused by 10.0.0.7:5432",
    "Ada: I bought 3 apples yesterday, but not the pears.",
    "Ben: That is wonderful, tell me more about it please!",
    '{"a": 1.0, "b": [1, 2,   3]}',
    "```python",
    "```",
    "<item id='4'>text</item>",
    "</wrong><b>",
    "| a | b | c |",
    "+added = line",
    "def f(x):",
    "    return x  ",
    "> quoted, with 5 % off",
    "# A heading",
    "key: value",
    "",
    "",
    " \t ",
)
pieces = st.one_of(st.sampled_from(SENTENCES), st.sampled_from(LINES), st.text(max_size=40))
texts = st.lists(st.tuples(pieces, st.sampled_from((" ", "\n", "\n\n", "\r\n", ""))), max_size=60).map(
    lambda parts: "".join(piece + end for piece, end in parts)
)
ratios = st.sampled_from((0.0, 0.05, 0.2, 0.5, 0.9, 1.0))
queries = st.one_of(
    st.none(), st.sampled_from(("what failed with the pump?", "", " ", "who bought apples", "天气", "\ud800"))
)
REVERSIBLE = {"table", "repeats", "templates"}
often = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def run(text: str, **options: object) -> Compressed:
    return asyncio.run(compress(text, least_tokens=0, **options))  # type: ignore[arg-type]


@often
@given(texts, queries, ratios)
def test_never_longer_and_every_elision_is_a_part_of_the_original(text: str, query: str | None, ratio: float) -> None:
    found = run(text, query=query, ratio=ratio)
    assert len(found.text) <= len(text)
    assert found.compressed_tokens <= found.original_tokens
    assert found.floor_tokens <= found.original_tokens
    assert (found.text == text) == (found.engines == ())
    for elision in found.elisions:
        assert elision.text in text
        assert elision.id == hashlib.sha256(elision.text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
        assert f"id={elision.id}" in found.text


@often
@given(texts, ratios)
def test_without_a_query_protected_spans_survive_byte_for_byte(text: str, ratio: float) -> None:
    found = run(text, ratio=ratio)
    spans = protect(text)
    if REVERSIBLE.isdisjoint(found.engines):
        assert survive(text, spans, found.text)
    else:
        assert all(text[span.start : span.end] in found.text for span in spans)


@often
@given(texts, queries, ratios)
def test_the_same_text_gives_the_same_answer(text: str, query: str | None, ratio: float) -> None:
    one, two = run(text, query=query, ratio=ratio), run(text, query=query, ratio=ratio)
    assert (one.text, one.elisions, one.engines) == (two.text, two.elisions, two.engines)


@often
@given(texts)
def test_blocks_are_the_text_without_gaps(text: str) -> None:
    blocks = segment(text)
    assert "".join(text[block.start : block.end] for block in blocks) == text
    assert all(before.end == after.start for before, after in pairwise(blocks))


@often
@given(texts)
def test_spans_are_in_order_and_apart(text: str) -> None:
    spans = protect(text)
    assert all(span.start < span.end <= len(text) for span in spans)
    assert all(before.end <= after.start for before, after in pairwise(spans))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=6), inner, max_size=5),
    max_leaves=25,
)


@often
@given(values, st.integers(0, 4), st.booleans())
def test_json_is_equal_after_parsing(value: object, indent: int, ascii_only: bool) -> None:
    text = json.dumps([value], indent=indent, ensure_ascii=ascii_only)
    assert json.loads(reduce(text, "json", lossless_only=True).text) == [value]


@often
@given(
    st.lists(
        st.fixed_dictionaries({"identifier": st.integers(), "full_name_of_it": st.text(max_size=9), "payload": values}),
        min_size=3,
    )
)
def test_tables_of_json_can_be_turned_back(rows: list[dict[str, object]]) -> None:
    text = json.dumps(rows, indent=2, ensure_ascii=False)
    found = reduce(text, "json", lossless_only=False)
    parsed = json.loads(found.text)
    assert (_untabled(parsed) if "table" in found.engines else parsed) == rows


def _untabled(value: object) -> object:
    if isinstance(value, dict):
        if value.keys() == {"columns", "rows"}:
            return [dict(zip(value["columns"], map(_untabled, row), strict=True)) for row in value["rows"]]
        return {key: _untabled(inner) for key, inner in value.items()}
    return [_untabled(inner) for inner in value] if isinstance(value, list) else value


snippets = st.lists(
    st.sampled_from(
        (
            "import os\n",
            "def f(a, b=1):\n    return a\n",
            "X = '''one\n\n\n\ntwo   \n'''\n",
            'Y = """a\\\n\n\n\nb"""  # not a string: """ \n',
            "class C:\n    '''doc'''\n\n\n\n    y = r'\\' # x\n",
            "Z = f'{1}' \"#no\"   \n",
            "if X: \\\n  pass\n",
            "\n",
            "   \n",
            "\n\n\n",
            "# comment   \n",
            "\x0c\n",
        )
    ),
    max_size=25,
).map("".join)


@often
@given(snippets)
def test_python_is_equal_after_parsing(code: str) -> None:
    found = reduce(code, "code", lossless_only=True).text
    try:
        before = ast.dump(ast.parse(code))
    except (SyntaxError, ValueError):
        assert found == code
    else:
        assert ast.dump(ast.parse(found)) == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        " " * 100_000,
        "\x00\xff" * 20_000,
        "!" * 100_000,
        "a" * 200_000,
        "7" * 100_000,
        '"' * 50_000,
        "<a" * 50_000,
        "(" * 50_000,
        "[" * 50_000,
        ")->" * 30_000,
        "\ud800 half \udfff " * 5_000,
        "x = 1" + " " * 100_000 + "\n\n\n" * 1000,
        "var a={b:1};" * 20_000,
        "Ada: word " * 20_000,
        "\n" * 200_000,
        "```\n" * 20_000,
        "нет и да, " * 20_000,
        "天" * 100_000,
    ],
    ids=lambda text: repr(text[:6]),
)
@pytest.mark.parametrize("query", [None, "what is the word?"])
async def test_strange_texts_take_linear_time(text: str, query: str | None) -> None:
    async with asyncio.timeout(20):
        found = await compress(text, query=query, ratio=0.3)
    assert len(found.text) <= len(text)


class Lossy:
    """A squeezer that cuts whatever it likes, or what it is told to leave."""

    def __init__(self, step: int, careful: bool) -> None:
        self.step, self.careful = step, careful

    async def squeeze(self, segments, /, *, target_tokens: int, deadline_ms: int) -> list[Squeezed]:  # type: ignore[no-untyped-def]
        return [Squeezed(self._cut(each.text, each.protected)) for each in segments]

    def _cut(self, text: str, protected: tuple[tuple[int, int], ...]) -> str:
        stays = {index for span in protected for index in range(*span)} if self.careful else set()
        return "".join(sign for index, sign in enumerate(text) if index in stays or index % self.step)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(SENTENCES[:5]), min_size=40, max_size=80), st.sampled_from((2, 3)), st.booleans())
def test_a_squeezer_cannot_lose_a_protected_span(sentences: list[str], step: int, careful: bool) -> None:
    text = " ".join(sentences)
    found = run(text, ratio=0.2, squeezer=Lossy(step, careful), budget_ms=5000)
    assert survive(text, protect(text), found.text)
    assert ("llmlingua" in found.engines) == (careful or not found.degraded)
