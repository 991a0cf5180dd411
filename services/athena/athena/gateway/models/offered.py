"""What cloud providers list, asked when somebody asks for a list, and remembered for a while."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx

from athena import http
from athena.errors import AthenaError
from athena.gateway import wires
from athena.gateway.types import Provider

_REMEMBER_S: Final = 600.0
# After a failure; a list without it is better than a list that is late each time.
_AGAIN_S: Final = 30.0
_PATIENCE_S: Final = 2.0
_MOST: Final = 256
_PAGE: Final = {"anthropic": "/v1/models?limit=1000", "openai": "/models"}

Key = tuple[str, str]


class Offered:
    """`close` when done."""

    def __init__(self) -> None:
        self._http: httpx.AsyncClient | None = None
        self._known: dict[Key, tuple[float, tuple[str, ...]]] = {}

    async def ids(self, asked: Mapping[str, tuple[Provider, str]]) -> dict[str, tuple[str, ...]]:
        """The models of each provider, by its name; `asked` holds a key for each. Empty for one that doesn't answer
        in two seconds, or may not be asked now."""
        found = await asyncio.gather(*(self._of(provider, key) for provider, key in asked.values()))
        return dict(zip(asked, found, strict=True))

    async def close(self) -> None:
        if self._http is not None:
            await self._http.aclose()

    async def _of(self, provider: Provider, key: str) -> tuple[str, ...]:
        name = (provider.name, hashlib.sha256(key.encode()).hexdigest()[:16])
        known = self._known.get(name)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        try:
            async with asyncio.timeout(_PATIENCE_S):
                ids = await self._ask(provider, key)
            until = time.monotonic() + _REMEMBER_S
        except (AthenaError, httpx.HTTPError, ValueError, TimeoutError):
            ids, until = known[1] if known else (), time.monotonic() + _AGAIN_S
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[name] = (until, ids)
        return ids

    async def _ask(self, provider: Provider, key: str) -> tuple[str, ...]:
        if self._http is None:
            self._http = http.client(read_s=_PATIENCE_S)
        headers = dict(wires.of(provider.wire).auth(key))
        if provider.wire == "anthropic":
            headers["anthropic-version"] = "2023-06-01"
        answer = await self._http.get(provider.url + _PAGE[provider.wire], headers=headers)
        answer.raise_for_status()
        listed: Any = answer.json()
        entries = listed.get("data") if isinstance(listed, dict) else None
        return tuple(
            str(each["id"]).removeprefix("models/")
            for each in (entries if isinstance(entries, list) else ())
            if isinstance(each, dict) and each.get("id")
        )
