"""Facts, registries and states for tests of routing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from athena.config import Settings
from athena.gateway.models.known import Profile
from athena.gateway.models.registry import Registry
from athena.gateway.models.seen import Seen, ServerSeen
from athena.gateway.models.tiers import DEFAULTS
from athena.gateway.route.types import Facts, Needs, Shape, State

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EVERYWHERE = frozenset({"local", "ollama", "anthropic", "google", "openai"})
LLAMA = ServerSeen("up", "", (Seen("qwen3-vl-4b-instruct", Profile(context=32_768, vision=False, tools=True)),))
OLLAMA = ServerSeen("up", "", (Seen("llama3.1:8b", Profile(context=8_192, vision=False, tools=True)),))


# One model each, so that a test sees what it is about: the tiers.
ONE_EACH = {
    "haiku": {"models": ["anthropic/claude-haiku-5-5"]},
    "sonnet": {"models": ["anthropic/claude-sonnet-5-5"]},
    "opus": {"models": ["anthropic/claude-opus-5-5"]},
}


def settings(**more: Any) -> Settings:
    """A table of tiers that names only known ones goes over `ONE_EACH`."""
    keys = {name: SecretStr(f"sk-{name}") for name in ("anthropic_api_key", "openai_api_key", "google_api_key")}
    routing = dict(more.pop("modelRouting", {}))
    given = routing.get("tiers", {})
    if all(name in DEFAULTS for name in given):
        routing["tiers"] = {**ONE_EACH, **given}
    return Settings(**{**keys, "modelRouting": routing, **more})


def registry(llama: ServerSeen = LLAMA, ollama: ServerSeen = OLLAMA, **more: Any) -> Registry:
    made = Registry(settings(**more))
    made.see(llama, ollama)
    return made


def shape(**more: Any) -> Shape:
    """`needs_…` go to the needs."""
    needs = {name.removeprefix("needs_"): value for name, value in more.items() if name.startswith("needs_")}
    rest = {name: value for name, value in more.items() if not name.startswith("needs_")}
    return replace(Shape("main", Needs(**needs)), **rest)


def facts(asked: str = "auto", **more: Any) -> Facts:
    """Of somebody with an Athena key; `shape_…` go to the shape."""
    shaped = {name.removeprefix("shape_"): value for name, value in more.items() if name.startswith("shape_")}
    rest = {name: value for name, value in more.items() if not name.startswith("shape_")}
    made = Facts("anthropic", asked, shape(**shaped), spendable=EVERYWHERE, principal="work")
    return replace(made, **rest)


def own_key(asked: str, **more: Any) -> Facts:
    """Of somebody who sent a key of Anthropic and none of Athena's."""
    return facts(
        asked,
        **{
            "principal": "",
            "own_provider": "anthropic",
            "spendable": frozenset({"local", "ollama", "anthropic"}),
            **more,
        },
    )


def state(**more: Any) -> State:
    return State(NOW, **more)
