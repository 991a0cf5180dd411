"""What holds for one request: its own headers, its key's choices, its project's, and the defaults.

For compression and memory the nearer one wins: request, key, project, on. Capture is consent:
somebody must have given it, nobody may have refused it, and a request can only refuse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from athena.errors import InvalidInput, StoreUnavailable
from athena.store.preferences import UNSAID, Chosen, Preferences

PROJECT, COMPRESS, MEMORY, CAPTURE = "x-athena-project", "x-athena-compress", "x-athena-memory", "x-athena-capture"
MEMORY_TOKENS = 800
MAX_PROJECT = 256


@dataclass(frozen=True, slots=True)
class Effective:
    """`project` None: none was named; then nothing is recalled and nothing captured. `memory_tokens`: at most so
    many tokens of recalled text join a person's turn."""

    project: str | None
    compress: bool
    memory: bool
    memory_tokens: int
    capture: bool


async def effective(
    preferences: Preferences, principal: str, headers: Mapping[str, str], project: str | None = None
) -> Effective:
    """`project`: the one in the URL, which goes before the header's. `headers` have lower-case names.

    While PostgreSQL is away, what was read last holds; if that is nothing, the defaults do (and nothing can be
    recalled or captured then anyhow). Raises `InvalidInput`, naming the header.
    """
    try:
        chosen = await preferences.current()
    except StoreUnavailable:
        chosen = Chosen()
    return resolved(chosen, principal, headers, project)


def resolved(chosen: Chosen, principal: str, headers: Mapping[str, str], project: str | None) -> Effective:
    """The same, from what is known: no waiting."""
    key = chosen.keys.get(principal, UNSAID) if principal else UNSAID
    name = _project(project, headers) or key.project
    of_project = chosen.projects.get(name, UNSAID) if name is not None else UNSAID
    memory = _first(_switch(headers, MEMORY), key.memory, of_project.memory)
    consents = (key.capture, of_project.capture, _captures(headers))
    return Effective(
        project=name,
        compress=_first(_switch(headers, COMPRESS), key.compress, of_project.compress),
        memory=name is not None and memory,
        memory_tokens=key.memory_tokens or of_project.memory_tokens or MEMORY_TOKENS,
        capture=name is not None and True in consents and False not in consents,
    )


def capturing(chosen: Chosen) -> tuple[list[str], list[str]]:
    """The keys and the projects that consented."""
    return (
        [name for name, choices in chosen.keys.items() if choices.capture],
        [name for name, choices in chosen.projects.items() if choices.capture],
    )


def is_project(name: str) -> bool:
    """Whether a project can have this name: whatever memories can be kept under."""
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return 1 <= len(name) <= MAX_PROJECT and "\x00" not in name


def _first(*said: bool | None) -> bool:
    return next((value for value in said if value is not None), True)


def _project(named: str | None, headers: Mapping[str, str]) -> str | None:
    where = "the project in the URL"
    if named is None:
        if PROJECT not in headers:
            return None
        where, named = PROJECT, _utf8(headers[PROJECT])
    if not is_project(named):
        raise InvalidInput(f"{where}: must be 1 to {MAX_PROJECT} characters")
    return named


def _utf8(value: str) -> str:
    """Header values come as Latin-1, whatever they are; names are UTF-8 wherever else they are written."""
    try:
        return value.encode("latin-1").decode()
    except UnicodeError:
        return value


def _switch(headers: Mapping[str, str], name: str) -> bool | None:
    value = headers.get(name)
    if value is None:
        return None
    if value.lower() not in ("on", "off"):
        raise InvalidInput(f"{name}: must be on or off")
    return value.lower() == "on"


def _captures(headers: Mapping[str, str]) -> bool | None:
    if _switch(headers, CAPTURE):
        raise InvalidInput(
            f"{CAPTURE}: can only be off; consent is given by key or by project, not by request",
            hint="athena keys update NAME --capture, or athena projects set NAME --capture",
        )
    return False if CAPTURE in headers else None
