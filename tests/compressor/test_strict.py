"""Strict mode keeps exactly the package's words, but for ties."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import tiny
from agreement import against_package
from conftest import World

from compressor.engine import Job, Segment, Stop
from compressor.errors import EngineFailed
from compressor.export import export
from compressor.exported import Export
from compressor.reference import ReferenceEngine
from compressor.strict import package_rate

CODE = Path(tiny.__file__).read_text()
ODD = (
    "An emoji 🙂 alone, some🙃where, ①② and ﬁne; a [SEP] and a </s> and <|endoftext|>, e\u0301 and "
    "\u200bzero\u200b width, "
    "end\x00ing, no\u00a0break, [UNK] [PAD] <pad> <unk>, 𝔘nicode, tab\there, CRLF\r\nline. "
)


def check(world: World, text: str, rate: float, forced: tuple[str, ...] = (), digits: bool = False) -> int:
    job = Job((Segment(text),), ratio=rate, forced_tokens=forced, force_digits=digits)
    found = against_package(text, job, rate, world.reference, world.tokens, world.runner, world.counter)
    assert found.our_words == found.package_words
    assert found.beyond_ties == []
    return len(found.our_words)


@pytest.mark.parametrize("rate", [0.1, 0.33, 0.5, 0.9])
def test_long_prose(world: World, prose: str, rate: float) -> None:
    assert check(world, prose[5000:17000], rate) > 1500


@pytest.mark.parametrize("text", ["".join(tiny.OTHER_SCRIPTS), CODE[:4000], ODD * 12], ids=["scripts", "code", "odd"])
def test_other_text(world: World, text: str) -> None:
    assert check(world, text, 0.5) > 50


def test_forced_tokens_and_digits(world: World, prose: str) -> None:
    text = "\n".join(f"{at}. " + line for at, line in enumerate(prose[8000:12000].splitlines()))
    check(world, text, 0.4, forced=("\n", "?", ".", "not", "of the"), digits=True)


def test_text_without_a_place_to_cut(world: World) -> None:
    """No chunk end anywhere: the package cuts inside a word and one token too late."""
    check(world, "lorem ipsum dolor sit amet " * 400, 0.5)
    check(world, "".join("abcdefghij"[: at % 11] + "-" for at in range(700)), 0.5)


def test_random_mixtures(world: World, prose: str) -> None:
    drawn = random.Random(7)
    pools = [prose[:20000].split(" "), ODD.split(" "), "".join(tiny.OTHER_SCRIPTS).split(" "), CODE.split(" ")]
    for _ in range(8):
        words = [drawn.choice(drawn.choice(pools)) for _ in range(drawn.randint(20, 900))]
        check(world, " ".join(words), drawn.choice([0.2, 0.5, 0.8]), forced=drawn.choice([(), ("\n", ",")]))


def test_a_checkpoint_without_room_for_placeholders(tmp_path: Path, worlds: dict[str, World], prose: str) -> None:
    """The package then draws their embeddings; ours must be the same ones."""
    there = worlds["mbert"]
    checkpoint = tiny.write(tmp_path / "x", "mbert", room=False, seed=3)
    exported = Export.at(tmp_path / "models", "mbert")
    export(checkpoint, exported, there.architecture, 1, int8=False)
    tokens = exported.tokens()
    reference = ReferenceEngine(checkpoint, tokens, there.counter, 1)
    text = prose[:6000]
    job = Job((Segment(text),), ratio=0.5, forced_tokens=("\n", "of the"))
    runner = exported.runner("fp32", tokens, 1)
    found = against_package(text, job, 0.5, reference, tokens, runner, there.counter)
    assert found.our_words == found.package_words
    assert found.beyond_ties == []


def test_both_engines_give_the_same_text(world: World, prose: str) -> None:
    text = prose[30000:36000]
    job = Job((Segment(text, ((100, 180), (2000, 2100))), Segment("Short one.")), ratio=0.5)
    strict, package = world.strict.compress(job, Stop()), world.reference.compress(job, Stop())
    same = sum(a.text == b.text for a, b in zip(strict, package, strict=True))
    shared = set(strict[0].kept) & set(package[0].kept)
    # A tie may fall either way; one in a hundred spans is far more than ties explain.
    assert same >= 1
    assert len(shared) >= 0.99 * len(strict[0].kept)


def test_what_the_tokenizer_does_not_know_is_lost_in_the_open(world: World) -> None:
    text = "Alpha beta gamma. A \ue123\ue124 private sign. " * 30
    kept = world.strict.compress(Job((Segment(text),), ratio=0.5), Stop())[0]
    assert "\ue123" not in kept.text
    assert {text[start:end] for start, end in kept.lost} == {"\ue123\ue124"}
    assert len(kept.lost) == 30


def test_text_of_unknown_tokens_only_breaks_nothing(world: World) -> None:
    text = "🙃 🙉 🙇"
    if world.architecture.name == "mbert":  # the other one knows the blank before them
        with pytest.raises(EngineFailed):
            world.reference.labelled(text, Job((Segment(text),), ratio=0.5), 0.5)
    for engine in (world.strict, world.reference):
        kept = engine.compress(Job((Segment(text), Segment("")), ratio=0.5), Stop())
        assert [k.text.strip() for k in kept] == ["", ""]
        assert len(kept[0].lost) == 3


def test_int8_agreement_is_a_number(world: World, prose: str) -> None:
    """With random weights it proves nothing about the real ones; far below this the graph would be broken."""
    text = prose[:6000]
    job = Job((Segment(text),), ratio=0.5)
    found = against_package(text, job, 0.5, world.reference, world.tokens, world.int8, world.counter)
    print(f"{world.architecture.name}: int8 judges {found.share:.1%} of words as the package does")
    assert found.share > 0.9


def test_the_package_takes_no_rate_below_a_hundredth() -> None:
    assert package_rate(Job((Segment("a"),), target_tokens=1), [100_000]) == 0.01
    assert package_rate(Job((Segment("a"),), ratio=0.3), [10]) == 0.3
