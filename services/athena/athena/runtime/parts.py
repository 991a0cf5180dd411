"""The model servers and the API, as the supervisor sees them (PostgreSQL: `postgres.part`)."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from athena.config import Settings
from athena.errors import StackError
from athena.runtime import ensure, llama, postgres, probe
from athena.runtime.catalogue import Model
from athena.runtime.environment import environment, package_path
from athena.runtime.ports import CannotStart
from athena.runtime.process import Command, ended
from athena.runtime.progress import Progress, Report

EMBEDDINGS, REASONING, API = "embeddings", "reasoning", "api"
_LOOPBACK = ("localhost", "127.0.0.1", "::1")

# The exit code of `athena.server` for a setting that is wrong.
_WRONG_SETTING = 2

Chosen = tuple[Path, Model, str | None]
Choose = Callable[[Settings, Report], Awaitable[Chosen | None]]


async def home_embedder(settings: Settings, report: Report) -> Chosen:
    """The one that this home's memories are embedded with; fetched if it isn't there."""
    found = await ensure.ensure_embedder(settings, report)
    return found.path, found.model, found.note


async def present_reasoner(settings: Settings, _report: Report) -> Chosen | None:
    """The reasoning model that is on disk, None if there is none."""
    try:
        found = ensure.find_reasoner(settings)
    except StackError as exc:
        hint = exc.hint or "get the file again, or unset ATHENA_REASONING_MODEL"
        raise CannotStart(exc.message, hint=hint, source="reasoning") from exc
    return (found.path, found.model, None) if found else None


def present_reasoner_named(name: str) -> Choose:
    """The one that is named, by the manifest's names or by path; it must be on disk."""

    async def choose(settings: Settings, report: Report) -> Chosen | None:
        return await present_reasoner(settings.model_copy(update={"reasoning_model": name}), report)

    return choose


def this_model(path: Path, model: Model) -> Choose:
    """One that was named."""

    async def choose(_settings: Settings, _report: Report) -> Chosen:
        return path, model, None

    return choose


def is_ours(url: str, port: int) -> bool:
    """Does this URL mean the server that we would start on `port`?"""
    parts = urlsplit(url)
    return parts.hostname in _LOOPBACK and (parts.port or 80) == port


def _display_host(host: str) -> str:
    return {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)  # noqa: S104 - not bound here


class ModelPart:
    """A llama-server. `port` and `choose` are what distinguishes the embedder, the reasoner and a second embedder."""

    def __init__(
        self,
        settings: Settings,
        role: llama.Role,
        choose: Choose,
        *,
        name: str,
        port: int,
        url: str | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._role: llama.Role = role
        self._choose = choose
        self._port = port
        self._elsewhere = url if url and not is_ours(url, port) else None
        self._spec: llama.Spec | None = None
        self._detail = ""
        self._hint = ""

    @property
    def address(self) -> str:
        return self._elsewhere or f"http://{llama.HOST}:{self._port}"

    async def prepare(self) -> Command | None:
        if self._elsewhere:
            self._detail = "runs elsewhere"
            return None
        chosen = await self._choose(self._settings, self._show)
        if chosen is None:
            self._detail = "no reasoning model; everything else works without"
            self._hint = "athena pull qwen3-vl-4b-instruct, then: athena local serve"
            return None
        path, model, note = chosen
        self._detail, self._hint = model.name, note or ""
        self._spec = llama.spec(self._settings, self._role, path, model, self._port)
        return await llama.command(self._settings, self.name, self._spec)

    async def probe(self) -> bool:
        return await llama.healthy(self._port)

    def explain(self, output: list[str], code: int) -> StackError:
        if self._spec is None:
            return StackError(f"{self.name}: {ended(code)}")
        return llama.explain(output, code, self._spec, self.name)

    def describe(self) -> tuple[str, str]:
        return self._detail, self._hint

    def _show(self, progress: Progress) -> None:
        share = f" {progress.done * 100 // progress.total} %" if progress.total else ""
        self._detail = f"{progress.phase} {progress.file}{share}"


class ApiPart:
    name = API

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    @property
    def address(self) -> str:
        return f"http://{_display_host(self._settings.host)}:{self._settings.port}"

    async def prepare(self) -> Command | None:
        settings = self._settings
        llama.check_port(settings.port, "athena", settings.host)
        return Command(
            argv=(sys.executable, "-m", "athena.server"),
            log=settings.logs_dir / "api.log",
            record=settings.run_dir / "api.json",
            # With the address given it serves, degraded, while PostgreSQL is away, and starts none itself.
            env={**environment(settings), "PYTHONPATH": package_path(), "ATHENA_DATABASE_URL": postgres.dsn(settings)},
            grace_s=10.0,
        )

    async def probe(self) -> bool:
        return await probe.answers(f"{self.address}/health/live")

    def explain(self, output: list[str], code: int) -> StackError:
        said = next((line.removeprefix("athena: ") for line in reversed(output) if line.startswith("athena: ")), "")
        if code == _WRONG_SETTING:
            return CannotStart(said or "the API refuses its settings", hint="athena logs api")
        return StackError(f"the API ended: {said or ended(code)}", hint="athena logs api")

    def describe(self) -> tuple[str, str]:
        return "", ""
