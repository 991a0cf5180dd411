"""The gateway, whole: a request at one of its paths in, a reply out."""

from __future__ import annotations

from urllib.parse import parse_qsl

import msgspec

from athena.gateway.flow.call import Asked
from athena.gateway.flow.count import count
from athena.gateway.flow.embed import embed
from athena.gateway.flow.generate import generate
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.reply import Reply
from athena.gateway.models import listing
from athena.gateway.surfaces.parse import own_key, own_provider

__all__ = ["Asked", "Gateway"]

_JSON = ("content-type", "application/json")


class Gateway:
    """One per process; `parts` are opened and closed by whoever built them."""

    def __init__(self, parts: Parts) -> None:
        self.parts = parts

    async def reply(self, asked: Asked) -> Reply:
        """Raises `AthenaError`, to be said in the format of `asked.endpoint.wire`."""
        match asked.endpoint.operation:
            case "generate":
                return await generate(self.parts, asked)
            case "count_tokens":
                return await count(self.parts, asked)
            case "embeddings":
                return await embed(self.parts, asked)
            case "models":
                return self._models(asked)
            case _:
                return Reply(200)

    def _models(self, asked: Asked) -> Reply:
        wire, id = asked.endpoint.wire, asked.endpoint.argument
        registry = self.parts.router.registry
        spendable = registry.spendable(asked.principal, own_provider(own_key(asked.headers), wire))
        if id is not None:
            found = listing.one(registry, wire, id, spendable)
        else:
            found = listing.listing(registry, wire, dict(parse_qsl(asked.query)), spendable)
        return Reply(200, [_JSON], msgspec.json.encode(found))
