"""What our own mode promises: nothing lost at borders, nothing unknown lost, nothing protected touched."""

from __future__ import annotations

import random

import numpy as np
import pytest
import tiny
import torch
from conftest import World

from compressor import checkpoint
from compressor.engine import Job, Kept, Segment, Stop
from compressor.fast import _ROOM, cut
from compressor.runner import BATCH_TOKENS, WASTE, Row, batches, softmax
from compressor.spans import uncovered
from compressor.words import words

NASTY = [
    "",
    " ",
    "\n\n",
    "word",
    "🙂" * 50,
    "\x00\x01\x02",
    "a" * 6000,
    "x" * 90 + " " + "你好" * 900,
    "\u200f" + "مرحبا بالعالم " * 80,
    '{"a":[1,2,{"b":null}]}' * 60,
    "<tag><tag>" * 100 + "</s>[SEP][PAD]",
    "e\u0301" * 300,
    "\ufffd\ufffe",
    "one\r\n\r\ntwo\ttabs  and   blanks\n" * 40,
]


def law(text: str, kept: Kept) -> None:
    """True of every answer of every engine."""
    assert kept.text == "".join(text[start:end] for start, end in kept.kept)
    assert all(start < end for start, end in kept.kept)
    assert all(a[1] < b[0] for a, b in zip(kept.kept, kept.kept[1:], strict=False))


@pytest.mark.parametrize("text", NASTY, ids=range(len(NASTY)))
def test_nothing_breaks_and_every_character_is_in_a_word(world: World, text: str) -> None:
    segment = Segment(text)
    encoded = world.tokens.plain(text)
    found = words(segment, encoded, world.tokens, Job((segment,), ratio=0.5))
    assert uncovered(text, [(word.start, word.end) for word in found]) == []
    for engine in (world.fast, world.strict):
        for ratio in (0.05, 0.5, 1.0):
            (kept,) = engine.compress(Job((segment,), ratio=ratio), Stop())
            law(text, kept)
            if ratio == 1.0:
                assert kept.text == text


def test_pieces_are_all_tokens_and_end_at_words(world: World, prose: str) -> None:
    text = prose[:9000]
    segment = Segment(text)
    encoded = world.tokens.plain(text)
    found = words(segment, encoded, world.tokens, Job((segment,), ratio=0.5))
    pieces = cut(text, found, len(encoded.ids))
    assert len(pieces) > 3
    assert [first for first, _ in pieces] == [0, *(last for _, last in pieces[:-1])]
    assert pieces[-1][1] == len(encoded.ids)
    assert all(0 < last - first <= _ROOM for first, last in pieces)
    assert {last for _, last in pieces} <= {word.last for word in found}


def test_a_word_longer_than_the_model_is_cut_but_whole(world: World) -> None:
    text = "before " + "zqxj" * 1500 + " after"
    segment = Segment(text)
    encoded = world.tokens.plain(text)
    found = words(segment, encoded, world.tokens, Job((segment,), ratio=0.5))
    pieces = cut(text, found, len(encoded.ids))
    assert sum(last - first for first, last in pieces) == len(encoded.ids)
    assert all(last - first <= _ROOM for first, last in pieces)


def test_unknown_and_dropped_characters_stay(world: World, prose: str) -> None:
    text = "\ue123 " + prose[:3000] + " end\ue124 \u2060x \x01 tail"
    (kept,) = world.fast.compress(Job((Segment(text),), ratio=0.1), Stop())
    assert "\ue123" in kept.text
    assert "\ue124" in kept.text
    assert "\x01" in kept.text
    assert kept.lost == ()


def test_protected_spans_come_through_byte_for_byte(world: World, prose: str) -> None:
    drawn = random.Random(1)
    text = prose[20000:26000]
    starts = sorted(drawn.sample(range(0, len(text) - 40, 41), 40))
    spans = tuple((start, start + drawn.randint(1, 40)) for start in starts)
    for engine in (world.fast, world.strict, world.reference):
        (kept,) = engine.compress(Job((Segment(text, spans),), ratio=0.1), Stop())
        law(text, kept)
        for start, end in spans:
            assert any(a <= start and end <= b for a, b in kept.kept), text[start:end]


