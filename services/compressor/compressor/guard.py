"""Who may ask: on loopback nobody's web page, elsewhere who has the key."""

from __future__ import annotations

import secrets

from starlette.datastructures import Headers

from compressor.config import Settings
from compressor.errors import CompressorError

_LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]", "::1"})


class Refused(CompressorError):
    """The origin is known and may not do this."""

    status = 403
    code = "forbidden"
    source = "client"


class Unauthorized(CompressorError):
    """No key, or a wrong one."""

    status = 401
    code = "unauthorized"
    source = "client"


def check(headers: Headers, settings: Settings) -> None:
    """Raises `Refused` or `Unauthorized`. A browser names its origin where it could do harm; services never do."""
    if "origin" in headers:
        raise Refused("requests from web pages aren't answered")
    if settings.exposure == "loopback" and _name(headers.get("host", "")) not in _LOCAL_NAMES:
        raise Refused("this server answers to its loopback names only", hint="call it as 127.0.0.1 or localhost")
    if settings.api_key is not None:
        given = headers.get("authorization", "").removeprefix("Bearer ")
        if not secrets.compare_digest(given.encode(), settings.api_key.get_secret_value().encode()):
            raise Unauthorized("a key is needed", hint="Authorization: Bearer …, with COMPRESSOR_API_KEY's value")


def _name(host: str) -> str:
    return host.rsplit(":", 1)[0] if host.rpartition(":")[2].isdigit() and not host.endswith("]") else host
