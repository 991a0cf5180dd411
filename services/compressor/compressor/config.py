"""Settings, from the environment, read once."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator, model_validator

from compressor.architecture import ModelName, Precision, architecture
from compressor.errors import InvalidInput

Kind = Literal["int8", "fp32", "llmlingua"]
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One model to load: on our runner in a precision, or on the package."""

    model: ModelName
    kind: Kind

    @property
    def precision(self) -> Precision:
        return "int8" if self.kind == "int8" else "fp32"


class Settings(BaseModel):
    """Each is the variable `COMPRESSOR_<NAME>`. `max_chars`: of all segments of one request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = "127.0.0.1"
    port: int = Field(8003, ge=1, le=65535)
    exposure: Literal["loopback", "container", "network"] = "loopback"
    api_key: SecretStr | None = None
    models_dir: Path
    models: tuple[Wanted, ...] = (Wanted("mbert", "int8"),)
    threads: int = Field(default_factory=lambda: default_threads(), ge=1)
    queue: int = Field(8, ge=0)
    max_chars: int = Field(400_000, ge=1)
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @field_validator("models", mode="before")
    @classmethod
    def _parse(cls, value: object) -> object:
        return tuple(_wanted(part) for part in value.split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _exposed_on_purpose(self) -> Settings:
        if self.exposure == "loopback" and self.host not in _LOOPBACK:
            raise ValueError(f"host {self.host} isn't loopback: set COMPRESSOR_EXPOSURE")
        if self.exposure == "network" and self.api_key is None:
            raise ValueError("COMPRESSOR_EXPOSURE=network needs COMPRESSOR_API_KEY")
        return self


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Raises `InvalidInput`, one line, naming the setting."""
    env = os.environ if environ is None else environ
    values: dict[str, object] = {"models_dir": default_models_dir(env)}
    for name in Settings.model_fields:
        # An empty variable is how compose files say "not set".
        if given := env.get(f"COMPRESSOR_{name.upper()}"):
            values[name] = given
    try:
        return Settings.model_validate(values)
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_context=False, include_input=False)[0]
        place = f"COMPRESSOR_{str(error['loc'][0]).upper()}: " if error["loc"] else ""
        raise InvalidInput(place + error["msg"].removeprefix("Value error, ")) from exc


def default_models_dir(environ: Mapping[str, str] | None = None) -> Path:
    env = os.environ if environ is None else environ
    return Path(env.get("ATHENA_HOME") or "~/.athena").expanduser() / "models"


def default_threads() -> int:
    """The processors that this process may use, a container's quota counted in."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
    except (OSError, ValueError):
        return available
    return available if quota == "max" else max(1, min(available, math.ceil(int(quota) / int(period))))


def _wanted(text: str) -> Wanted:
    name, _, kind = text.strip().partition(":")
    try:
        model = architecture(name).name
    except InvalidInput as exc:
        raise ValueError(f"{exc.message}; {exc.hint}") from exc
    if (kind or "int8") not in get_args(Kind):
        raise ValueError(f"{text.strip()!r}: after the colon stands one of {', '.join(get_args(Kind))}")
    return Wanted(model, kind or "int8")  # type: ignore[arg-type]
