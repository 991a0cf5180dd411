"""The Anthropic API of late 2026 on a local port, as far as a gateway can tell.

    async with FakeAnthropic() as fake:
        fake.script(Tool("get_weather", {"city": "Paris"}))
        fake.script(Refuse(529), times=2)
        ... base URL: fake.url ...
        assert fake.calls[-1].headers["anthropic-beta"] == "…"
        assert sum(bill.cached for bill in fake.bills) == …

It checks what the real one checks and says so in its words: shapes, roles, which tool call is answered
where, what each model accepts, and thinking blocks that come back after something else than they were
made for. It counts tokens (four bytes each) and keeps a prompt cache, so that what it bills depends on
the exact prefix. `python -m tests.fakes.anthropic_api` runs it for benchmarks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import parse_qs, unquote

from tests.fakes.provider.anthropic import shape
from tests.fakes.provider.anthropic.answer import event, plan, say
from tests.fakes.provider.anthropic.models import MODELS, Claude, find
from tests.fakes.provider.anthropic.prefix import PromptCache, Signer, Unit, units
from tests.fakes.provider.anthropic.threads import Threads
from tests.fakes.provider.deliver import Api
from tests.fakes.provider.fake import Rejected, Seen, as_json, encode, sample
from tests.fakes.provider.http import Reply
from tests.fakes.provider.main import serve
from tests.fakes.provider.script import Fail, Json, Refuse, Step, Text, Tool, newest_text

_LARGEST = 32 * 1024 * 1024
STATUS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "conflict_error": 409,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}
_KIND = {status: kind for kind, status in STATUS.items()}
_MESSAGES = {
    401: "invalid x-api-key",
    402: "Your credit balance is too low to access the Anthropic API.",
    403: "Your API key does not have permission to use the specified resource.",
    404: "The requested resource could not be found.",
    413: "Request exceeds the maximum size",
    429: "This request would exceed your organization's rate limit of 50 requests per minute.",
    500: "Internal server error",
    504: "The request timed out while processing.",
    529: "Overloaded",
}
_SPENT = "Your organization has reached its monthly API usage limit."


class FakeAnthropic(Api):
    answers_at = "/v1/messages"

    def __init__(self, *, keys: set[str] | None = None, keep: int = 2000) -> None:
        super().__init__(keys=keys, keep=keep)
        self._cache = PromptCache()
        self._signer = Signer(b"of this fake alone")
        self.threads = Threads()

    async def route(self, seen: Seen, reply: Reply) -> None:
        path = seen.path
        if seen.method == "HEAD" and path == "/":
            self.send(seen, reply, b"")
            return
        self._authorize(seen)
        if len(seen.raw) > _LARGEST:
            raise Rejected(413, "request_too_large", _MESSAGES[413])
        match seen.method, path:
            case "POST", "/v1/messages":
                await self._message(seen, reply)
            case "POST", "/v1/messages/count_tokens":
                body, model = self._checked(seen, counting=True)
                self.send(seen, reply, encode({"input_tokens": self._size(units(body), model)}))
            case "GET", "/v1/models":
                self.send(seen, reply, encode(_page(parse_qs(seen.query))))
            case "GET", _ if path.startswith("/v1/models/"):
                if (one := find(unquote(path.removeprefix("/v1/models/")))) is None:
                    raise Rejected(404, "not_found_error", f"model: {path.removeprefix('/v1/models/')}")
                self.send(seen, reply, encode(one.info))
            case _:
                raise Rejected(404, "not_found_error", "Not found")

    def _authorize(self, seen: Seen) -> None:
        if not seen.key:
            raise Rejected(401, "authentication_error", "x-api-key header is required")
        if self.keys is not None and seen.key not in self.keys:
            bearer = "x-api-key" not in seen.headers
            raise Rejected(401, "authentication_error", "Invalid bearer token" if bearer else _MESSAGES[401])
        if "anthropic-version" not in seen.headers:
            raise Rejected(400, "invalid_request_error", "anthropic-version: header is required")

    def _checked(self, seen: Seen, *, counting: bool = False) -> tuple[Json, Claude]:
        """The body, whole if the client sent only what is new in it, and the model."""
        if not isinstance(seen.body, dict):
            raise Rejected(400, "invalid_request_error", "The request body is not a JSON object")
        betas = seen.headers.get("anthropic-beta", "")
        body = self.threads.whole(seen.body, betas)
        model = find(str(body.get("model", "")))
        # Shapes are looked at first, for a model that isn't known with the rules of the newest.
        shape.check(body, model or MODELS["claude-opus-5-5"], betas, counting=counting)
        if model is None:
            raise Rejected(404, "not_found_error", f"model: {body['model']}")
        return body, model

    def _size(self, prompt: Sequence[Unit], model: Claude) -> int:
        total = 3 + sum(unit.tokens for unit in prompt)
        window = self.windows.get(model.id, model.context)
        if total > window:
            raise Rejected(400, "invalid_request_error", f"prompt is too long: {total} tokens > {window} maximum")
        return total

    async def _message(self, seen: Seen, reply: Reply) -> None:
        body, model = self._checked(seen)
        before = units(body)
        shape.check_marks(before, body)
        dropped = self._signer.check(before, body, model)
        self._size(before, model)
        steps = self.steps_for(body, _echo)
        if await self.refused(steps, seen, reply):
            return
        prompt = self._cache.bill(before, body, model, self.clock(), seen.key)
        saying = say(plan(steps, body, model), body, before, model, prompt, self._signer, self.new_id)
        saying.dropped = dropped
        if await self.deliver(seen, reply, saying):
            self.threads.keep(saying.id, body, seen.body, saying.content())

    def headers(self) -> dict[str, str]:
        reset = datetime.fromtimestamp(self.clock() + 60, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        limits = {"requests": 4000, "tokens": 2_400_000, "input-tokens": 2_000_000, "output-tokens": 400_000}
        headers = {"content-type": "application/json", "request-id": self.new_id("req_01")}
        headers["anthropic-organization-id"] = "5f0e0d9c-0000-4000-8000-00000000fa4e"
        for name, limit in limits.items():
            headers[f"anthropic-ratelimit-{name}-limit"] = str(limit)
            headers[f"anthropic-ratelimit-{name}-remaining"] = str(limit - 1)
            headers[f"anthropic-ratelimit-{name}-reset"] = reset
        return headers

    def shaped(self, step: Refuse) -> Rejected:
        """The API's own error of that status."""
        kind = _KIND.get(step.status, "api_error" if step.status >= 500 else "invalid_request_error")
        if step.status == 429 and step.retry_after is None:
            details = {"error_code": "enforced_spend_limit_reached"}
            return Rejected(429, kind, step.message or _SPENT, details=details)
        message = step.message or _MESSAGES.get(step.status, "Bad request")
        return Rejected(step.status, kind, message, retry_after=step.retry_after)

    def failed(self, step: Fail) -> Rejected:
        return Rejected(STATUS.get(step.kind, 500), step.kind, step.message)

    def error_event(self, problem: Rejected) -> bytes:
        return event("error", error={"type": problem.kind, "message": problem.message})

    def refusal(self, problem: Rejected, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        headers = self.headers()
        error = {"type": problem.kind, "message": problem.message}
        if "details" in problem.more:
            error["details"] = problem.more["details"]
        if problem.more.get("retry_after") is not None:
            headers["retry-after"] = str(problem.more["retry_after"])
        body = {"type": "error", "error": error, "request_id": headers["request-id"]}
        return problem.status, headers, encode(body)


def _echo(body: Json) -> Sequence[Step]:
    """What a model says that nobody told what to say: what was asked for by form, else an echo."""
    choice = body.get("tool_choice") or {}
    tools = {tool["name"]: tool for tool in body.get("tools") or []}
    if choice.get("type") in ("any", "tool"):
        tool = tools[choice.get("name") or next(iter(tools))]
        return [Tool(tool["name"], sample(tool.get("input_schema", {})))]
    form = (body.get("output_config") or {}).get("format")
    if form:
        return [Text(as_json(sample(form["schema"])))]
    return [Text(f"Echo: {newest_text(body)[:200] or 'done'}")]


def _page(query: Mapping[str, list[str]]) -> Json:
    limit = int(query.get("limit", ["20"])[0])
    if not 1 <= limit <= 1000:
        raise Rejected(400, "invalid_request_error", "limit: Input should be between 1 and 1000")
    ids = list(MODELS)
    start = ids.index(query["after_id"][0]) + 1 if query.get("after_id", [""])[0] in MODELS else 0
    chosen = ids[start : start + limit]
    return {
        "data": [MODELS[id].info for id in chosen],
        "has_more": start + limit < len(ids),
        "first_id": chosen[0] if chosen else None,
        "last_id": chosen[-1] if chosen else None,
    }


if __name__ == "__main__":
    serve(FakeAnthropic())
