"""A figure, the bar it must reach, and whether it does."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Side = Literal["at least", "at most"]


@dataclass(frozen=True, slots=True)
class Figure:
    """`ours` and `theirs` are what `value` is made of where it is a ratio; without a bar it is only reported."""

    part: str
    name: str
    value: float
    unit: str
    bar: float | None = None
    side: Side = "at least"
    ours: str = ""
    theirs: str = ""

    @property
    def passed(self) -> bool | None:
        if self.bar is None:
            return None
        return self.value >= self.bar if self.side == "at least" else self.value <= self.bar

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "passed": self.passed}


@dataclass(slots=True)
class Results:
    """What was measured so far; `skipped` and `failed` name parts and say why."""

    figures: list[Figure] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """A part that broke has reached no bar; one that was left out on request isn't judged."""
        return not self.failed and not any(figure.passed is False for figure in self.figures)
