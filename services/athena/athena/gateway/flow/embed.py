"""`/v1/embeddings`: the local embedding server's vectors, or a provider's that is named."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import msgspec

from athena.errors import InvalidInput
from athena.gateway import errors, wires
from athena.gateway.egress import Exhausted
from athena.gateway.flow.call import Asked
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.reply import Reply
from athena.gateway.preferences import effective
from athena.gateway.route.errors import LocalOnlyNoModel, NoCredential
from athena.gateway.surfaces.headers import downward
from athena.gateway.surfaces.parse import decoded, own_key, own_provider
from athena.gateway.types import Answer, Attempt, Json, Model, Outgoing, Provider, Tokens
from athena.usage.types import Use

_TYPE: Final = ("content-type", "application/json")
_LOCAL_ID: Final = "embedding"


async def embed(parts: Parts, asked: Asked) -> Reply:
    """A name that no cloud provider has means the local server, which has one model. Raises `AthenaError`."""
    body = decoded(asked.raw)
    if not isinstance(body, dict) or not body.get("input"):
        raise InvalidInput("input: a text, or a list of texts, is needed")
    named = body.get("model")
    if named is not None and not isinstance(named, str):
        raise InvalidInput("model: must be a name")
    key = own_key(asked.headers)
    model = _model(parts, named or "local")
    sending = _Sending(asked, body, model, _credential(parts, asked, model, key))
    project = (await effective(parts.preferences, asked.principal, asked.headers, asked.endpoint.project)).project
    try:
        answer = await parts.egress.send([model], sending.prepare, stream=False)
    except Exhausted as exhausted:
        _record(parts, asked, exhausted.attempts, project, body)
        failure = exhausted.first
        if not failure.body:
            raise errors.of(model, failure) from exhausted
        return Reply(failure.status, [("content-type", failure.content_type)], failure.body)
    _record(parts, asked, answer.attempts, project, body)
    return _reply(answer)


def _model(parts: Parts, named: str) -> Model:
    target = parts.router.registry.resolve(named)
    exact = target.models[0] if target is not None and target.kind == "model" else None
    if exact is not None and not exact.provider.local:
        if exact.provider.wire == "anthropic":
            raise InvalidInput(f"{exact.name}: Anthropic has no embeddings", hint="leave model out for the local ones")
        return exact
    if exact is not None and exact.provider.dialect == "ollama":
        return exact
    return Model(Provider("local", "openai", f"{parts.embeddings_url}/v1", True, "llama"), _LOCAL_ID)


def _credential(parts: Parts, asked: Asked, model: Model, key: str | None) -> str | None:
    provider = model.provider
    if provider.local:
        return None
    if parts.local_only.closed() is not None:
        raise LocalOnlyNoModel(
            f"local-only mode is on, and {model.name} is not local", hint="leave model out for the local embeddings"
        )
    if key is not None and own_provider(key, "openai") == provider.name:
        return key
    if provider.name not in parts.router.registry.spendable(asked.principal, None):
        raise NoCredential(
            f"{model.name} needs a key of {provider.name}", hint="leave model out for the local embeddings"
        )
    return provider.key.get_secret_value() if provider.key is not None else None


@dataclass(frozen=True, slots=True)
class _Sending:
    asked: Asked
    body: dict[str, Json]
    model: Model
    key: str | None

    async def prepare(self, model: Model) -> Outgoing:
        auth = wires.of("openai").auth(self.key) if self.key is not None else ()
        content = _encoded({**self.body, "model": model.id}) if self.body.get("model") != model.id else self.asked.raw
        return Outgoing(model, "/embeddings", (_TYPE, *auth), content, False)


def _reply(answer: Answer) -> Reply:
    headers = [_TYPE, ("x-athena-model", answer.model.name)]
    if not answer.model.provider.local:
        headers += downward(answer.headers)
    return Reply(answer.status, headers, answer.body or b"")


def _record(parts: Parts, asked: Asked, attempts: list[Attempt], project: str | None, body: dict[str, Json]) -> None:
    for place, attempt in enumerate(attempts):
        tokens = attempt.tokens
        known = tokens or Tokens()
        parts.record(
            Use(
                request_id=asked.request_id,
                at=datetime.fromtimestamp(attempt.started_at, UTC),
                attempt=place + 1,
                final=place == len(attempts) - 1,
                surface="embeddings",
                model=attempt.model.id,
                provider=attempt.model.provider.name,
                local=attempt.model.provider.local,
                status=attempt.status,
                outcome="error" if attempt.failure else "ok",
                stream=False,
                principal=asked.principal,
                project=project,
                asked=str(body.get("model") or ""),
                error=f"{attempt.failure.kind}: {attempt.failure.message}"[:500] if attempt.failure else None,
                tokens_input=known.input if tokens else None,
                tokens_output=0 if tokens else None,
                total_ms=attempt.total_ms,
            )
        )


def _encoded(body: dict[str, Json]) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:
        return json.dumps(body).encode()
