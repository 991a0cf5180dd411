"""What models cost, from the dated prices that the package genai-prices carries: read offline, never fetched.

For comparing models before a request. What a request did cost is worked out from its usage, elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from genai_prices.data_snapshot import find_provider_by_id, get_snapshot
from genai_prices.types import ModelInfo, TieredPrices
from genai_prices.types import Provider as Listed

from athena.gateway.types import Model, Provider

_MILLION = 1_000_000
_STEP = 4_000


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens. `cached`: read from the provider's cache; `written`: into it."""

    input: float
    cached: float
    written: float
    output: float

    def of(self, *, input: int = 0, cached: int = 0, output: int = 0) -> float:
        """US dollars."""
        return (input * self.input + cached * self.cached + output * self.output) / _MILLION

    @property
    def mean(self) -> float:
        """One figure to put models in order by: requests read about three times what they write."""
        return (3 * self.input + self.output) / 4


FREE = Price(0.0, 0.0, 0.0, 0.0)


def price(model: Model, at: datetime, tokens: int = 0) -> Price | None:
    """For a prompt of `tokens`; None if it isn't known, which is never the same as nothing."""
    if model.provider.local:
        return FREE
    return _price(
        model.provider.name, model.provider.url, model.id, at.replace(minute=0, second=0, microsecond=0), _step(tokens)
    )


def window(provider: Provider, id: str) -> int | None:
    """Tokens of context; None if it isn't listed."""
    found = _listed(provider.name, provider.url, id)
    return found.context_window if found else None


def title(provider: Provider, id: str) -> str | None:
    """The name for people."""
    found = _listed(provider.name, provider.url, id)
    return found.name if found else None


def canonical(provider: Provider, id: str) -> str | None:
    """The listed id of a model that is called by a dated or otherwise spelled one."""
    found = _listed(provider.name, provider.url, id)
    return found.id if found else None


def maker(id: str) -> str | None:
    """The name of the provider whose models are called so (`claude-…`: anthropic), as far as names tell."""
    try:
        return get_snapshot().find_provider(id.casefold(), None, None).id
    except LookupError:
        return None


@lru_cache(maxsize=1_024)
def _price(provider: str, url: str, id: str, at: datetime, tokens: int) -> Price | None:
    found = _listed(provider, url, id)
    if found is None:
        return None
    rates = found.get_prices(at)
    # Left out where nothing special is charged: then it is input like any other.
    amounts = [_amount(getattr(rates, name, None), tokens) for name in _RATES]
    input, cached, written, output = amounts
    if input is None or output is None:
        return None
    return Price(input, input if cached is None else cached, input if written is None else written, output)


_RATES = ("input_mtok", "cache_read_mtok", "cache_write_mtok", "output_mtok")


def _amount(rate: Any, tokens: int) -> float | None:
    if isinstance(rate, TieredPrices):
        crossed = [step.price for step in rate.tiers if tokens > step.start]
        return float(crossed[-1] if crossed else rate.base)
    return None if rate is None else float(rate)


def _step(tokens: int) -> int:
    """Prices change at round numbers of prompt tokens: so few different questions can be remembered."""
    return -(-tokens // _STEP) * _STEP


@lru_cache(maxsize=1_024)
def _listed(provider: str, url: str, id: str) -> ModelInfo | None:
    snapshot = get_snapshot()
    lister = _lister(provider, url)
    return lister.find_model(id.casefold(), all_providers=snapshot.providers) if lister else None


@lru_cache(maxsize=64)
def _lister(provider: str, url: str) -> Listed | None:
    """By the address first: a user may call a provider what they like."""
    snapshot = get_snapshot()
    try:
        return snapshot.find_provider(None, None, url)
    except LookupError:
        return find_provider_by_id(snapshot.providers, provider)
