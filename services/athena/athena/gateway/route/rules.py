"""routing.toml: the package's own, and over it the user's, read again when it changes."""

from __future__ import annotations

import logging
import re
import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, field_validator

from athena.errors import InvalidSetting
from athena.gateway.models.known import Profile, Stated
from athena.gateway.route.tasks import Lexicon

_log = logging.getLogger(__name__)

FILE = "routing.toml"
# "cloud" as a target: whatever the strategy's "keep it in the cloud" comes to in the user's table of tiers.
CLOUD = "cloud"
_LOOK_EVERY_S = 1.0


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Read(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Sticky(_Read):
    up: bool = True
    down: bool = False


class Fallback(_Read):
    down: bool = False


class Task(_Read):
    to: str
    words: tuple[str, ...] = ()
    match: tuple[str, ...] = ()

    @field_validator("match")
    @classmethod
    def _compiles(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            try:
                re.compile(each)
            except re.error as exc:
                raise ValueError(f"{each!r} is no regular expression: {exc}") from exc
        return value


class Classes(_Read):
    compaction: Names = ()
    auxiliary: Names = ()


class Rule(_Read):
    """Every condition that is given must hold; empty: any."""

    to: str
    classes: Names = Field((), alias="class")
    task: Names = ()
    model: Names = ()
    surface: Names = ()
    key: Names = ()
    project: Names = ()
    agent: Names = ()
    tools: bool | None = None
    images: bool | None = None
    above_tokens: int | None = None
    below_tokens: int | None = None


class Rules(_Read):
    """One whole file: what the user's leaves out is the package's."""

    default: str = "local"
    baseline: str = "sonnet"
    sticky: Sticky = Sticky()
    fallback: Fallback = Fallback()
    tasks: dict[str, Task] = {}
    classes: Classes = Classes()
    rules: tuple[Rule, ...] = ()
    models: dict[str, Stated] = {}

    @cached_property
    def lexicon(self) -> Lexicon:
        return Lexicon({kind: (task.words, task.match) for kind, task in self.tasks.items()})

    def profiles(self) -> dict[str, Profile]:
        return {name: stated.profile() for name, stated in self.models.items()}


def parse(user: str = "", where: str = FILE) -> Rules:
    """The package's file with the user's text over it. Raises `InvalidSetting`, one line."""
    own = tomllib.loads(resources.files("athena.gateway.route").joinpath(FILE).read_text())
    try:
        return Rules.model_validate(_over(tomllib.loads(user), own))
    except tomllib.TOMLDecodeError as exc:
        raise InvalidSetting(f"{where}: {exc}") from exc
    except ValidationError as exc:
        error = exc.errors(include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in error["loc"])
        raise InvalidSetting(f"{where}: {place}: {str(error['msg']).removeprefix('Value error, ')}") from exc


def _over(given: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Tables are joined key by key, everything else takes the place of what was there."""
    joined = dict(own)
    for key, value in given.items():
        before = joined.get(key)
        joined[key] = _over(value, before) if isinstance(value, dict) and isinstance(before, dict) else value
    return joined


@dataclass(frozen=True, slots=True)
class _Reading:
    changed_at: int | None
    rules: Rules


class RoutingFile:
    """`$ATHENA_HOME/routing.toml`. A mistake in it stops the start; one made later is said once in the log and by
    `fault`, and what was read before goes on."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self.fault: str | None = None
        self._looked_at = time.monotonic()
        self._read = _Reading(self._changed_at(), self._parse())

    @property
    def rules(self) -> Rules:
        now = time.monotonic()
        if now - self._looked_at >= _LOOK_EVERY_S:
            self._looked_at = now
            changed_at = self._changed_at()
            if changed_at != self._read.changed_at:
                self._again(changed_at)
        return self._read.rules

    def _again(self, changed_at: int | None) -> None:
        try:
            self._read, self.fault = _Reading(changed_at, self._parse()), None
        except InvalidSetting as exc:
            self._read = _Reading(changed_at, self._read.rules)
            self.fault = exc.message
            _log.warning("routing.toml is wrong, what it said before goes on: %s", exc.message)

    def _parse(self) -> Rules:
        try:
            return parse(self.path.read_text(), str(self.path))
        except FileNotFoundError:
            return parse()
        except (OSError, UnicodeDecodeError) as exc:
            raise InvalidSetting(f"{self.path} can't be read: {exc}") from exc

    def _changed_at(self) -> int | None:
        try:
            return self.path.stat().st_mtime_ns
        except OSError:
            return None
