"""Both architectures, tiny and with random weights, exported once per run. Folder names say nothing, on purpose."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest
import tiktoken
import tiny

from compressor.architecture import Architecture, architecture
from compressor.export import export
from compressor.exported import Export
from compressor.fast import FastEngine
from compressor.reference import ReferenceEngine
from compressor.runner import Runner
from compressor.strict import StrictEngine
from compressor.tokens import Tokens


class BytePairs:
    """tiktoken itself with a small vocabulary, so that words weigh different numbers of tokens, as with cl100k."""

    name = "byte pairs"

    def __init__(self) -> None:
        ranks = {bytes([byte]): byte for byte in range(256)}
        for pair in ("th", "he", "in", "er", "an", "re", "on", "at", "the", "ing", "ed", "es", "or", "is"):
            ranks[pair.encode()] = len(ranks)
        self._encoding = tiktoken.Encoding("small", pat_str=r"\S+|\s+", mergeable_ranks=ranks, special_tokens={})

    def encode(self, text: str) -> list[int]:
        return self._encoding.encode(text, disallowed_special=())


@dataclass
class World:
    """One architecture: its checkpoint, its export and the engines on them."""

    architecture: Architecture
    checkpoint: Path
    models_dir: Path
    counter: BytePairs

    @property
    def export(self) -> Export:
        return Export.at(self.models_dir, self.architecture.name)

    @cached_property
    def tokens(self) -> Tokens:
        return self.export.tokens()

    @cached_property
    def runner(self) -> Runner:
        return self.export.runner("fp32", self.tokens, 1)

    @cached_property
    def int8(self) -> Runner:
        return self.export.runner("int8", self.tokens, 1)

    @cached_property
    def fast(self) -> FastEngine:
        return FastEngine(self.tokens, self.runner, "fp32")

    @cached_property
    def strict(self) -> StrictEngine:
        return StrictEngine(self.tokens, self.runner, self.counter, "fp32")

    @cached_property
    def reference(self) -> ReferenceEngine:
        return ReferenceEngine(self.checkpoint, self.tokens, self.counter, 1)


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def worlds(models_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, World]:
    made = {}
    for name in ("mbert", "xlmr"):
        chosen = architecture(name)
        checkpoint = tiny.write(tmp_path_factory.mktemp("checkpoint"), chosen.name)
        export(checkpoint, Export.at(models_dir, chosen.name), chosen, 1)
        made[name] = World(chosen, checkpoint, models_dir, BytePairs())
    return made


@pytest.fixture(params=["mbert", "xlmr"])
def world(request: pytest.FixtureRequest, worlds: dict[str, World]) -> World:
    return worlds[request.param]


@pytest.fixture(scope="session")
def prose() -> str:
    return tiny.prose()


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks up a name or connects fails the test."""
    import socket

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("somebody reached for the network")

    for name in ("connect", "connect_ex"):
        monkeypatch.setattr(socket.socket, name, refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
