"""Agents: `$ATHENA_HOME/agents/NAME/SOUL.md`, which model one prefers and who it is.

    ---
    model: anthropic/claude-sonnet-5-5
    fallback: [google/gemini-4-argon, local]
    ---
    You are the house's accountant. …

A file that was saved is felt with the next request.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from athena.errors import InvalidInput

HEADER = "x-athena-agent"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FIELD = re.compile(r"([A-Za-z_][\w-]*)[ \t]*:(?:[ \t]+(.*))?")
_MOST_BYTES = 256 * 1024


@dataclass(frozen=True, slots=True)
class Agent:
    """`model` and `fallback` as written: a model, a tier or an alias each. `personality`: what stands below the
    front matter."""

    name: str
    model: str | None
    fallback: tuple[str, ...]
    personality: str


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: tuple[int, int]
    agent: Agent


class Agents:
    """Those in `folder`, which need not be there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[str, _Read] = {}

    def find(self, name: str) -> Agent:
        """Raises `InvalidInput`, naming those that there are, or the line that can't be read."""
        if not _NAME.fullmatch(name):
            raise InvalidInput(f"{HEADER}: {name[:80]!r} is no agent's name")
        path = self._folder / name / "SOUL.md"
        try:
            facts = path.stat()
            stamp = (facts.st_mtime_ns, facts.st_size)
            read = self._read.get(name)
            if read is None or read.stamp != stamp:
                read = self._read[name] = _Read(stamp, parsed(name, _text(path, facts.st_size)))
        except (FileNotFoundError, NotADirectoryError) as exc:
            self._read.pop(name, None)
            known = ", ".join(self.names()) or "none yet"
            raise InvalidInput(f"there is no agent {name!r}; there are: {known}", hint=f"write {path}") from exc
        except OSError as exc:
            raise InvalidInput(f"{path} can't be read: {exc.strerror}") from exc
        return read.agent

    def names(self) -> list[str]:
        try:
            found = [path.parent.name for path in self._folder.glob("*/SOUL.md")]
        except OSError:
            return []
        return sorted(name for name in found if _NAME.fullmatch(name))


def parsed(name: str, text: str) -> Agent:
    """The front matter is optional. Fields that mean nothing here are the user's own and left alone."""
    head, body = _split(text, name)
    fields = _fields(head, name)
    model = fields.get("model", [])
    if len(model) > 1:
        raise InvalidInput(f"agents/{name}/SOUL.md: model must be one name")
    return Agent(name, model[0] if model else None, tuple(fields.get("fallback", [])), body.strip())


def _text(path: Path, size: int) -> str:
    if size > _MOST_BYTES:
        raise InvalidInput(f"{path} is larger than {_MOST_BYTES // 1024} KB")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path} is not UTF-8") from exc


def _split(text: str, name: str) -> tuple[list[str], str]:
    lines = text.splitlines()
    if not lines or lines[0].rstrip() != "---":
        return [], text
    for number, line in enumerate(lines[1:], 1):
        if line.rstrip() == "---":
            return lines[1:number], "\n".join(lines[number + 1 :])
    raise InvalidInput(f"agents/{name}/SOUL.md: the front matter has no end; a line --- is missing")


def _fields(lines: list[str], name: str) -> dict[str, list[str]]:
    """The part of YAML that front matter is written in: `key: value`, `key: [a, b]`, and lists of `- a` lines."""
    found: dict[str, list[str]] = {}
    last: list[str] | None = None
    for number, line in enumerate(lines, 2):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        if line[0] in " \t-":
            if last is not None and stripped.startswith("-"):
                last.extend(_values(stripped[1:]))
            # What else is indented belongs to a field that means nothing here.
            continue
        match = _FIELD.fullmatch(stripped)
        if match is None:
            raise InvalidInput(f"agents/{name}/SOUL.md, line {number}: must be `name: value`")
        last = found.setdefault(match.group(1), [])
        last.extend(_values(match.group(2) or ""))
    return found


def _values(text: str) -> list[str]:
    text = re.sub(r"(?:\A|\s)#.*", "", text).strip()
    parts = text[1:-1].split(",") if text.startswith("[") and text.endswith("]") else [text]
    plain = (part.strip().strip("\"'").strip() for part in parts)
    return [part for part in plain if part and part not in ("null", "~")]
