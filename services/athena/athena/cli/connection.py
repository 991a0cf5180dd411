"""How a command talks to the Athena that runs: over its API, as anyone would."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, ClassVar

import httpx

from athena import http
from athena.config import Settings
from athena.errors import (
    AthenaError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    StackError,
    Unauthorized,
    Unavailable,
)

_BY_STATUS: dict[int, type[AthenaError]] = {
    400: InvalidInput,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    503: Unavailable,
}
# A wait for the vector takes up to 30 s, an answer of the local model longer.
_READ_S = 300.0


class Refused(AthenaError):
    """The API answered with an error of another kind."""

    code: ClassVar[str] = "refused"


class Connection:
    """`call` answers the JSON of an answer, or raises the error that the API named."""

    def __init__(self, client: httpx.AsyncClient, address: str) -> None:
        self._client = client
        self._address = address

    async def call(
        self, method: str, path: str, *, body: dict[str, Any] | None = None, query: dict[str, Any] | None = None
    ) -> Any:
        params = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            response = await self._client.request(method, path, json=body, params=params)
        except httpx.TransportError as exc:
            raise StackError(f"Athena doesn't answer at {self._address}", hint="athena up") from exc
        if response.is_success or (path == "/health" and response.status_code == 503):
            return response.json()
        raise _error(response)

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        path: str,
        *,
        query: dict[str, Any] | None = None,
        content: AsyncIterator[bytes] | None = None,
    ) -> AsyncIterator[httpx.Response]:
        """An answer, or what is sent, too long to be held. Raises the error that the API named."""
        params = {name: value for name, value in (query or {}).items() if value is not None}
        try:
            async with self._client.stream(method, path, params=params, content=content) as response:
                if not response.is_success:
                    await response.aread()
                    raise _error(response)
                yield response
        except httpx.ConnectError as exc:
            raise StackError(f"Athena doesn't answer at {self._address}", hint="athena up") from exc
        except httpx.TransportError as exc:
            raise StackError(f"Athena broke off ({type(exc).__name__})", hint="athena status; then try again") from exc

    async def tool(self, name: str, arguments: dict[str, Any]) -> Any:
        """`result` of a tool; arguments that are None or empty are left out."""
        given = {key: value for key, value in arguments.items() if value is not None and value != []}
        return (await self.call("POST", f"/tools/{name}/execute", body=given))["result"]


@asynccontextmanager
async def connect(settings: Settings, key: str | None = None) -> AsyncIterator[Connection]:
    address = base_url(settings)
    headers = {"authorization": f"Bearer {key}"} if key else None
    async with http.client(base_url=address, read_s=_READ_S, headers=headers) as client:
        yield Connection(client, address)


def base_url(settings: Settings) -> str:
    """Where this machine reaches its own Athena: an address to listen on everywhere is none to go to."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


def _error(response: httpx.Response) -> AthenaError:
    try:
        error = response.json()["error"]
        message, hint, source = str(error["message"]), error.get("hint"), error.get("source")
    except (json.JSONDecodeError, KeyError, TypeError):
        return Refused(f"{response.url} answered {response.status_code}: is it Athena?", hint="athena status")
    return _BY_STATUS.get(response.status_code, Refused)(message, hint=hint, source=source)
