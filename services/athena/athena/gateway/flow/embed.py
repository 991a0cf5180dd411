"""`/v1/embeddings`: the local embedding server's vectors, or a provider's that is named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from athena.errors import InvalidInput
from athena.gateway import errors, wires
from athena.gateway.credentials import credential
from athena.gateway.egress import Exhausted
from athena.gateway.flow.call import Asked, account
from athena.gateway.flow.journal import error_of
from athena.gateway.flow.parts import Parts
from athena.gateway.flow.reply import Reply
from athena.gateway.jsontext import encoded
from athena.gateway.preferences import effective
from athena.gateway.route.errors import BudgetSpent, LocalOnlyNoModel, NoCredential
from athena.gateway.surfaces.headers import downward
from athena.gateway.surfaces.parse import decoded, own_key, own_provider
from athena.gateway.types import Answer, Attempt, Json, Model, Outgoing, Provider, Tokens
from athena.usage.types import Use

_TYPE: Final = ("content-type", "application/json")
# The local embedding server's one model. A provider of its own: it takes no part in the reasoning model's queue.
_PROVIDER, _ID = "embeddings", "local"
# Names that mean a cloud model though no list of prices knows them: vectors of another model mustn't pass for theirs.
_CLOUD: Final = {"text-embedding-": "openai", "gemini-embedding": "google", "embedding-00": "google"}
_LOCAL_HINT: Final = "leave model out for the local embeddings"


async def embed(parts: Parts, asked: Asked) -> Reply:
    """A name that no cloud provider has means the local server. Raises `AthenaError`."""
    body = decoded(asked.raw)
    if not isinstance(body, dict) or not body.get("input"):
        raise InvalidInput("input: a text, or a list of texts, is needed")
    named = body.get("model")
    if named is not None and not isinstance(named, str):
        raise InvalidInput("model: must be a name")
    key = own_key(asked.headers)
    model = _model(parts, named or "local")
    sending = _Sending(asked, body, model, await _credential(parts, asked, model, key))
    project = (await effective(parts.preferences, asked.principal, asked.headers, asked.endpoint.project)).project
    ledger = _Ledger(parts, asked, project, named or "", sending.key)
    made: list[Attempt] = []
    try:
        answer = await parts.egress.send(
            [model], sending.prepare, stream=False, account=account(key), on_attempt=made.append
        )
    except Exhausted as exhausted:
        ledger.write(exhausted.attempts)
        failure = exhausted.first
        if not failure.body:
            raise errors.of(model, failure) from exhausted
        return Reply(failure.status, [("content-type", failure.content_type), *_own_headers(model)], failure.body)
    except BaseException:
        ledger.write(made)
        raise
    ledger.write(answer.attempts)
    return _reply(answer)


def _model(parts: Parts, named: str) -> Model:
    registry = parts.router.registry
    target = registry.resolve(named)
    exact = target.models[0] if target is not None and target.kind == "model" else None
    if exact is None:
        vendor = next((vendor for beginning, vendor in _CLOUD.items() if named.startswith(beginning)), None)
        exact = registry.model(f"{vendor}/{named}") if vendor is not None else None
    if exact is not None and not exact.provider.local:
        if exact.provider.wire == "anthropic":
            raise InvalidInput(f"{exact.name}: Anthropic has no embeddings", hint="leave model out for the local ones")
        return exact
    if exact is not None and exact.provider.dialect == "ollama":
        return exact
    return Model(Provider(_PROVIDER, "openai", f"{parts.embeddings_url}/v1", True, "llama"), _ID)


async def _credential(parts: Parts, asked: Asked, model: Model, key: str | None) -> str | None:
    """None where none is needed. Raises `NoModel`."""
    provider = model.provider
    if provider.local:
        return None
    if await parts.is_closed():
        raise LocalOnlyNoModel(f"local-only mode is on, and {model.name} is not local", hint=_LOCAL_HINT)
    own = own_provider(key, "openai")
    spent = credential(provider, asked.principal, key, own)
    if spent is not None and own == provider.name:
        return spent
    if provider.name not in parts.router.registry.spendable(asked.principal, None):
        raise NoCredential(f"{model.name} needs a key of {provider.name}", hint=_LOCAL_HINT)
    verdict = parts.judge(asked.principal, None)
    if verdict.kind == "stop":
        raise BudgetSpent(verdict.reason, hint=_LOCAL_HINT)
    return spent


@dataclass(frozen=True, slots=True)
class _Sending:
    asked: Asked
    body: dict[str, Json]
    model: Model
    key: str | None

    async def prepare(self, model: Model) -> Outgoing:
        auth = wires.of("openai").auth(self.key) if self.key is not None else ()
        content = encoded({**self.body, "model": model.id}) if self.body.get("model") != model.id else self.asked.raw
        return Outgoing(model, "/embeddings", (_TYPE, *auth), content, False)


def _reply(answer: Answer) -> Reply:
    headers = [_TYPE, *_own_headers(answer.model)]
    if not answer.model.provider.local:
        headers += downward(answer.headers)
    return Reply(answer.status, headers, answer.body or b"")


def _own_headers(model: Model) -> list[tuple[str, str]]:
    return [("x-athena-model", model.name), ("x-athena-route", "local" if model.provider.local else "asked")]


@dataclass(frozen=True, slots=True)
class _Ledger:
    parts: Parts
    asked: Asked
    project: str | None
    named: str
    key: str | None

    def write(self, attempts: Sequence[Attempt]) -> None:
        for place, attempt in enumerate(attempts):
            self.parts.record(self._use(attempt, place, place == len(attempts) - 1))

    def _use(self, attempt: Attempt, place: int, final: bool) -> Use:
        tokens, failure, provider = attempt.tokens, attempt.failure, attempt.model.provider
        known = tokens or Tokens()
        return Use(
            request_id=self.asked.request_id,
            at=datetime.fromtimestamp(attempt.started_at, UTC),
            attempt=place + 1,
            final=final,
            surface="embeddings",
            model=attempt.model.id,
            provider=provider.name,
            local=provider.local,
            status=attempt.status,
            outcome=attempt.outcome or ("error" if failure else "ok"),
            stream=False,
            principal=self.asked.principal,
            project=self.project,
            asked=self.named,
            error=error_of(attempt, self.key),
            tokens_input=known.input if tokens else None,
            tokens_output=0 if tokens else None,
            total_ms=attempt.total_ms,
        )
