"""The tier table: lists of models, cheapest first. It is the user's; these are the defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from athena.config import ModelRouting
from athena.gateway.models.prices import Price
from athena.gateway.types import Model

# OpenAI's stand behind the tiers' namesakes: for whoever has a key of theirs alone, and for an Anthropic's bad day.
DEFAULTS: dict[str, tuple[str, ...]] = {
    "local": ("local/default",),
    "haiku": ("anthropic/claude-haiku-5-5", "openai/gpt-5.6-luna"),
    "flash": ("google/gemini-3.8-flash",),
    "sonnet": ("anthropic/claude-sonnet-5-5", "openai/gpt-5.6-terra"),
    "pro": ("google/gemini-4-argon",),
    "opus": ("anthropic/claude-opus-5-5", "openai/gpt-5.6-sol"),
}


@dataclass(frozen=True, slots=True)
class Tier:
    """Models of about the same worth, in the order to try."""

    name: str
    models: tuple[Model, ...]


PriceOf = Callable[[Model, datetime, int], Price | None]


def table(routing: ModelRouting) -> dict[str, tuple[str, ...]]:
    """Model names by tier, cheapest tier first."""
    given = {name: tuple(tier.models) for name, tier in routing.tiers.items()}
    if all(name in DEFAULTS for name in given):
        return {**DEFAULTS, **given}
    return given


def of_cloud(tiers: Sequence[Tier]) -> list[tuple[Tier, Model]]:
    """Each tier's first cloud model."""
    found = ((tier, next((each for each in tier.models if not each.provider.local), None)) for tier in tiers)
    return [(tier, model) for tier, model in found if model is not None]


def family(id: str, tiers: Sequence[Tier]) -> str | None:
    """The cloud tier that a model which is in none belongs to by its name: `claude-opus-4-8` to `opus`."""
    words = id.casefold().replace(".", "-").replace("_", "-").replace(":", "-").split("-")
    return next((tier.name for tier, _ in of_cloud(tiers) if tier.name in words), None)


def by_price(price: Price, tiers: Sequence[Tier], prices: Mapping[str, Price | None]) -> str | None:
    """The cheapest tier that costs as much as this, or more. `prices`: of each tier's first cloud model, by tier."""
    for tier in tiers:
        cost = prices.get(tier.name)
        if cost is not None and cost.mean >= price.mean:
            return tier.name
    return None


def contradictions(tiers: Sequence[Tier], price: PriceOf, at: datetime, tokens: int = 0) -> list[str]:
    """One line for each tier that costs less than one before it, at the prices of `at`."""
    priced = [(tier, model, cost) for tier, model in of_cloud(tiers) if (cost := price(model, at, tokens)) is not None]
    lines = []
    for index, (tier, model, cost) in enumerate(priced):
        dearer = next((each for each in priced[:index] if each[2].mean > cost.mean), None)
        if dearer is not None:
            lines.append(
                f"{model.name} of tier {tier.name} costs {_dollars(cost)} per million tokens in and out, less than "
                f"{dearer[1].name} of the lower tier {dearer[0].name} at {_dollars(dearer[2])}: change the order of "
                "modelRouting.tiers in athena.toml if that isn't meant"
            )
    return lines


def _dollars(price: Price) -> str:
    return f"${price.input:g}/${price.output:g}"
