"""What an attempt cost and what was saved: examples by hand, and laws."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from athena.usage.prices import Prices, Tokens
from athena.usage.types import Use
from athena.usage.value import billed, cost_of, value_of
from tests.unit.uses import AT, use

PRICES = Prices()
NOTHING = Decimal(0)


def usd(text: str) -> Decimal:
    return Decimal(text)


def test_a_plain_answer_costs_and_saves_nothing() -> None:
    value = value_of(use(), PRICES)
    assert value.cost == usd("0.003")
    assert (value.tokens_saved, value.saved_compression, value.saved_cache) == (0, 0, 0)
    assert (value.saved_local, value.saved_routing) == (0, 0)


def test_compression_by_characters() -> None:
    """Half of the text went: the prompt would have been twice as long."""
    value = value_of(use(original_characters=8_000), PRICES)
    assert value.tokens_saved == 1_000
    assert value.saved_compression == usd("0.002")


def test_compression_by_the_providers_own_count() -> None:
    value = value_of(use(original_characters=8_000, counted_original=1_600), PRICES)
    assert value.tokens_saved == 600
    assert value.saved_compression == usd("0.0012")


def test_memory_that_joined_is_no_loss_of_compression() -> None:
    """1,000 of the 4,000 characters sent are memory; the client's 5,000 became 3,000."""
    joined = use(original_characters=5_000, memory_characters=1_000)
    assert value_of(joined, PRICES).tokens_saved == 500
    # The provider counted the client's own text, which has no memory in it.
    assert value_of(replace(joined, counted_original=1_300), PRICES).tokens_saved == 550
    # Only memory joined, nothing was taken out.
    assert value_of(use(original_characters=3_000, memory_characters=1_000), PRICES).tokens_saved == 0


def test_what_was_taken_out_would_mostly_have_come_from_the_cache() -> None:
    """A tenth of the prompt is new; so would have been a tenth of what is missing. At the full price, each turn of a
    conversation would claim again what an earlier one had saved."""
    long = use(sent_characters=40_000, original_characters=80_000)
    value = value_of(replace(long, tokens_input=0, tokens_cached=9_000, tokens_written=1_000), PRICES)
    assert value.tokens_saved == 10_000
    assert value.saved_compression == 9_000 * usd("0.1") / 10**6 + 1_000 * usd("2.5") / 10**6


def test_compression_may_keep_a_prompt_below_a_step_of_the_price() -> None:
    long = use(model="claude-haiku-5-5", sent_characters=240_000, original_characters=480_000)
    value = value_of(replace(long, tokens_input=60_000, tokens_output=1_000), PRICES)
    assert value.cost == usd("0.0065")
    assert value.saved_compression == 120_000 * usd("0.5") / 10**6 + usd("0.0025") - usd("0.0065")


def test_an_image_is_tokens_without_characters() -> None:
    """One token per character at most: what 100 characters more would have cost isn't what images cost."""
    value = value_of(use(tokens_input=50_000, sent_characters=100, original_characters=200), PRICES)
    assert value.tokens_saved == 100


def test_the_cache_saves_what_reading_saves_less_what_writing_costs_more() -> None:
    value = value_of(use(tokens_input=500, tokens_cached=10_000, tokens_written=2_000), PRICES)
    assert value.saved_cache == 10_000 * usd("1.9") / 10**6 - 2_000 * usd("0.5") / 10**6
    only_written = value_of(use(tokens_written=2_000), PRICES)
    assert only_written.saved_cache == usd("-0.001")


def test_what_is_kept_for_an_hour_is_written_at_its_own_price() -> None:
    hour = use(tokens_input=0, tokens_output=0, tokens_written=1_000, tokens_written_1h=400)
    assert value_of(hour, PRICES).cost == usd("0.0031")


def test_a_local_answer_saves_what_the_model_in_its_place_would_have_cost() -> None:
    local = use(provider="local", model="llama-3.2-3b", local=True, baseline="anthropic/claude-opus-5-5")
    value = value_of(local, PRICES)
    assert value.cost == 0
    assert value.saved_local == usd("0.006")
    assert value.saved_routing == 0


def test_a_cheaper_model_saves_the_difference_and_a_dearer_one_costs_it() -> None:
    assert value_of(use(baseline="anthropic/claude-opus-5-5"), PRICES).saved_routing == usd("0.003")
    dearer = use(model="claude-opus-5-5", baseline="anthropic/claude-sonnet-5-5")
    assert value_of(dearer, PRICES).saved_routing == usd("-0.003")
    assert value_of(use(baseline="anthropic/claude-sonnet-5-5"), PRICES).saved_routing == 0


