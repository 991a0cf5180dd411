"""The options with which keys and projects choose, and how choices are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from athena.errors import InvalidInput
from athena.store.preferences import LEAST_MEMORY_TOKENS, MOST_MEMORY_TOKENS

Compress = Annotated[
    bool | None, typer.Option("--compress/--no-compress", help="Shorten what is long before it is first sent.")
]
Memory = Annotated[bool | None, typer.Option("--memory/--no-memory", help="Recall beside what a person says.")]
MemoryTokens = Annotated[
    int | None,
    typer.Option(
        "--memory-tokens",
        min=LEAST_MEMORY_TOKENS,
        max=MOST_MEMORY_TOKENS,
        help="At most so much recalled text per turn.",
    ),
]
Capture = Annotated[bool | None, typer.Option("--capture/--no-capture", help="Remember what is said.")]
Unset = Annotated[
    list[str] | None,
    typer.Option("--unset", help="Take a choice back: compress, memory, memory-tokens, capture (of a key: project)."),
]


def changes(unset: list[str] | None, **given: Any) -> dict[str, Any]:
    """What was given, and None for what is taken back. Raises `InvalidInput`."""
    found = {name: value for name, value in given.items() if value is not None}
    for word in unset or ():
        name = word.replace("-", "_")
        if name not in given:
            raise InvalidInput(f"--unset {word}: there are {', '.join(each.replace('_', '-') for each in given)}")
        found[name] = None
    return found


def told(choices: Mapping[str, Any]) -> str:
    """In one line, what was said."""
    words = []
    for name in ("compress", "memory", "capture"):
        if choices[name] is not None:
            words.append(f"{name} {'on' if choices[name] else 'off'}")
    if choices["memory_tokens"] is not None:
        words.append(f"memory tokens {choices['memory_tokens']}")
    return ", ".join(words)
