"""What a model's tokens cost on a given day, from data that ships with `genai-prices`; nothing is fetched.

Three things make a price depend on more than the model: providers announce changes by date, some charge less at
certain hours, and some charge all tokens of a long prompt more. A price that isn't known is None, never zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from genai_prices.data_snapshot import DataSnapshot
    from genai_prices.types import ModelPrice, TieredPrices

_MILLION = Decimal(1_000_000)
_THOUSAND = Decimal(1_000)
# Hours at which prices change are full or half ones, everywhere.
_SLOT_S = 1800
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Tokens:
    """As billed. `input`, `cached` and `written` add up to the prompt; `written_1h` is the part of `written`
    that the provider keeps for an hour instead of five minutes."""

    input: int = 0
    cached: int = 0
    written: int = 0
    output: int = 0
    written_1h: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.cached + self.written


@dataclass(frozen=True, slots=True)
class Rates:
    """USD per token."""

    input: Decimal
    cached: Decimal
    written: Decimal
    written_1h: Decimal
    output: Decimal


@dataclass(frozen=True, slots=True)
class Price:
    """`steps`: from which prompt size on (in tokens, exclusive) which rates hold for all tokens; ascending, the
    first from zero. `request`: USD per request."""

    steps: tuple[tuple[int, Rates], ...]
    request: Decimal = Decimal(0)

    def rates(self, prompt: int) -> Rates:
        for start, rates in reversed(self.steps):
            if prompt > start:
                return rates
        return self.steps[0][1]

    def cost(self, tokens: Tokens) -> Decimal:
        """USD, exact."""
        rates = self.rates(tokens.prompt)
        return (
            self.request
            + tokens.input * rates.input
            + tokens.cached * rates.cached
            + (tokens.written - tokens.written_1h) * rates.written
            + tokens.written_1h * rates.written_1h
            + tokens.output * rates.output
        )


FREE = Price(((0, Rates(*[Decimal(0)] * 5)),))


class Prices:
    """Prices by provider and model, as of a moment; looked up once per model and half hour."""

    def __init__(self) -> None:
        self._snapshot: DataSnapshot | None = None
        self._known: dict[tuple[str, str, int], Price | None] = {}

    def load(self) -> None:
        """Read the data (a tenth of a second, once per process); otherwise the first question does."""
        if self._snapshot is None:
            from genai_prices.data_snapshot import get_snapshot  # megabytes that most commands don't need

            self._snapshot = get_snapshot()

    def find(self, provider: str, model: str, at: datetime) -> Price | None:
        """None where the provider or the model isn't known, or isn't sold by the token."""
        key = (provider, model, int(at.timestamp()) // _SLOT_S)
        if key not in self._known:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[key] = self._look_up(provider, model, at)
        return self._known[key]

    def cost(self, provider: str, model: str, tokens: Tokens, at: datetime) -> Decimal | None:
        """USD; None where the price isn't known."""
        price = self.find(provider, model, at)
        return None if price is None else price.cost(tokens)

    def _look_up(self, provider: str, model: str, at: datetime) -> Price | None:
        self.load()
        assert self._snapshot is not None
        # By the exact name: the library would take any provider whose name contains a known one's, and a
        # provider of the user's own isn't a known one because it is called like it.
        seller = next((each for each in self._snapshot.providers if each.id == provider), None)
        if seller is None:
            return None
        try:
            _, found = self._snapshot.find_provider_model(model.removeprefix("models/"), seller, None, None)
        except LookupError:
            return None
        return _price(found.get_prices(at))


def _price(listed: ModelPrice) -> Price | None:
    if listed.input_mtok is None:
        return None
    starts = {0}
    for each in listed.__dict__.values():
        starts.update(tier.start for tier in getattr(each, "tiers", ()))
    per_thousand = _at(listed.requests_kcount, 0)
    return Price(
        tuple((start, _rates(listed, start)) for start in sorted(starts)),
        per_thousand / _THOUSAND if per_thousand is not None else Decimal(0),
    )


def _rates(listed: ModelPrice, start: int) -> Rates:
    """What isn't priced by itself is priced as what it is a kind of: cached and written tokens as input."""
    base = _at(listed.input_mtok, start) or Decimal(0)
    cached = _at(listed.cache_read_mtok, start)
    written = _at(listed.cache_write_mtok, start)
    hour = _at(listed.cache_write_1h_mtok, start)
    written = base if written is None else written
    return Rates(
        input=base / _MILLION,
        cached=(base if cached is None else cached) / _MILLION,
        written=written / _MILLION,
        written_1h=(written if hour is None else hour) / _MILLION,
        output=(_at(listed.output_mtok, start) or Decimal(0)) / _MILLION,
    )


def _at(price: Decimal | TieredPrices | None, start: int) -> Decimal | None:
    """The price in force for prompts longer than `start` tokens."""
    if price is None or isinstance(price, Decimal):
        return price
    in_force = price.base
    for tier in price.tiers:
        if tier.start <= start:
            in_force = tier.price
    return in_force
