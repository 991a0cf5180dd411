"""Keeps the parts running: starts them in the order of their needs, stops them in reverse."""

from __future__ import annotations

import asyncio

from athena.errors import NotFound, StackError
from athena.runtime.ports import Part, State, Status
from athena.runtime.unit import Unit


class Supervisor:
    def __init__(self) -> None:
        self._units: dict[str, Unit] = {}

    def add(self, part: Part, *, needs: tuple[str, ...] = (), vital: bool = False) -> Unit:
        """Known from now on, not started. A part of the same name must have been removed before."""
        unit = Unit(part, needs=tuple(self._units[name] for name in needs), vital=vital)
        self._units[part.name] = unit
        return unit

    async def replace(self, part: Part) -> Unit:
        """Put `part` where a part of this name is, or in the last place; the old one is stopped."""
        old = self._units.get(part.name)
        if old is not None:
            await old.stop()
        return self.add(part)

    async def remove(self, name: str) -> None:
        await self.unit(name).stop()
        del self._units[name]

    def unit(self, name: str) -> Unit:
        try:
            return self._units[name]
        except KeyError:
            raise NotFound(f"no part is called {name!r}; there are {', '.join(self._units)}") from None

    @property
    def idle(self) -> bool:
        """Nothing runs and nothing is about to."""
        return all(unit.state in (State.STOPPED, State.ABSENT, State.FAILED) for unit in self._units.values())

    def start(self, names: tuple[str, ...] | None = None) -> None:
        for name in names or tuple(self._units):
            self.unit(name).start()

    async def settle(self) -> list[Status]:
        """Until each part is ready, or isn't going to be. Raises what keeps a vital part from running."""
        settled = asyncio.create_task(self._all_settled())
        failure = asyncio.create_task(self.vital_failure())
        await asyncio.wait({settled, failure}, return_when=asyncio.FIRST_COMPLETED)
        settled.cancel()
        failure.cancel()
        for unit in self._units.values():
            if unit.vital and unit.state is State.FAILED:
                raise unit.problem or StackError(f"{unit.part.name} failed")
        return self.statuses()

    async def _all_settled(self) -> None:
        while unsettled := next((unit for unit in self._units.values() if not unit.settled), None):
            await unsettled.until(lambda unit=unsettled: unit.settled)  # type: ignore[misc]

    def statuses(self) -> list[Status]:
        return [unit.status() for unit in self._units.values()]

    async def vital_failure(self) -> StackError:
        """Returns when a vital part has failed for good; never, if there is none."""
        vital = [unit for unit in self._units.values() if unit.vital]
        if not vital:
            await asyncio.Event().wait()
        waits = [asyncio.create_task(unit.until(lambda unit=unit: unit.state is State.FAILED)) for unit in vital]  # type: ignore[misc]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        failed = next(unit for unit in vital if unit.state is State.FAILED)
        return failed.problem or StackError(f"{failed.part.name} failed")

    async def stop(self) -> None:
        for unit in reversed(self._units.values()):
            await unit.stop()
