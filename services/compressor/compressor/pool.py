"""The engines that this server was told to have: loaded in the background at start, chosen by request."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from compressor import counter as counters
from compressor.architecture import ModelName
from compressor.config import Settings, Wanted
from compressor.engine import Engine, EngineName, Job, Segment, Stop
from compressor.errors import DeadlineExceeded, NotLoaded
from compressor.exported import Export
from compressor.fast import FastEngine
from compressor.strict import StrictEngine

_WARM_UP = "The first run of a model takes longer than those that follow, so it is made before anyone waits. " * 8
_SHARE_OF_NEWEST = 0.3


@dataclass(slots=True)
class Loaded:
    """`speed`: characters per second, of late."""

    engine: Engine
    speed: float = 0.0

    def ran(self, characters: int, seconds: float) -> None:
        if seconds > 0 and characters > 500:
            newest = characters / seconds
            self.speed += (newest - self.speed) * (_SHARE_OF_NEWEST if self.speed else 1.0)

    def seconds(self, characters: int) -> float:
        return characters / self.speed if self.speed else 0.0

    def check_in_time(self, job: Job, waiting_s: float, stop: Stop) -> None:
        """Raises `DeadlineExceeded` at once for what wouldn't be ready anyway."""
        needs = waiting_s + self.seconds(job.characters)
        if stop.left_s is not None and needs > stop.left_s:
            raise DeadlineExceeded(
                f"this text takes about {needs:.1f} s here, {max(0.0, stop.left_s):.1f} s are left",
                hint="send less text or allow more time",
            )


@dataclass(slots=True)
class Pool:
    ready: bool = False
    failed: str | None = None
    loaded: list[Loaded] = field(default_factory=list)
    counter: str = ""

    def choose(self, engine: EngineName | None, model: ModelName | None, strict: bool) -> Loaded:
        """The first that was configured of those that fit. Strict takes an engine that keeps the package's words.

        Raises `NotLoaded`.
        """
        if not self.ready:
            raise NotLoaded("the models are being loaded", retry_after=2)
        for one in self.loaded:
            if model in (None, one.engine.model) and self._fits(one.engine, engine, strict):
                return one
        asked = " ".join(part for part in (engine, model, "strict (fp32)" if strict else "") if part)
        raise NotLoaded(
            f"this server has no {asked or 'model'}",
            hint=f"it has {', '.join(self.names) or 'none'}; COMPRESSOR_MODELS says which it loads",
            retry_after=60,
        )

    def _fits(self, found: Engine, engine: EngineName | None, strict: bool) -> bool:
        if engine not in (None, found.name):
            return False
        if found.name == "fast":
            return found.strict == strict
        return strict or engine is not None or all(one.engine.name != "fast" for one in self.loaded)

    @property
    def names(self) -> list[str]:
        return [
            f"{e.name} {e.model} {e.precision}" + (" strict" if e.strict and e.name == "fast" else "")
            for e in (one.engine for one in self.loaded)
        ]


def check(settings: Settings) -> None:
    """Whether every model is there, before anything is loaded. Raises `BadModel`."""
    for wanted in settings.models:
        Export.at(settings.models_dir, wanted.model).check(wanted.precision)


def load(settings: Settings) -> list[Loaded]:
    """Slow; runs in the worker's thread. Raises `BadModel`."""
    loaded = [Loaded(engine) for wanted in settings.models for engine in _engines(wanted, settings)]
    for one in loaded:
        started = time.monotonic()
        one.engine.compress(Job((Segment(_WARM_UP),), ratio=0.5), Stop())
        one.ran(len(_WARM_UP), time.monotonic() - started)
    return loaded


def _engines(wanted: Wanted, settings: Settings) -> Sequence[Engine]:
    """A model in fp32 serves both modes: strict needs the package's precision."""
    exported = Export.at(settings.models_dir, wanted.model)
    tokens = exported.tokens()
    if wanted.kind == "llmlingua":
        # Here, because torch and what it brings weigh several times what the fast engine does.
        from compressor import checkpoint
        from compressor.reference import ReferenceEngine

        folder = checkpoint.folder(settings.models_dir, tokens.architecture)
        return [ReferenceEngine(folder, tokens, counters.counter(settings.models_dir, tokens), settings.threads)]
    runner = exported.runner(wanted.precision, tokens, settings.threads)
    fast = FastEngine(tokens, runner, wanted.precision)
    if wanted.kind == "int8":
        return [fast]
    return [fast, StrictEngine(tokens, runner, counters.counter(settings.models_dir, tokens), wanted.precision)]
