"""Generated experience with known truth: seeded, in several styles of language, and the scorer that goes with it."""

from __future__ import annotations

from collections.abc import Callable

from tests.bench.histories import agent, chat, personal, work
from tests.bench.histories.history import History

GENERATORS: dict[str, Callable[[int, int], History]] = {
    "personal": personal.make,
    "work": work.make,
    "chat": chat.make,
    "agent": agent.make,
}
