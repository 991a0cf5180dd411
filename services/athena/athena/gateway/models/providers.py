"""Where models are reached: the five that are always known, and those of `[providers]` in athena.toml."""

from __future__ import annotations

from urllib.parse import urlsplit

from athena.config import ProviderSettings, Settings
from athena.errors import InvalidSetting
from athena.gateway.models.names import AUTO
from athena.gateway.types import Dialect, Provider
from athena.http.local_hosts import LocalHosts

LOCAL, OLLAMA, OLLAMA_CLOUD = "local", "ollama", "ollama-cloud"


def build(settings: Settings) -> dict[str, Provider]:
    """By name. Local is what local-only mode lets be asked.

    `ollama-cloud` isn't configured: it is Ollama's server when it passes a prompt on to its makers, so that it
    counts as what it is. Raises `InvalidSetting` for a name that means something else already.
    """
    reasoning, ollama = settings.reasoning_url, settings.ollama_url
    near = LocalHosts.of(settings)
    known = [
        Provider(LOCAL, "openai", f"{reasoning}/v1", _host(reasoning) in near, "llama"),
        Provider(OLLAMA, "openai", f"{ollama}/v1", _host(ollama) in near, "ollama"),
        Provider(OLLAMA_CLOUD, "openai", f"{ollama}/v1", local=False, dialect="ollama"),
        Provider("anthropic", "anthropic", settings.anthropic_url, False, "anthropic", settings.anthropic_api_key),
        Provider("openai", "openai", settings.openai_url, False, "openai", settings.openai_api_key),
        Provider("google", "openai", settings.google_url, False, "google", settings.google_api_key),
    ]
    providers = {each.name: each for each in known}
    for name, given in settings.providers.items():
        if name in providers or name in AUTO:
            raise InvalidSetting(f"providers.{name} in athena.toml: the name is taken; give it another")
        providers[name] = _given(name, given)
    return providers


def needs_key(provider: Provider, settings: Settings) -> bool:
    """Whether the provider answers nobody without one."""
    if provider.local or provider.name == OLLAMA_CLOUD:
        return False
    given = settings.providers.get(provider.name)
    return given is None or given.key_env is not None


def _given(name: str, given: ProviderSettings) -> Provider:
    dialect: Dialect = "anthropic" if given.wire == "anthropic" else "generic"
    return Provider(name, given.wire, given.url, given.local, dialect, given.key)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""
