"""What an attempt cost, and what was saved: from what the provider billed, never from what we think it should have.

The four savings don't overlap: each is the difference that one thing made, the others being as they were. How each
is computed and what it assumes: README.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from athena.usage.prices import FREE, Price, Prices, Tokens
from athena.usage.types import Use

_NOTHING = Decimal(0)
# Failures after which providers bill nothing, unless they said what they used. A time-out isn't among them.
_NOT_BILLED = frozenset({"rate", "spend", "overloaded", "auth", "missing", "context", "request", "refused"})


@dataclass(frozen=True, slots=True)
class Value:
    """In USD; None where a price or the tokens aren't known. Savings are negative where it would have been cheaper
    without. `tokens_saved`: prompt tokens that compression took out."""

    cost: Decimal | None
    tokens_saved: int | None = 0
    saved_compression: Decimal | None = _NOTHING
    saved_cache: Decimal | None = _NOTHING
    saved_local: Decimal | None = _NOTHING
    saved_routing: Decimal | None = _NOTHING


def value_of(use: Use, prices: Prices) -> Value:
    price = _price(use, prices)
    tokens = billed(use)
    if tokens is None:
        return _untold(use)
    cost = None if price is None else price.cost(tokens)
    if not _answered(use):
        return Value(cost)
    original = _original(use, tokens)
    elsewhere = _elsewhere(use, tokens, cost, prices)
    return Value(
        cost,
        tokens_saved=original.prompt - tokens.prompt,
        saved_compression=None if price is None or cost is None else price.cost(original) - cost,
        saved_cache=None if price is None or cost is None else price.cost(_uncached(tokens)) - cost,
        saved_local=elsewhere if use.local else _NOTHING,
        saved_routing=_NOTHING if use.local else elsewhere,
    )


def cost_of(use: Use, prices: Prices) -> Decimal | None:
    """`value_of(use).cost`, without the rest."""
    tokens = billed(use)
    if tokens is None:
        return _untold(use).cost
    price = _price(use, prices)
    return None if price is None else price.cost(tokens)


def billed(use: Use) -> Tokens | None:
    """None where the provider said nothing."""
    said = (use.tokens_input, use.tokens_cached, use.tokens_written, use.tokens_output)
    if all(count is None for count in said):
        return None
    input, cached, written, output = (count or 0 for count in said)
    return Tokens(input, cached, written, output, min(use.tokens_written_1h or 0, written))


def _price(use: Use, prices: Prices) -> Price | None:
    return FREE if use.local else prices.find(use.provider, use.model, use.at)


def _answered(use: Use) -> bool:
    return use.final and use.outcome != "error"


def _untold(use: Use) -> Value:
    """The provider didn't say what it billed."""
    if use.local or use.status >= 400 or (use.error or "").partition(":")[0] in _NOT_BILLED:
        cost: Decimal | None = _NOTHING
    else:
        cost = None
    return Value(cost, None, None, None, None, None) if _answered(use) else Value(cost)


def _original(use: Use, tokens: Tokens) -> Tokens:
    """What would have been billed without compression; what it took out was cached and written in the same
    proportion as what it left."""
    extra = _taken_out(use, tokens.prompt)
    if extra == 0 or tokens.prompt == 0:
        return tokens
    cached = extra * tokens.cached // tokens.prompt
    written = extra * tokens.written // tokens.prompt
    written_1h = extra * tokens.written_1h // tokens.prompt
    return Tokens(
        input=tokens.input + extra - cached - written,
        cached=tokens.cached + cached,
        written=tokens.written + written,
        output=tokens.output,
        written_1h=tokens.written_1h + written_1h,
    )


def _taken_out(use: Use, prompt: int) -> int:
    """Prompt tokens between what the client sent and what went out of it, memory that joined left aside."""
    sent = use.sent_characters
    removed = use.original_characters - (sent - use.memory_characters)
    if removed == 0 or sent <= 0 or prompt <= 0:
        return 0
    # Images are tokens without characters; text has never more tokens than characters.
    of_text = min(prompt, sent)
    if use.counted_original is None:
        return max(removed * of_text // sent, -prompt)
    joined = use.memory_characters * of_text // sent
    return max(use.counted_original - (prompt - joined), -prompt)


def _uncached(tokens: Tokens) -> Tokens:
    return Tokens(input=tokens.prompt, output=tokens.output)


def _elsewhere(use: Use, tokens: Tokens, cost: Decimal | None, prices: Prices) -> Decimal | None:
    """What the same tokens, cached alike, would have cost more at the model that would have answered otherwise."""
    provider, _, model = (use.baseline or "").partition("/")
    if not model or (provider, model) == (use.provider, use.model):
        return _NOTHING
    there = prices.cost(provider, model, tokens, use.at)
    return None if there is None or cost is None else there - cost
