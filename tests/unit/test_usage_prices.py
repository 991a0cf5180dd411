"""Prices: by model, by day, by the size of the prompt; and nothing where nothing is known."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage, calc_price
from genai_prices.data_snapshot import get_snapshot
from hypothesis import given, settings
from hypothesis import strategies as st

from athena.usage.prices import FREE, Prices, Tokens
from tests.unit.uses import AT

MILLION = 1_000_000
PRICES = Prices()


@pytest.mark.parametrize(
    ("provider", "model", "into", "out"),
    [
        ("anthropic", "claude-sonnet-5-5", 2, 10),
        ("anthropic", "claude-opus-5-5", 4, 20),
        ("anthropic", "claude-sonnet-5-5-20261001", 2, 10),
        ("google", "gemini-3.8-flash", "0.75", "3.75"),
        ("google", "models/gemini-3.8-flash", "0.75", "3.75"),
        ("google", "gemini-4-argon", 2, 10),
        ("openai", "gpt-4o-mini", "0.15", "0.6"),
    ],
)
def test_a_million_tokens(provider: str, model: str, into: int | str, out: int | str) -> None:
    assert PRICES.cost(provider, model, Tokens(input=MILLION), AT) == Decimal(into)
    assert PRICES.cost(provider, model, Tokens(output=MILLION), AT) == Decimal(out)


def test_what_is_read_from_the_cache_is_cheaper_and_what_is_written_dearer() -> None:
    cost = {
        name: PRICES.cost("anthropic", "claude-sonnet-5-5", tokens, AT)
        for name, tokens in {
            "cached": Tokens(cached=MILLION),
            "written": Tokens(written=MILLION),
            "an hour": Tokens(written=MILLION, written_1h=MILLION),
            "half and half": Tokens(written=MILLION, written_1h=MILLION // 2),
        }.items()
    }
    assert cost == {
        "cached": Decimal("0.1"),
        "written": Decimal("2.5"),
        "an hour": Decimal(4),
        "half and half": Decimal("3.25"),
    }


def test_a_long_prompt_makes_all_its_tokens_dearer() -> None:
    """claude-haiku-5-5: five times as much above 100,000 tokens, and not only for those above."""
    at = Tokens(input=40_000, cached=50_000, written=10_000, output=1_000)
    above = Tokens(input=40_001, cached=50_000, written=10_000, output=1_000)
    short = PRICES.cost("anthropic", "claude-haiku-5-5", at, AT)
    long = PRICES.cost("anthropic", "claude-haiku-5-5", above, AT)
    assert short == Decimal("0.00625")
    assert long == short * 5 + Decimal("0.0000005")


def test_a_price_holds_from_its_day_on() -> None:
    def cost(*day: int) -> Decimal | None:
        return PRICES.cost("google", "gemini-4-argon", Tokens(input=MILLION), datetime(*day, tzinfo=UTC))

    assert cost(2026, 11, 30, 23, 59) == 2
    assert cost(2026, 12, 1, 0, 0) == 4


def test_a_price_may_hold_for_some_hours_only() -> None:
    def cost(hour: int, minute: int) -> Decimal | None:
        moment = datetime(2025, 5, 1, hour, minute, tzinfo=UTC)
        return PRICES.cost("deepseek", "deepseek-chat", Tokens(output=MILLION), moment)

    assert cost(0, 29) == cost(16, 31)
    assert cost(0, 31) == cost(16, 29)
    assert cost(0, 29) != cost(0, 31)


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-of-the-future"),
        ("ollama", "llama3.1:8b"),
        # A server of somebody's own, whatever it is called and whatever runs there.
        ("my-openai-proxy", "gpt-4o-mini"),
        ("", ""),
    ],
)
def test_what_is_not_known_is_not_free(provider: str, model: str) -> None:
    assert PRICES.find(provider, model, AT) is None
    assert PRICES.cost(provider, model, Tokens(input=1), AT) is None


def test_local_models_are_free() -> None:
    assert FREE.cost(Tokens(1, 2, 3, 4, 3)) == 0


MODELS = [
    (provider.id, model.id)
    for provider in get_snapshot().providers
    if provider.id in ("anthropic", "google", "openai", "deepseek", "perplexity", "mistral", "x-ai", "groq")
    for model in provider.models
    if PRICES.find(provider.id, model.id, AT) is not None
]
COUNTS = st.integers(0, 400_000)


@settings(max_examples=400)
@given(st.sampled_from(MODELS), COUNTS, COUNTS, COUNTS, COUNTS, st.integers(0, 100))
def test_it_is_what_the_data_says(
    which: tuple[str, str], input: int, cached: int, written: int, output: int, percent: int
) -> None:
    """Against the library's own arithmetic, which is right and takes ten times as long."""
    provider, model = which
    hour = written * percent // 100
    tokens = Tokens(input, cached, written, output, hour)
    usage = Usage(
        input_tokens=tokens.prompt,
        cache_read_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour,
        output_tokens=output,
    )
    expected = calc_price(usage, model, provider_id=provider, genai_request_timestamp=AT).total_price
    assert PRICES.cost(provider, model, tokens, AT) == expected


def test_the_table_above_holds_the_models_that_matter() -> None:
    assert len(MODELS) > 150
    assert ("anthropic", "claude-haiku-5-5") in MODELS


def test_nothing_is_loaded_until_a_price_is_asked_for() -> None:
    """Each command builds everything, and few of them need megabytes of prices."""
    script = "import sys, athena.usage.service; sys.exit('genai_prices' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
