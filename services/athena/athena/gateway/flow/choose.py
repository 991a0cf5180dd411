"""Which models may answer a call: the facts put together for the router."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from athena.gateway.flow.call import Call
from athena.gateway.flow.parts import Parts
from athena.gateway.route.types import CONVERSATION, Facts, Held
from athena.gateway.sessions.identity import strand
from athena.gateway.types import Decision


async def chosen(parts: Parts, call: Call) -> Decision:
    """Raises `NoModel`."""
    router = parts.router
    await parts.is_closed()
    facts = Facts(
        wire=call.wire,
        asked=call.model,
        shape=call.shape,
        spendable=router.registry.spendable(call.principal, call.own_provider),
        principal=call.principal,
        own_provider=call.own_provider,
        project=call.effective.project,
        override=call.override,
        held=await _held(parts, call),
        agent=call.agent,
        budget=parts.judge(call.principal, call.agent.name if call.agent else None),
    )
    return router.decide(facts)


def thread(call: Call) -> str | None:
    """Under which session's id the model of this conversation is remembered. The session's own for those requests
    that share its history; for a sub-agent's the beginning of what it was told; None for small work without any."""
    if call.shape.request_class in CONVERSATION:
        return call.session
    return None if call.shape.request_class == "auxiliary" else strand(call.body)


async def _held(parts: Parts, call: Call) -> Held:
    session = await parts.sessions.get(call.principal, call.session)
    id = thread(call)
    if id is None:
        return Held(session.pinned)
    if call.shape.in_loop:
        # Whoever called the tool goes on, though another replica may have asked it a moment ago.
        parts.sessions.outdate(call.principal, id)
    own = await parts.sessions.get(call.principal, id)
    held = Held.of(own, "main", datetime.now(UTC))
    return replace(held, pin=session.pinned)
