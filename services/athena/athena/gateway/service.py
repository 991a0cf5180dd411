"""The gateway, whole: a request at one of its paths in, a reply out."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from athena.errors import InvalidInput
from athena.gateway.credentials import credential
from athena.gateway.flow.call import Asked
from athena.gateway.flow.count import count
from athena.gateway.flow.embed import embed
from athena.gateway.flow.generate import generate
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.reply import Reply
from athena.gateway.models import listing
from athena.gateway.models.registry import Registry
from athena.gateway.surfaces.parse import own_key, own_provider
from athena.gateway.types import Provider

__all__ = ["Asked", "Gateway"]

_JSON = ("content-type", "application/json")


class Gateway:
    """One per process; `parts` are opened and closed by whoever built them."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def reply(self, asked: Asked) -> Reply:
        """Raises `AthenaError`, to be said in the format of `asked.endpoint.wire`."""
        try:
            return await self._reply(asked)
        except RecursionError as exc:
            raise InvalidInput("the body is nested too deep") from exc

    async def _reply(self, asked: Asked) -> Reply:
        match asked.endpoint.operation:
            case "generate":
                return await generate(self.parts, asked)
            case "count_tokens":
                return await count(self.parts, asked)
            case "embeddings":
                return await embed(self.parts, asked)
            case "models":
                return await self._models(asked)
            case _:
                return Reply(200)

    async def _models(self, asked: Asked) -> Reply:
        wire, id = asked.endpoint.wire, asked.endpoint.argument
        registry = self.parts.router.registry
        key = own_key(asked.headers)
        own = own_provider(key, wire)
        spendable = registry.spendable(asked.principal, own)
        if id is not None:
            found = listing.one(registry, wire, id, spendable)
        else:
            offered = await self.parts.offered.ids(_askable(registry, asked.principal, own, key))
            found = listing.listing(registry, wire, dict(parse_qsl(asked.query)), spendable, offered)
        return Reply(200, [_JSON], msgspec.json.encode(found))


def _askable(registry: Registry, principal: str, own: str | None, key: str | None) -> dict[str, tuple[Provider, str]]:
    """The cloud providers whose key may be used for this caller, and the key."""
    found = {}
    for name, provider in registry.providers.items():
        spent = None if provider.local else credential(provider, principal, key, own)
        if spent is not None:
            found[name] = (provider, spent)
    return found