def test_nothing_is_made_up_where_a_price_is_not_known() -> None:
    value = value_of(use(model="of-the-future", original_characters=8_000), PRICES)
    assert (value.cost, value.saved_compression, value.saved_cache) == (None, None, None)
    assert value.tokens_saved == 1_000
    local = use(local=True, provider="local", baseline="anthropic/of-the-future")
    assert value_of(local, PRICES).cost == 0
    assert value_of(local, PRICES).saved_local is None


SILENT = {"tokens_input": None, "tokens_cached": None, "tokens_written": None, "tokens_output": None}


@pytest.mark.parametrize(
    ("changes", "cost"),
    [
        ({"outcome": "ok"}, None),
        ({"outcome": "cancelled"}, None),
        ({"outcome": "error", "status": 529}, 0),
        ({"outcome": "error", "status": 429}, 0),
        ({"outcome": "error", "status": 200, "error": "overloaded: inside the stream"}, 0),
        ({"outcome": "error", "status": 0, "error": "timeout"}, None),
        ({"outcome": "error", "status": 0, "error": None}, None),
        ({"outcome": "cancelled", "local": True}, 0),
    ],
)
def test_without_a_word_on_tokens_only_a_refusal_is_free(changes: dict[str, object], cost: int | None) -> None:
    attempt = use(**(SILENT | changes))
    value = value_of(attempt, PRICES)
    assert value.cost == cost
    assert cost_of(attempt, PRICES) == cost
    unknown = value.saved_compression is None
    assert unknown == (changes["outcome"] != "error")


def test_an_attempt_that_was_given_up_costs_and_saves_nothing() -> None:
    given_up = use(final=False, outcome="error", baseline="anthropic/claude-opus-5-5", original_characters=8_000)
    value = value_of(given_up, PRICES)
    assert value.cost == usd("0.003")
    assert (value.tokens_saved, value.saved_compression, value.saved_cache, value.saved_routing) == (0, 0, 0, 0)


COUNT = st.integers(0, 300_000)
CHARACTERS = st.integers(0, 1_000_000)
USES = st.builds(
    use,
    model=st.sampled_from(["claude-haiku-5-5", "claude-sonnet-5-5", "claude-opus-5-5"]),
    baseline=st.sampled_from([None, "anthropic/claude-opus-5-5", "google/gemini-3.8-flash"]),
    tokens_input=COUNT,
    tokens_cached=COUNT,
    tokens_written=COUNT,
    tokens_output=COUNT,
    sent_characters=CHARACTERS,
    original_characters=CHARACTERS,
    memory_characters=CHARACTERS,
    counted_original=st.none() | COUNT,
    local=st.booleans(),
)


def cost(model: str, tokens: Tokens) -> Decimal:
    found = PRICES.cost("anthropic", model, tokens, AT)
    assert found is not None
    return found


@given(USES)
def test_cost_and_savings_add_up_to_what_it_would_have_been(attempt: Use) -> None:
    value = value_of(attempt, PRICES)
    tokens = billed(attempt)
    assert tokens is not None
    assert value.cost is not None
    assert value.cost == cost_of(attempt, PRICES)
    if attempt.local:
        assert (value.cost, value.saved_cache, value.saved_compression, value.saved_routing) == (0, 0, 0, 0)
        assert value.saved_local is not None
        assert value.saved_local >= 0
    else:
        assert value.saved_local == 0
        assert value.saved_cache is not None
        plain = Tokens(input=tokens.prompt, output=tokens.output)
        assert value.cost + value.saved_cache == cost(attempt.model, plain)
        if attempt.baseline is None or attempt.baseline == f"anthropic/{attempt.model}":
            assert value.saved_routing == 0
        else:
            there = PRICES.cost(*attempt.baseline.split("/"), tokens, AT)
            assert value.saved_routing is not None
            assert value.cost + value.saved_routing == there


@given(USES)
def test_what_compression_saved_has_the_sign_of_what_it_took_out(attempt: Use) -> None:
    value = value_of(attempt, PRICES)
    tokens = billed(attempt)
    assert tokens is not None
    assert value.tokens_saved is not None
    assert value.saved_compression is not None
    assert value.tokens_saved >= -tokens.prompt
    removed = attempt.original_characters - attempt.sent_characters + attempt.memory_characters
    if removed == 0:
        assert value.tokens_saved == 0
    if attempt.counted_original is None and removed > 0:
        assert 0 <= value.tokens_saved <= removed
    if not attempt.local:
        assert value.saved_compression * value.tokens_saved >= 0
        assert (value.saved_compression == 0) == (value.tokens_saved == 0)
