"""How many tokens a request is, as it would be sent: after the rewriting, for the model that would answer."""

from __future__ import annotations

from typing import Final

import msgspec

from athena.gateway import errors
from athena.gateway.egress import Exhausted
from athena.gateway.flow.back import Returning
from athena.gateway.flow.call import Asked, Call, understood
from athena.gateway.flow.choose import chosen
from athena.gateway.flow.generate import route_header
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.prepare import Preparation
from athena.gateway.flow.reply import Reply
from athena.gateway.jsontext import encoded
from athena.gateway.surfaces.headers import downward
from athena.gateway.translate import to_openai
from athena.gateway.types import Decision, Model

# Of English and code, with what a template adds: close enough to plan by, and said to be no more than that.
_CHARACTERS_PER_TOKEN: Final = 3.5
_ESTIMATED: Final = ("x-athena-estimated", "true")


async def count(parts: Parts, asked: Asked) -> Reply:
    """Nothing is decided about new texts: what would be, is. Raises `AthenaError`."""
    call = await understood(parts, asked)
    wanted = call.effective
    rewritten = await parts.rewrite(call.conversation, True) if wanted.compress or wanted.memory else None
    decision = await chosen(parts, call)
    messages = rewritten.messages if rewritten else call.body["messages"]
    model = decision.models[0]
    if model.provider.wire == "anthropic":
        prepare = Preparation(parts, call, messages, counting=True)
        return await _asked_of_provider(parts, call, decision, prepare)
    body = to_openai.request({**call.body, "messages": list(messages)}, model, {})
    if model.provider.dialect == "llama":
        return _said(await parts.live.count(body), model, decision)
    size = len(encoded(body))
    return _said(int(size / _CHARACTERS_PER_TOKEN) + 1, model, decision, estimated=True)


async def _asked_of_provider(parts: Parts, call: Call, decision: Decision, prepare: Preparation) -> Reply:
    try:
        answer = await parts.egress.send(decision.models, prepare, stream=False, pinned=True, account=call.account)
    except Exhausted as exhausted:
        model, failure = exhausted.failures[0]
        if not failure.body:
            raise errors.of(model, failure) from exhausted
        status, kind, body = Returning(call, model).failure(failure)
        return Reply(status, [("content-type", kind)], body)
    headers = [*_own_headers(answer.model, decision), *downward(answer.headers)]
    return Reply(answer.status, headers, answer.body or b"")


def _said(tokens: int, model: Model, decision: Decision, *, estimated: bool = False) -> Reply:
    headers = [*_own_headers(model, decision), *([_ESTIMATED] if estimated else [])]
    return Reply(200, headers, msgspec.json.encode({"input_tokens": tokens}))


def _own_headers(model: Model, decision: Decision) -> list[tuple[str, str]]:
    route = route_header(decision.reasons)
    return [("content-type", "application/json"), ("x-athena-model", model.name), ("x-athena-route", route)]