def test_the_budget_is_kept_and_used(world: World, prose: str) -> None:
    text = prose[:8000]
    total = world.fast.count(text)
    for target in (total // 10, total // 2, int(0.9 * total)):
        (kept,) = world.fast.compress(Job((Segment(text),), target_tokens=target), Stop())
        assert 0.9 * target <= world.fast.count(kept.text) <= target


def test_one_budget_over_all_segments(world: World, prose: str) -> None:
    segments = tuple(Segment(prose[at : at + 700]) for at in range(0, 14000, 700))
    kept = world.fast.compress(Job(segments, ratio=0.4), Stop())
    before = sum(world.fast.count(segment.text) for segment in segments)
    assert 0.36 * before <= sum(world.fast.count(of_one.text) for of_one in kept) <= 0.4 * before + 1
    for segment, of_one in zip(segments, kept, strict=True):
        law(segment.text, of_one)


def test_a_target_below_what_is_protected_keeps_just_that(world: World) -> None:
    text = "Keep THIS_ONE and /this/path too, not the others here."
    spans = ((5, 13), (18, 28))
    (kept,) = world.fast.compress(Job((Segment(text, spans),), target_tokens=1), Stop())
    assert kept.text == "THIS_ONE /this/path"


def test_words_that_were_apart_stay_apart(world: World, prose: str) -> None:
    text = prose[40000:44000]
    (kept,) = world.fast.compress(Job((Segment(text),), ratio=0.3), Stop())
    assert set(words_in(kept.text)) <= set(words_in(text))


def test_paragraphs_stay_paragraphs(world: World) -> None:
    text = "First paragraph with some words.\n\nSecond paragraph with others.\nIts second line."
    keep = tuple((text.index(word), text.index(word) + len(word)) for word in ("First", "others", "Its", "line"))
    (kept,) = world.fast.compress(Job((Segment(text, keep),), target_tokens=1), Stop())
    assert kept.text == "First\n\nothers\nIts line"


def test_forced_words_and_digits(world: World, prose: str) -> None:
    text = "Pay 35 coins, not 36, to Zelda. " + prose[:3000]
    job = Job((Segment(text),), ratio=0.1, forced_tokens=("not",), force_digits=True)
    (kept,) = world.fast.compress(job, Stop())
    assert "35" in kept.text
    assert "36" in kept.text
    assert words_in(kept.text).count("not") == words_in(text).count("not")


def words_in(text: str) -> list[str]:
    return "".join(character if character.isalnum() else " " for character in text).split()


def test_text_that_spells_a_special_token_is_text(world: World) -> None:
    text = "before [SEP] </s> <pad> [PAD] [NEW0] after"
    encoded = world.tokens.plain(text)
    special = {world.tokens.id(token) for token in world.architecture.special} - {
        world.tokens.id(world.architecture.unk)
    }
    assert not special & set(encoded.ids)
    assert world.tokens.id("[NEW0]") not in encoded.ids


def test_scores_are_those_of_the_model_with_its_own_special_tokens(world: World) -> None:
    text = "The quick brown fox isn't lazy."
    loaded = checkpoint.load(world.checkpoint, world.architecture)
    ids = loaded.tokenizer(text)["input_ids"]
    assert ids[0] == world.tokens.id(world.architecture.cls) != world.tokens.id(world.architecture.unk)
    with torch.no_grad():
        logits = loaded.model(input_ids=torch.tensor([ids])).logits.numpy()
    expected = softmax(logits)[0, 1:-1, 1]
    segment = Segment(text)
    encoded = world.tokens.plain(text)
    found = words(segment, encoded, world.tokens, Job((segment,), ratio=0.5))
    world.fast._score([segment], [encoded], [found], Stop())
    for word in found:
        assert word.score == pytest.approx(float(expected[word.first : word.last].mean()), abs=1e-5)


def test_rows_together_are_as_rows_alone(world: World) -> None:
    drawn = np.random.default_rng(5)
    rows = [Row([int(x) for x in drawn.integers(10, 2000, length)]) for length in (3, 200, 190, 200, 40, 512, 38, 1)]
    together = world.runner.keep_probabilities(rows, Stop())
    for row, found in zip(rows, together, strict=True):
        (alone,) = world.runner.keep_probabilities([row], Stop())
        assert len(found) == len(row.ids)
        np.testing.assert_allclose(found, alone, atol=1e-5)


def test_batches_waste_little() -> None:
    drawn = random.Random(3)
    lengths = [drawn.randint(1, 512) for _ in range(100)] + [drawn.randint(1, 60) for _ in range(400)]
    found = list(batches(lengths))
    assert sorted(index for batch in found for index in batch) == list(range(500))
    for batch in found:
        padded = max(lengths[index] for index in batch) * len(batch)
        assert padded <= BATCH_TOKENS
        assert padded - sum(lengths[index] for index in batch) <= WASTE * padded
    assert len(found) < 150


def test_the_same_request_gets_the_same_answer(world: World, prose: str) -> None:
    from compressor.fast import FastEngine

    engine = FastEngine(world.tokens, world.int8, "int8")
    job = Job((Segment(prose[:4000]), Segment("".join(tiny.OTHER_SCRIPTS))), ratio=0.5)
    assert engine.compress(job, Stop()) == engine.compress(job, Stop())


def test_a_sentence_without_blanks_can_be_shortened(worlds: dict[str, World]) -> None:
    text = "我们今天开会讨论预算。" * 20
    (kept,) = worlds["xlmr"].fast.compress(Job((Segment(text),), ratio=0.5), Stop())
    assert 0 < len(kept.text) < 0.8 * len(text)
