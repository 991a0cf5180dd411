"""The registry, the rules and the present moment, held together for whoever has a request to route."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from athena.gateway.models.registry import Registry
from athena.gateway.models.tiers import DEFAULTS
from athena.gateway.route import shape
from athena.gateway.route.decide import decide
from athena.gateway.route.rules import CLOUD, FILE, RoutingFile, Rules
from athena.gateway.route.types import Facts, Shape, State
from athena.gateway.route.wish import unknown
from athena.gateway.types import Decision, Json, Model, Wire


class Router:
    """`local_only` and `available` are asked at each decision. Raises `InvalidSetting` for a wrong routing.toml."""

    def __init__(
        self,
        registry: Registry,
        home: Path,
        *,
        local_only: Callable[[], bool],
        available: Callable[[Model], str | None],
    ) -> None:
        self.registry = registry
        self._file = RoutingFile(home)
        self._local_only = local_only
        self._available = available
        self._stated: Rules | None = None

    @property
    def rules(self) -> Rules:
        """As routing.toml is now; what it says of models has reached the registry."""
        rules = self._file.rules
        if rules is not self._stated:
            self.registry.state(rules.profiles())
            self._stated = rules
        return rules

    @property
    def state(self) -> State:
        return State(datetime.now(UTC), self._local_only(), self._available)

    def read(self, wire: Wire, body: Mapping[str, Json], size: int, headers: Mapping[str, str]) -> Shape:
        """Raises `InvalidInput` for a task kind that there isn't. `size`: bytes of the body."""
        return shape.read(wire, body, size, headers, self.rules)

    def decide(self, facts: Facts, *, local_only: bool = False) -> Decision:
        """Raises `NoModel`. `local_only`: for this request, whatever the switch says."""
        state = self.state
        if local_only and not state.local_only:
            state = State(state.at, True, state.available)
        return decide(facts, self.registry, self.rules, state)

    def check(self, name: str) -> None:
        """Raises `UnknownModel` for what can't be pinned or asked for."""
        if self.registry.resolve(name) is None:
            raise unknown(self.registry, name, "model")

    def warnings(self) -> list[str]:
        """What a person should know: prices against the order of tiers, a routing.toml that can't be read."""
        fault = self._file.fault
        lines = [f"{fault}; what it said before goes on"] if fault else []
        return [*lines, *self._unknown_names(), *self.registry.warnings(datetime.now(UTC))]

    def _unknown_names(self) -> Iterator[str]:
        rules = self.rules
        named = {"default": rules.default, "baseline": rules.baseline}
        named |= {f"tasks.{kind}.to": task.to for kind, task in rules.tasks.items()}
        named |= {f"rules.{place}.to": rule.to for place, rule in enumerate(rules.rules)}
        for where, name in named.items():
            # The well-known tiers may be missing on purpose: a table of the user's own has others in their place.
            if name not in (CLOUD, *DEFAULTS) and self.registry.resolve(name) is None:
                yield f"{FILE}: {where}: no model, tier or alias is called {name!r}; `{CLOUD}` takes its place"
