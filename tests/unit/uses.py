"""Rows of the ledger for tests: a complete answer, but for what a test changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from athena.usage.types import Use

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def use(**changes: Any) -> Use:
    values: dict[str, Any] = {
        "request_id": "req_1",
        "at": AT,
        "attempt": 1,
        "final": True,
        "surface": "anthropic",
        "model": "claude-sonnet-5-5",
        "provider": "anthropic",
        "local": False,
        "status": 200,
        "outcome": "ok",
        "stream": True,
        "tokens_input": 1_000,
        "tokens_cached": 0,
        "tokens_written": 0,
        "tokens_output": 100,
        "first_ms": 400.0,
        "total_ms": 2_400.0,
        "sent_characters": 4_000,
        "original_characters": 4_000,
    }
    return Use(**(values | changes))
