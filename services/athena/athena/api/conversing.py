"""What both surfaces do with sessions. A key sees its own; whoever needs none, on this machine, sees all."""

from __future__ import annotations

from athena.api.deps import Call
from athena.api.schemas.sessions import AskStatus, SessionList, SessionStatus, SessionView
from athena.errors import Forbidden, InvalidInput, NotFound


async def listing(call: Call, key: str | None, limit: int) -> SessionList:
    found = await call.athena.sessions.list(_whose(call, key), limit)
    return SessionList(sessions=[SessionView.of(each) for each in found])


async def show(call: Call, session_id: str, key: str | None) -> SessionView:
    return SessionView.of(await call.athena.sessions.find(_whose(call, key), session_id))


async def pin(call: Call, session_id: str, key: str | None, model: str | None) -> SessionView:
    """A session may be pinned before its first request."""
    whose = _whose(call, key)
    if whose is None:
        try:
            whose = (await call.athena.sessions.find(None, session_id)).principal
        except NotFound:
            whose = ""
    return SessionView.of(await call.athena.sessions.pin(whose, session_id, model))


async def status(call: Call, asked: AskStatus) -> SessionStatus:
    if asked.unpin and asked.model is not None:
        raise InvalidInput("give model or unpin, not both")
    changes = asked.unpin or asked.model is not None
    session_id, key = asked.session_id, asked.key
    if session_id is None:
        newest = await call.athena.sessions.list(_whose(call, key), 1)
        if not newest:
            if changes:
                raise NotFound("there is no session yet", hint="name one: session_id")
            return SessionStatus(session=None, changed=False)
        session_id, key = newest[0].id, newest[0].principal
    if not changes:
        return SessionStatus(session=await show(call, session_id, key), changed=False)
    return SessionStatus(session=await pin(call, session_id, key, asked.model), changed=True)


def _whose(call: Call, key: str | None) -> str | None:
    """Whose sessions are meant; None: everybody's. Raises `Forbidden`."""
    if not call.principal:
        return key
    if key is not None and key != call.principal:
        raise Forbidden(
            "a key sees its own sessions only", hint="ask with the other key, or without one on this machine"
        )
    return call.principal
