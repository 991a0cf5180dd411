"""Spans and the text they make."""

from __future__ import annotations

import random

import pytest

from compressor.mapped import Mapped, rejoined
from compressor.spans import joined, merged, outside, trimmed, uncovered, with_separators


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("one four", "one four"),
        ("one two", "one  two"),
        ("two three", "two three"),
        ("one six", "one\n\nsix"),
        ("four five", "four\nfive"),
        ("three five", "three\nfive"),
    ],
)
def test_separators(words: str, expected: str) -> None:
    text = "one  two three four\nfive\n  \nsix"
    spans = [(text.index(word), text.index(word) + len(word)) for word in words.split()]
    # The first pair goes over the paragraph only where it has to.
    assert joined(text, with_separators(text, spans)) == expected.replace("\n\n", "\n  \n")


def test_white_space_at_the_ends_stays() -> None:
    assert joined("\n  a b c \n", with_separators("\n  a b c \n", [(5, 6)])) == "\n  b \n"


def test_what_touched_without_a_blank_touches() -> None:
    assert joined("foo-bar-baz", with_separators("foo-bar-baz", [(0, 3), (7, 11)])) == "foo-baz"


def test_two_words_never_become_one() -> None:
    assert joined("type(Ellipsis)", with_separators("type(Ellipsis)", [(0, 4), (5, 13)])) == "type(Ellipsis"
    assert joined("a (b) c", with_separators("a (b) c", [(0, 1), (3, 4), (6, 7)])) == "a b c"
    assert joined("我们今天", with_separators("我们今天", [(0, 1), (3, 4)])) == "我天"


def test_closing_punctuation_goes_to_what_is_before_it() -> None:
    text = "one two, (three four) five."
    spans = [(0, 3), (7, 8), (9, 10), (10, 15), (20, 21), (26, 27)]
    assert joined(text, with_separators(text, spans)) == "one, (three)."


def test_merged_and_outside_are_complements() -> None:
    drawn = random.Random(0)
    for _ in range(200):
        spans = merged(sorted((a := drawn.randint(0, 30), a + drawn.randint(0, 5)) for _ in range(6)))
        covered = {at for start, end in spans for at in range(start, end)}
        rest = {at for start, end in outside(spans, 40) for at in range(start, end)}
        assert covered | rest == set(range(40))
        assert not covered & rest


def test_trimmed_and_uncovered() -> None:
    assert trimmed("  a b ", (0, 6)) == (2, 5)
    assert trimmed("  a", (0, 2)) == (0, 2)
    assert uncovered("ab cd ef", [(0, 1), (3, 5)]) == [(1, 2), (6, 8)]


def test_replaced_text_knows_where_it_came_from() -> None:
    mapped = Mapped.of("a--b--c", 10).replaced("--", "[NEW0]")
    assert mapped.text == "a[NEW0]b[NEW0]c"
    assert mapped.span(1, 7) == (11, 13)
    assert mapped.span(7, 8) == (13, 14)
    assert mapped.span(0, len(mapped.text)) == (10, 17)
    again = mapped.replaced("0]b", "!")
    assert again.span(again.text.index("!"), again.text.index("!") + 1) == (11, 14)


def test_rejoined_text_knows_where_it_came_from() -> None:
    mapped = rejoined("don't go", ["don", "'", "t", "go"], [(0, 3), (4, 5), (5, 6), (9, 11)])
    assert mapped.span(0, 5) == (0, 6)
    assert mapped.span(6, 8) == (9, 11)
    assert mapped.span(5, 5) == (9, 9)
