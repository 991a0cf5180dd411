"""What Anthropic's models take, by name: each generation refuses something that the one before it took.

Read from Anthropic's migration guides and error tables of November 2026. A Claude that isn't known is taken for the
newest; a name that is no Claude (another vendor's server of this wire) for the first, which they all copied.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

# In rising order, as OpenAI's clients say them; Anthropic has no `minimal`, and says `none` in another field.
_ASKED = ("minimal", "low", "medium", "high", "xhigh", "max")
_NAMED = re.compile(r"claude-(?P<family>[a-z]+)-(?P<major>\d{1,2})(?:[-.](?P<minor>\d{1,2}))?(?!\d)")
_NAMED_ONCE = re.compile(r"claude-(?P<major>\d)(?:[-.](?P<minor>\d))?-(?P<family>[a-z]+)")  # claude-3-5-sonnet-20241022
_NEWEST = (99, 0)

# How thinking is turned off where it is on by itself. Where nothing is named here, it can't be.
_OFF = {
    ("sonnet", (5, 0)): "disabled",
    ("opus", (5, 0)): "disabled",
    ("haiku", (5, 5)): "disabled",
    ("sonnet", (5, 5)): "between_tools",
}


@dataclass(frozen=True, slots=True)
class Claude:
    """`sampling`: temperature, top_p, top_k; `both_samplers`: the first two at once. `late_system`: messages of role
    system between the others. `forced_tools`: a tool choice of `any` or of one tool. `adaptive`: thinking of that
    type; `always_thinks`: without being asked, and `off` is the type of thinking that stops it, if any does.
    `efforts`: in rising order."""

    sampling: bool
    both_samplers: bool
    late_system: bool
    forced_tools: bool
    adaptive: bool
    always_thinks: bool
    off: str | None
    efforts: tuple[str, ...]

    def effort(self, asked: str) -> str | None:
        """The level that says `asked`, or the nearest below it; None where the model has no levels. A level that
        nobody knows here goes as it is: it may be a new one."""
        if not self.efforts or asked in self.efforts:
            return asked if self.efforts else None
        if asked not in _ASKED:
            return asked
        below = [level for level in self.efforts if _ASKED.index(level) < _ASKED.index(asked)]
        return below[-1] if below else self.efforts[0]


@lru_cache(maxsize=256)
def claude(model_id: str) -> Claude:
    family, version = _name(model_id)
    newest_tools = (5, 1) if family in ("fable", "mythos") else (5, 5)
    return Claude(
        sampling=version < (4, 7),
        both_samplers=version < (4, 1),
        late_system=version >= (4, 8) and (family, version) != ("sonnet", (5, 0)),
        forced_tools=version < newest_tools or (family, version) == ("haiku", (5, 5)),
        adaptive=version >= (4, 6),
        always_thinks=version >= (5, 0),
        off=_OFF.get((family, version)),
        efforts=_efforts(family, version),
    )


def _name(model_id: str) -> tuple[str, tuple[int, int]]:
    found = _NAMED.search(model_id) or _NAMED_ONCE.search(model_id)
    if found:
        return found["family"], (int(found["major"]), int(found["minor"] or 0))
    return "", _NEWEST if "claude" in model_id else (0, 0)


def _efforts(family: str, version: tuple[int, int]) -> tuple[str, ...]:
    if version >= (4, 7):
        return ("low", "medium", "high", "xhigh", "max")
    if version == (4, 6):
        return ("low", "medium", "high", "max")
    return ("low", "medium", "high") if (family, version) == ("opus", (4, 5)) else ()
