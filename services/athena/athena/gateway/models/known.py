"""What is known of a model without asking anybody: this package's table, and genai-prices."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, fields, replace
from fnmatch import translate
from functools import cache
from importlib import resources
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from athena.gateway.models import prices
from athena.gateway.types import Model, Provider

Rating = Annotated[int, Field(ge=1, le=5)]


@dataclass(frozen=True, slots=True)
class Profile:
    """None: not known. Ratings from 1 to 5."""

    context: int | None = None
    output: int | None = None
    vision: bool | None = None
    tools: bool | None = None
    thinking: bool | None = None
    speed: int | None = None
    code: int | None = None
    writing: int | None = None
    reasoning: int | None = None

    def over(self, other: Profile) -> Profile:
        """What this one knows, and the other where this one doesn't."""
        found = {name: value for name in _FIELDS if (value := getattr(self, name)) is not None}
        return replace(other, **found)

    def applied(self, model: Model) -> Model:
        return replace(
            model,
            context=self.context,
            output=self.output,
            vision=self.vision,
            tools=self.tools,
            thinking=self.thinking,
        )


_FIELDS = tuple(each.name for each in fields(Profile))


class Stated(BaseModel):
    """A profile as a file states it."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    context: Annotated[int, Field(ge=1)] | None = None
    output: Annotated[int, Field(ge=1)] | None = None
    vision: bool | None = None
    tools: bool | None = None
    thinking: bool | None = None
    speed: Rating | None = None
    code: Rating | None = None
    writing: Rating | None = None
    reasoning: Rating | None = None

    def profile(self) -> Profile:
        return Profile(**{name: getattr(self, name) for name in _FIELDS})


def listed(provider: Provider, id: str) -> Profile:
    """What the table and genai-prices know."""
    name = f"{provider.name}/{id}".casefold()
    found = Profile()
    for each, profile in _table():
        if each.match(name):
            found = found.over(profile)
    return found.over(Profile(context=None if provider.local else prices.window(provider, id)))


@cache
def pattern(glob: str) -> re.Pattern[str]:
    return re.compile(translate(glob.casefold()))


def names() -> list[str]:
    """The models that the table names one by one."""
    return [entry["match"] for entry in _entries() if not any(sign in entry["match"] for sign in "*?[")]


@cache
def _table() -> tuple[tuple[re.Pattern[str], Profile], ...]:
    return tuple(
        (pattern(entry["match"]), Stated.model_validate({k: v for k, v in entry.items() if k != "match"}).profile())
        for entry in _entries()
    )


@cache
def _entries() -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = tomllib.loads(
        resources.files("athena.gateway.models").joinpath("known.toml").read_text()
    )["model"]
    return entries
