"""The manifest: what is in it, how a model is found, and how a wrong one is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from athena.errors import NotFound, StackError
from athena.runtime import catalogue
from tests.fakes.tiny_models import tiny_embedder, tiny_reasoner


@pytest.fixture(scope="module")
def listed() -> catalogue.Catalogue:
    return catalogue.load()


def test_defaults_are_those_of_the_specification(listed: catalogue.Catalogue) -> None:
    embedder, reasoner = listed.default("embedding"), listed.default("reasoning")
    assert (embedder.file, embedder.size, embedder.dims) == ("nomic-embed-text-v1.5.Q8_0.gguf", 146_146_432, 768)
    assert (embedder.prefix_document, embedder.prefix_query) == ("search_document: ", "search_query: ")
    assert (reasoner.file, reasoner.size) == ("Qwen3VL-4B-Instruct-Q4_K_M.gguf", 2_497_281_664)
    fallback = listed.fallback("embedding")
    assert fallback is not None
    assert (fallback.dims, fallback.context, fallback.prefix_query) == (384, 512, "")


def test_every_role_has_at_most_one_default(listed: catalogue.Catalogue) -> None:
    for role in ("embedding", "reasoning", "vision"):
        assert sum(model.default for model in listed.with_role(role)) == 1


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("nomic", "nomic-embed-text-v1.5"),
        ("NOMIC-embed-text-v1.5", "nomic-embed-text-v1.5"),
        ("nomic-embed-text-v1.5.Q4_K_M.gguf", "nomic-embed-text-v1.5-q4_k_m"),
        ("Qwen3-VL-4B-Instruct-Q4_K_M.gguf", "qwen3-vl-4b-instruct"),
        ("Qwen3VL-4B-Instruct-Q4_K_M.gguf", "qwen3-vl-4b-instruct"),
        ("minilm", "all-minilm-l6-v2"),
    ],
)
def test_found_by_name_alias_and_file(listed: catalogue.Catalogue, spelling: str, name: str) -> None:
    assert listed.find(spelling).name == name


def test_unknown_name_says_what_there_is(listed: catalogue.Catalogue) -> None:
    with pytest.raises(NotFound, match=r"no model is called 'gpt-9'.*nomic-embed-text-v1\.5"):
        listed.find("gpt-9")


def test_own_file_is_described_by_its_header(listed: catalogue.Catalogue, tmp_path: Path) -> None:
    path = tiny_embedder(tmp_path, dim=48, name="mine", context=256)
    model = listed.locate(str(path), "embedding")
    assert (model.dims, model.context, model.pooling, model.path) == (48, 256, "mean", path)
    assert model.where(tmp_path / "elsewhere") == path


def test_own_copy_of_a_listed_file_keeps_its_prefixes(listed: catalogue.Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "nomic-embed-text-v1.5.Q8_0.gguf"
    path.write_bytes(b"GGUF")
    model = listed.locate(str(path), "embedding")
    assert (model.name, model.prefix_query, model.path) == ("nomic-embed-text-v1.5", "search_query: ", path)


def test_a_file_that_is_no_embedder_is_refused(listed: catalogue.Catalogue, tmp_path: Path) -> None:
    path = tmp_path / "x.gguf"
    path.write_bytes(b"<html>")
    with pytest.raises(StackError, match="not a GGUF model"):
        listed.locate(str(path), "embedding")
    reasoner = listed.locate(str(tiny_reasoner(tmp_path)), "reasoning")
    assert reasoner.context == 4096


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[model]", "manifest.toml"),
        ('[[model]]\nname="a"\nrole="reasoning"\nfile="a.gguf"\nlicence="MIT"\n', "either a repo or a wheel"),
        ('[[model]]\nname="a"\nrole="embedding"\nrepo="o/r"\nfile="a.gguf"\nlicence="MIT"\n', "needs dims"),
        ('[[model]]\nname="a"\nrole="reasoning"\nrepo="o/r"\nfile="../a.gguf"\nlicence="MIT"\n', "file"),
        ('[[model]]\nname="a"\nrole="reasoning"\nrepo="o/r"\nfile="a.gguf"\nlicence="MIT"\ncolour="red"\n', "colour"),
        (
            '[[model]]\nname="a"\nrole="reasoning"\nrepo="o/r"\nfile="a.gguf"\nlicence="MIT"\n'
            '[[model]]\nname="b"\nrole="reasoning"\nrepo="o/r"\nfile="b.gguf"\nlicence="MIT"\naliases=["A"]\n',
            "'a' names both",
        ),
    ],
)
def test_a_wrong_manifest_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "manifest.toml"
    path.write_text(text)
    with pytest.raises(StackError, match=said) as raised:
        catalogue.load(path)
    assert "\n" not in raised.value.message


def test_a_missing_manifest_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="can't be read"):
        catalogue.load(tmp_path / "none.toml")
