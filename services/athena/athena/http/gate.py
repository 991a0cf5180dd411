"""The gate at the single way out: what local-only mode forbids doesn't get past it.

One for the whole process, since what must hold for a process can't depend on which object was handed
to whom. Every client and channel of `athena.http` asks it before a name is looked up, and tells it what
runs, so that it can be cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from athena.errors import Unavailable


class LocalOnly(Unavailable):
    """Local-only mode is on, or whether it is can't be read; the request needs a host that isn't local."""

    code = "local_only"

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint, retry_after=None)


@dataclass(frozen=True, slots=True)
class Closed:
    """Why nothing may leave, in a few words, and the command that changes it."""

    why: str
    hint: str


FORCED = Closed("local-only mode is on (ATHENA_LOCAL_ONLY)", "unset ATHENA_LOCAL_ONLY, or local_only in athena.toml")
ON = Closed("local-only mode is on", "athena local-only off")


class Switch(Protocol):
    """Where local-only mode is read."""

    def closed(self) -> Closed | None:
        """None if requests may leave. "Not known" is a reason why they may not."""
        ...

    async def refreshed(self) -> None:
        """Wait, for a second at most, for an answer that isn't too old."""
        ...


class Hosts(Protocol):
    """Those that are local."""

    def __contains__(self, host: str, /) -> bool: ...


@dataclass(frozen=True, slots=True)
class _Rule:
    switch: Switch
    hosts: Hosts


class Gate:
    """Open for local hosts always; for others while every switch that is obeyed lets them.

    `default`: the switch and the hosts that count while nothing else is obeyed, asked for when first needed.
    """

    def __init__(self, default: Callable[[], tuple[Switch, Hosts]]) -> None:
        self._default = default
        self._fallback: _Rule | None = None
        self._rules: list[_Rule] = []
        self._watched: dict[object, Callable[[], None]] = {}
        self._overrides = 0

    @contextmanager
    def obeying(self, switch: Switch, hosts: Hosts) -> Iterator[None]:
        """Within this block `switch` decides too; where several are obeyed, each can close the gate."""
        rule = _Rule(switch, hosts)
        self._rules.append(rule)
        try:
            yield
        finally:
            self._rules.remove(rule)

    @contextmanager
    def overridden(self) -> Iterator[None]:
        """Within this block everything passes: for one command, whose user was told so."""
        self._overrides += 1
        try:
            yield
        finally:
            self._overrides -= 1

    def is_local(self, host: str) -> bool:
        return all(host in rule.hosts for rule in self._obeyed())

    async def admit(self, host: str) -> None:
        """Returns if `host` may be asked now. Raises `LocalOnly`."""
        for rule in tuple(self._obeyed()):
            if host in rule.hosts or self._overrides:
                continue
            if rule.switch.closed() is not None:
                await rule.switch.refreshed()
                if (closed := rule.switch.closed()) is not None:
                    raise LocalOnly(f"{closed.why}: {host} isn't local and wasn't asked", hint=closed.hint)

    @contextmanager
    def watching(self, cut: Callable[[], None]) -> Iterator[None]:
        """Within this block `cut` is called when the gate closes."""
        forget = self.watch(cut)
        try:
            yield
        finally:
            forget()

    def watch(self, cut: Callable[[], None]) -> Callable[[], None]:
        """As `watching`, until what is returned is called."""
        token = object()
        self._watched[token] = cut

        def forget() -> None:
            self._watched.pop(token, None)

        return forget

    def cut(self) -> None:
        """End whatever runs to a host that isn't local."""
        if not self._overrides:
            for end in list(self._watched.values()):
                end()

    def _obeyed(self) -> list[_Rule]:
        if self._rules:
            return self._rules
        if self._fallback is None:
            self._fallback = _Rule(*self._default())
        return [self._fallback]
