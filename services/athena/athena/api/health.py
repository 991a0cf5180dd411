"""What works, what doesn't and why; asked often, so looked up once for all who ask at the same moment."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from athena import __version__
from athena.api.schemas.health import Capturing, HealthReport, Part, Serving, State
from athena.bootstrap import Athena
from athena.errors import AthenaError
from athena.gateway.preferences import capturing
from athena.memory.health import Backlog
from athena.memory.types import Generation

_FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class _Seen:
    report: HealthReport
    at: float


class Health:
    """Reports of the last second are shared: probes, scrapes and dashboards don't add up to load. `leaving`: this
    Athena was told to stop."""

    def __init__(self, athena: Athena) -> None:
        self.leaving = False
        self._athena = athena
        self._asking = asyncio.Lock()
        self._seen: _Seen | None = None

    async def report(self) -> HealthReport:
        async with self._asking:
            seen = self._seen
            if seen is None or time.monotonic() - seen.at > _FRESH_S:
                seen = self._seen = _Seen(await self._look(), time.monotonic())
        return seen.report

    async def _look(self) -> HealthReport:
        found = await self._athena.health()
        parts = {
            name: Part(
                state=part.state,
                detail=part.detail,
                hint=part.hint,
                latency_ms=part.latency_ms,
                version=part.version,
                model=part.model,
                about=dict(part.about),
            )
            for name, part in found.items()
        }
        status = _overall(parts)
        serving, backlog = (None, None) if status == "down" else await self._owed()
        return HealthReport(
            status=status,
            version=__version__,
            parts=parts,
            generation=None if serving is None else Serving(id=serving.id, model=serving.model, dim=serving.dim),
            pending=None if backlog is None else backlog.pending,
            stuck=None if backlog is None else backlog.stuck,
            last_error=None if backlog is None else backlog.last_error,
            capture=None if status == "down" else await self._capturing(),
            local_only=self._athena.local_only.closed() is not None,
        )

    async def _capturing(self) -> Capturing | None:
        try:
            keys, projects = capturing(await self._athena.preferences.current())
        except AthenaError:
            return None
        return Capturing(keys=keys, projects=projects)

    async def _owed(self) -> tuple[Generation | None, Backlog | None]:
        try:
            active = await self._athena.generations.active()
            return active.serving, await self._athena.backlog()
        except AthenaError:
            return None, None


def _overall(parts: dict[str, Part]) -> State:
    """Athena serves as long as PostgreSQL does; a reasoner and a compressor are extras that nobody has to run."""
    if parts["postgres"].state == "down":
        return "down"
    return "up" if parts["embedding"].state == "up" else "degraded"
