"""Which key may be spent at a provider, for whom: said once, for every way out."""

from __future__ import annotations

from athena.gateway.types import Provider


def credential(provider: Provider, principal: str, own_key: str | None, own_provider: str | None) -> str | None:
    """The client's own key at its own provider; the operator's for whoever has an Athena key (`principal`); else none.
    Never one provider's key for another."""
    if own_key is not None and own_provider == provider.name:
        return own_key
    if provider.key is not None and principal:
        return provider.key.get_secret_value()
    return None
