"""Which models may answer a call: the facts put together for the router."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from athena.gateway.flow.call import Call
from athena.gateway.flow.parts import Parts
from athena.gateway.route.types import Facts, Held
from athena.gateway.sessions.identity import BY_CONTENT
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


async def _held(parts: Parts, call: Call) -> Held:
    id = call.thread
    if id is not None and call.shape.in_loop:
        # Whoever called the tool goes on, though another replica may have asked it a moment ago.
        parts.sessions.outdate(call.principal, id)
    session = await parts.sessions.get(call.principal, call.session)
    if id is None:
        return Held(session.pinned)
    if not call.shape.in_loop and id.startswith(BY_CONTENT) and not _is_begun(call):
        # So far it is only the same words as somewhere else.
        return Held(session.pinned)
    own = session if id == call.session else await parts.sessions.get(call.principal, id)
    if not call.shape.in_loop and _was_named(own.last_reasons):
        # One request for a model by its name says nothing about those that leave the choice open.
        return Held(session.pinned)
    held = Held.of(own, "main", datetime.now(UTC))
    return replace(held, pin=session.pinned)


def _is_begun(call: Call) -> bool:
    return any(message.get("role") == "assistant" for message in call.body["messages"])


def _was_named(reasons: Sequence[str]) -> bool:
    return "asked" in reasons and not any(reason.startswith("tier=") for reason in reasons)
