"""Laws of cutting a text: nothing is lost, nothing is too long, and cuts are where a reader would pause."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.memory.chunking import chunks

# Mostly what pauses are made of, so that random texts reach every rule.
_TEXTS = st.text(st.one_of(st.sampled_from(" \n.!?…。 ab"), st.characters(exclude_categories=["Cs"])), max_size=400)


@given(_TEXTS, st.integers(1, 60))
def test_the_pieces_joined_are_the_text_and_none_is_too_long(text: str, size: int) -> None:
    pieces = chunks(text, size)
    assert "".join(pieces) == text
    assert all(len(piece) <= size for piece in pieces)
    assert "" not in pieces or text == ""


@given(_TEXTS, st.integers(1, 60))
def test_no_two_neighbours_would_have_fitted_together(text: str, size: int) -> None:
    pieces = chunks(text, size)
    assert all(len(one) + len(next_) > size for one, next_ in itertools.pairwise(pieces))


@given(_TEXTS)
def test_a_text_that_fits_is_left_whole(text: str) -> None:
    assert chunks(text, max(1, len(text))) == [text]


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("one two\n\nthree four\n\nfive", 20, ["one two\n\n", "three four\n\nfive"]),
        ("one two\nthree four\nfive", 12, ["one two\n", "three four\n", "five"]),
        ("One two. Three four. Five.", 12, ["One two.", " Three four.", " Five."]),
        ("one two three four", 9, ["one two ", "three ", "four"]),
        ("abcdefghij", 4, ["abcd", "efgh", "ij"]),
        ("一二三。四五六。七", 5, ["一二三。", "四五六。七"]),
    ],
    ids=["paragraphs", "lines", "sentences", "words", "characters", "ideographs"],
)
def test_a_cut_is_where_a_reader_would_pause(text: str, size: int, expected: list[str]) -> None:
    assert chunks(text, size) == expected


def test_a_million_characters_take_no_time_to_speak_of() -> None:
    text = "word " * 100_000 + "x" * 500_000
    assert "".join(chunks(text, 1000)) == text


def test_a_size_that_nothing_fits_into_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        chunks("text", 0)
