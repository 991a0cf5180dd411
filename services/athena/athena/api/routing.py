"""A decision without a request, and the table that decisions come from."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from athena.api.deps import Call
from athena.api.schemas.route import (
    Explain,
    Explained,
    ListedModel,
    ModelView,
    PassedView,
    Refusal,
    RouteTable,
    TierView,
)
from athena.errors import AthenaError, InvalidInput
from athena.gateway.route.decide import Weighed, baseline, weigh
from athena.gateway.route.errors import NoModel
from athena.gateway.route.refusal import refusal
from athena.gateway.route.router import Router
from athena.gateway.route.shape import CLASS_HEADER, TASK_HEADER
from athena.gateway.route.types import BYTES_PER_TOKEN, Facts, Held, Needs, Shape, State
from athena.gateway.types import Json, Model

# A picture of one pixel: only that it is there counts.
_PIXEL = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": ""}}


async def explain(call: Call, asked: Explain) -> Explained:
    """What a request of this caller would get, with an Athena key's rights even where none was needed to ask."""
    router = await _current(call)
    state = router.state
    # An agent or a task kind that there isn't would be the client's answer, and so it is the explanation.
    facts = Facts(asked.surface, asked.model, Shape(asked.request_class or "main", Needs()))
    try:
        facts = await _facts(call, router, asked, _shape(router, asked))
        weighed = weigh(facts, router.registry, router.rules, state)
    except (NoModel, InvalidInput) as exc:
        return _explained(router, state, facts, None, exc)
    refused = None if weighed.models else refusal(weighed.passed, facts, state)
    return _explained(router, state, facts, weighed, refused)


async def table(call: Call) -> RouteTable:
    router = await _current(call)
    registry, rules, state = router.registry, router.rules, router.state
    tiers = [
        TierView(name=tier.name, models=[_listed(router, state, model) for model in tier.models])
        for tier in registry.tiers
    ]
    in_tiers = {model.name for tier in registry.tiers for model in tier.models}
    return RouteTable(
        enabled=registry.enabled,
        auto_select=registry.auto_select,
        local_only=state.local_only,
        default=rules.default,
        baseline=rules.baseline,
        tiers=tiers,
        others=[_listed(router, state, each) for each in registry.local_models if each.name not in in_tiers],
        aliases=registry.aliases,
        tasks={kind: task.to for kind, task in rules.tasks.items()},
        rules=len(rules.rules),
        warnings=router.warnings(),
    )


async def _current(call: Call) -> Router:
    """The router, once it is known whether local-only mode is on: not known counts as on."""
    if call.athena.local_only.closed() is not None:
        await call.athena.local_only.refreshed()
    return call.athena.router


def _shape(router: Router, asked: Explain) -> Shape:
    content: list[Json] = [{"type": "text", "text": asked.text}, *[_PIXEL] * asked.images]
    if asked.in_tool_loop:
        content.insert(0, {"type": "tool_result", "tool_use_id": "toolu_1", "content": ""})
    body: dict[str, Any] = {"messages": [{"role": "user", "content": content}]}
    if asked.tools:
        body["tools"] = [{"name": "any"}]
    given = {CLASS_HEADER: asked.request_class, TASK_HEADER: asked.task}
    headers = {name: value for name, value in given.items() if value}
    shape = router.read(asked.surface, body, len(json.dumps(body, ensure_ascii=False).encode()), headers)
    if asked.tokens is None:
        return shape
    return replace(shape, needs=replace(shape.needs, size=asked.tokens * BYTES_PER_TOKEN))


async def _facts(call: Call, router: Router, asked: Explain, shape: Shape) -> Facts:
    principal, held = call.principal, Held()
    if asked.session is not None:
        session = await call.athena.sessions.get(principal, asked.session)
        held = Held.of(session, shape.request_class, router.state.at)
    agent = call.athena.agents.find(asked.agent) if asked.agent is not None else None
    return Facts(
        wire=asked.surface,
        asked=asked.model,
        shape=shape,
        spendable=router.registry.spendable(principal or "explain", None),
        principal=principal,
        project=asked.project,
        override=asked.override,
        held=held,
        agent=agent,
        budget=call.athena.usage.verdict(principal, asked.agent),
    )


def _explained(
    router: Router, state: State, facts: Facts, weighed: Weighed | None, error: AthenaError | None
) -> Explained:
    registry, shape, tokens = router.registry, facts.shape, facts.shape.needs.tokens
    models = weighed.models if weighed is not None else ()
    price = registry.price(models[0], state.at, tokens) if models else None
    instead = baseline(weighed.wanted, facts, registry, router.rules) if weighed is not None else None
    return Explained(
        models=[ModelView.of(each, registry.price(each, state.at, tokens)) for each in models],
        reasons=list(weighed.reasons) if weighed is not None else [],
        passed=[PassedView.of(each) for each in weighed.passed] if weighed is not None else [],
        request_class=shape.request_class,
        task=shape.task,
        task_from=None if shape.task is None else "header" if shape.task_said else "text",
        tokens=tokens,
        input_usd=None if price is None else price.of(input=tokens),
        baseline=instead.name if instead is not None else None,
        error=_refusal(error) if error is not None else None,
        warnings=router.warnings(),
    )


def _refusal(error: AthenaError) -> Refusal:
    return Refusal(status=error.status, code=error.code, message=error.message, hint=error.hint)


def _listed(router: Router, state: State, model: Model) -> ListedModel:
    registry = router.registry
    profile = registry.profile(model)
    credential = model.provider.name in registry.spendable("table", None)
    why = registry.unavailable(model) or state.available(model)
    if state.local_only and not model.provider.local:
        why = "local-only mode is on"
    elif not credential:
        why = f"no key for {model.provider.name}"
    return ListedModel(
        **ModelView.of(model, registry.price(model, state.at)).model_dump(),
        speed=profile.speed,
        code=profile.code,
        writing=profile.writing,
        reasoning=profile.reasoning,
        credential=credential,
        state=why or "ready",
    )
