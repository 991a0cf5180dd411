"""The one place that knows all models: by name, by tier, by price, by what may be spent on them.

What the local servers say comes in from outside (`see`), and the user's corrections too (`state`); each time, a new
`Snapshot` takes the place of the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from athena.config import Settings
from athena.errors import InvalidSetting
from athena.gateway.models import known, prices, providers
from athena.gateway.models.known import Profile
from athena.gateway.models.names import AUTO, near
from athena.gateway.models.prices import Price
from athena.gateway.models.seen import ServerSeen
from athena.gateway.models.snapshot import Given, Snapshot
from athena.gateway.models.tiers import Tier, contradictions, table
from athena.gateway.types import Model

# Clients may send any name: what was worked out for them is not kept without end.
_MOST_REMEMBERED = 1_024
# A name ends up in headers, and is compared with all others when nobody has it.
_LONGEST_NAME = 256


@dataclass(frozen=True, slots=True)
class Target:
    """What a name means. `models`: the one, or those of the tier; empty for `auto`."""

    kind: Literal["model", "tier", "auto"]
    name: str
    models: tuple[Model, ...] = ()
    tier: str | None = None


class Registry:
    """Raises `InvalidSetting` for a tier's or an alias' model that no provider has."""

    def __init__(self, settings: Settings) -> None:
        routing = settings.modelRouting
        self.enabled, self.auto_select = routing.enabled, routing.autoSelect
        self.providers = providers.build(settings)
        self.aliases = dict(settings.aliases)
        self._settings = settings
        self._targets: dict[str, Target | None] = {}
        self._now = Snapshot(
            Given(
                providers=self.providers,
                tiers=table(routing),
                aliases={name.casefold(): target for name, target in settings.aliases.items()},
                local_model=settings.reasoning_model or "default",
                local_context=settings.reasoning_context,
                stated={},
                llama=ServerSeen(),
                ollama=ServerSeen(),
            )
        )
        for name, target in settings.aliases.items():
            if self.resolve(name) is None:
                raise InvalidSetting(f"aliases.{name} in athena.toml: {target!r} is no model, tier or alias")

    def see(self, llama: ServerSeen, ollama: ServerSeen) -> None:
        """What the local servers said just now."""
        self._change(replace(self._now.given, llama=llama, ollama=ollama))

    def state(self, profiles: Mapping[str, Profile]) -> None:
        """The user's corrections, by pattern of `provider/model`, the first one first."""
        self._change(replace(self._now.given, stated=dict(profiles)))

    def _change(self, given: Given) -> None:
        if given != self._now.given:
            self._now = Snapshot(given)
            self._targets = {}

    @property
    def tiers(self) -> tuple[Tier, ...]:
        """Cheapest first."""
        return self._now.tiers

    def resolve(self, name: str) -> Target | None:
        """`auto`, a tier, an alias, `provider/model`, or a model's own name; None if it is none of them."""
        if len(name) > _LONGEST_NAME or not name.isprintable():
            return None
        found = self._targets.get(name, _UNKNOWN)
        if found is _UNKNOWN:
            if len(self._targets) >= _MOST_REMEMBERED:
                self._targets = {}
            found = self._targets[name] = self._resolve(self._now.unaliased(name.strip()))
        return found

    def model(self, name: str) -> Model | None:
        """One exact model, by any of its names."""
        target = self.resolve(name)
        return target.models[0] if target is not None and target.kind == "model" else None

    def _resolve(self, name: str) -> Target | None:
        key = name.casefold()
        if key in AUTO:
            return Target("auto", "auto")
        for tier in self.tiers:
            if tier.name.casefold() == key:
                return Target("tier", tier.name, tier.models, tier.name)
        found = self._now.exact(name)
        return Target("model", found.name, (found,), found.tier) if found is not None else None

    def unavailable(self, model: Model) -> str | None:
        """Why a local model can't answer now, as far as its server has said; None for cloud models."""
        return self._now.unavailable(model)

    def spendable(self, principal: str, own_provider: str | None) -> frozenset[str]:
        """Names of the providers that may be asked for this caller. With an Athena key (`principal`): those that the
        operator has a key for, or that need none. With a key of the caller's own: that provider. Local ones always."""
        names = {each.name for each in self.providers.values() if each.local}
        if principal:
            names |= {
                each.name
                for each in self.providers.values()
                if each.key is not None or not providers.needs_key(each, self._settings)
            }
        return frozenset(names | {own_provider} if own_provider else names)

    def price(self, model: Model, at: datetime, tokens: int = 0) -> Price | None:
        """For a prompt of `tokens`; None if it isn't known."""
        return prices.price(model, at, tokens)

    def profile(self, model: Model) -> Profile:
        """Ratings, beside what the model itself carries."""
        return self._now.profile(model)

    def warnings(self, at: datetime) -> list[str]:
        """Where the prices of `at` contradict the order of the tiers; one line each."""
        return contradictions(self.tiers, prices.price, at)

    @property
    def local_models(self) -> list[Model]:
        """What the local servers have just now, llama-server's first."""
        return self._now.local_models()

    def names(self) -> list[str]:
        """Everything that is known by name."""
        tiers = [name for tier in self.tiers for name in (tier.name, *(each.name for each in tier.models))]
        names = ["auto", *self.aliases, *tiers, *(each.name for each in self.local_models), *known.names()]
        return list(dict.fromkeys(names))

    def near(self, name: str) -> list[str]:
        """Up to three names that a slip of the finger could have meant."""
        return near(name[:_LONGEST_NAME], self.names())


# None is an answer: "no such name".
_UNKNOWN = Target("model", "")
