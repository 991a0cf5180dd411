"""APIs of OpenAI's kind on a local port: OpenAI's own, Google's compatible one, Ollama, and a server like many.

    async with FakeOpenAI("google") as fake:
        fake.script(Tool("get_weather", {"city": "Paris"}))
        ... base URL: fake.base_url ...

What differs between them is what gateways stumble over: Google signs tool calls and wants the signature
back, sends errors as a list and usage without being asked; Ollama takes any key, images as data alone and
tells of its models under `/api`; OpenAI's reasoning models refuse `max_tokens`, and tool-call ids end at 40
characters. Scripts are those of the Anthropic fake. `python -m tests.fakes.openai_api` runs OpenAI's face.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping, Sequence
from urllib.parse import unquote

from tests.fakes.provider.deliver import Api
from tests.fakes.provider.fake import Rejected, Seen, as_json, encode, sample
from tests.fakes.provider.http import Reply
from tests.fakes.provider.main import serve
from tests.fakes.provider.openai import shape
from tests.fakes.provider.openai.answer import PromptCache, Signer, plan, say
from tests.fakes.provider.openai.shape import EMBEDDERS, MODELS, Chat, Dialect
from tests.fakes.provider.script import Fail, Json, Refuse, Step, Text, Tool, newest_text
from tests.fakes.provider.tokens import tokens_of

_PREFIX: Mapping[Dialect, str] = {"google": "/v1beta/openai"}
# status → OpenAI's type and code, Google's status, message
_ERRORS: Mapping[int, tuple[str, str | None, str, str]] = {
    400: ("invalid_request_error", None, "INVALID_ARGUMENT", "Invalid request."),
    401: ("invalid_request_error", "invalid_api_key", "UNAUTHENTICATED", "Incorrect API key provided."),
    402: ("insufficient_quota", "billing_hard_limit_reached", "RESOURCE_EXHAUSTED", "Your credit balance is depleted."),
    403: ("invalid_request_error", "unsupported_country", "PERMISSION_DENIED", "Permission denied."),
    404: ("invalid_request_error", "model_not_found", "NOT_FOUND", "The model does not exist."),
    429: ("requests", "rate_limit_exceeded", "RESOURCE_EXHAUSTED", "Rate limit reached for requests per minute."),
    500: ("server_error", None, "INTERNAL", "The server had an error while processing your request."),
    503: ("server_error", "slow_down", "UNAVAILABLE", "The model is overloaded. Please try again later."),
}
_SPENT = "You exceeded your current quota, please check your plan and billing details."


class FakeOpenAI(Api):
    answers_at = "/chat/completions"

    def __init__(self, dialect: Dialect = "openai", *, keys: set[str] | None = None, keep: int = 2000) -> None:
        super().__init__(keys=keys, keep=keep)
        self.dialect = dialect
        self.models = {model.id: model for model in MODELS[dialect]}
        self._cache = PromptCache()
        self._signer = Signer(b"of this fake alone")

    @property
    def base_url(self) -> str:
        """What comes before `/chat/completions`."""
        return self.url + _PREFIX.get(self.dialect, "/v1")

    async def route(self, seen: Seen, reply: Reply) -> None:
        prefix = _PREFIX.get(self.dialect, "/v1")
        if self.dialect == "ollama" and not seen.path.startswith(prefix):
            self.send(seen, reply, encode(self._ollama(seen)))
            return
        self._authorize(seen)
        embedder = EMBEDDERS[self.dialect]
        match seen.method, seen.path.removeprefix(prefix):
            case "POST", "/chat/completions":
                await self._chat(seen, reply)
            case "POST", "/embeddings":
                self.send(seen, reply, encode(self._embeddings(seen.body)))
            case "GET", "/models":
                listed = [self._info(name) for name in (*self.models, embedder)]
                self.send(seen, reply, encode({"object": "list", "data": listed}))
            case "GET", path if path.startswith("/models/"):
                name = unquote(path.removeprefix("/models/"))
                self.send(seen, reply, encode(self._info(name if name == embedder else self._model(name).id)))
            case _:
                message = f"Invalid URL ({seen.method} {seen.path})"
                raise Rejected(404, "invalid_request_error", message, code=None)

    def _authorize(self, seen: Seen) -> None:
        if self.dialect == "ollama":
            return
        if not seen.key:
            raise Rejected(401, "invalid_request_error", "You didn't provide an API key.", code=None)
        if self.keys is not None and seen.key not in self.keys:
            if self.dialect == "google":
                raise Rejected(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
            message = f"Incorrect API key provided: {seen.key[:3]}***."
            raise Rejected(401, "invalid_request_error", message, code="invalid_api_key")

    def _model(self, name: str) -> Chat:
        model = self.models.get(name.removeprefix("models/") if self.dialect == "google" else name)
        if model is None:
            ollama = f"model '{name}' not found"
            message = ollama if self.dialect == "ollama" else f"The model `{name}` does not exist."
            kind = "not_found_error" if self.dialect == "ollama" else "invalid_request_error"
            raise Rejected(404, kind, message, code="model_not_found")
        return model

    async def _chat(self, seen: Seen, reply: Reply) -> None:
        body = seen.body
        if not isinstance(body, dict) or not isinstance(body.get("model"), str):
            raise Rejected(400, "invalid_request_error", "you must provide a model parameter")
        model = self._model(body["model"])
        shape.check(body, self.dialect, model)
        if self.dialect == "google":
            self._signer.check(body["messages"])
        steps = self.steps_for(body, _echo)
        if await self.refused(steps, seen, reply):
            return
        total, cached = self._cache.bill(body, model, seen.key)
        if total > (window := self.windows.get(model.id, model.context)):
            message = (
                f"This model's maximum context length is {window} tokens. However, your messages resulted in {total}"
            )
            raise Rejected(400, "invalid_request_error", f"{message} tokens.", code="context_length_exceeded")
        planned = plan(steps, body, self.dialect)
        saying = say(planned, body, self.dialect, (total, cached), int(self.clock()), self._signer, self.new_id)
        await self.deliver(seen, reply, saying)

    def _embeddings(self, body: Json) -> Json:
        if body.get("model") != EMBEDDERS[self.dialect]:
            self._model(str(body.get("model")))
        texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
        data: list[Json] = []
        for index, text in enumerate(texts):
            vector = _vector(str(text), body.get("dimensions") or 256)
            packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
            embedding = packed if body.get("encoding_format") == "base64" else vector
            data.append({"object": "embedding", "index": index, "embedding": embedding})
        used = sum(tokens_of(str(text)) for text in texts)
        usage = {"prompt_tokens": used, "total_tokens": used}
        return {"object": "list", "data": data, "model": body["model"], "usage": usage}

    def _info(self, name: str) -> Json:
        shown = f"models/{name}" if self.dialect == "google" else name
        owner = {"google": "google", "ollama": "library"}.get(self.dialect, "system")
        return {"id": shown, "object": "model", "created": 1760000000, "owned_by": owner}

    def _ollama(self, seen: Seen) -> Json:
        """Ollama's own API: what it holds, and what a model can do."""
        match seen.method, seen.path:
            case "GET", "/api/version":
                return {"version": "0.30.1"}
            case "GET", "/api/tags":
                return {"models": [_tag(model) for model in self.models.values()]}
            case "GET", "/api/ps":
                asked = {bill.model for bill in self.bills}
                loaded = [model for model in self.models.values() if model.id in asked and not model.cloud]
                window = {model.id: model.num_ctx or 4096 for model in loaded}
                return {"models": [_tag(model) | {"context_length": window[model.id]} for model in loaded]}
            case "POST", "/api/show":
                model = self._model(seen.body.get("model") or seen.body.get("name"))
                info = {"general.architecture": "llama", "llama.context_length": model.context}
                shown = {"details": _tag(model)["details"], "model_info": info, "capabilities": ["completion", "tools"]}
                return shown | ({"parameters": f"num_ctx    {model.num_ctx}"} if model.num_ctx else {})
        raise Rejected(404, "not_found_error", "404 page not found")

    def headers(self) -> dict[str, str]:
        headers = {"content-type": "application/json"}
        if self.dialect == "openai":
            headers |= {
                "x-request-id": self.new_id("req_"),
                "openai-version": "2020-10-01",
                "openai-processing-ms": "12",
                "x-ratelimit-limit-requests": "10000",
                "x-ratelimit-remaining-requests": "9999",
                "x-ratelimit-reset-requests": "6ms",
            }
        return headers

    def shaped(self, step: Refuse) -> Rejected:
        kind, code, status, message = _ERRORS.get(step.status, _ERRORS[500 if step.status >= 500 else 400])
        if step.status == 429 and step.retry_after is None:
            kind, code, message = "insufficient_quota", "credit_balance_exhausted", _SPENT
        kind = status if self.dialect == "google" else kind
        return Rejected(step.status, kind, step.message or message, code=code, retry_after=step.retry_after)

    def failed(self, step: Fail) -> Rejected:
        return self.shaped(Refuse(503 if step.kind == "overloaded_error" else 500))

    def error_event(self, problem: Rejected) -> bytes:
        return b"data: %b\n\n" % encode({"error": self._error(problem)})

    def refusal(self, problem: Rejected, seen: Seen) -> tuple[int, dict[str, str], bytes]:
        error: Json = {"error": self._error(problem)}
        headers = self.headers()
        if problem.more.get("retry_after") is not None and self.dialect != "google":
            headers["retry-after"] = str(problem.more["retry_after"])
        return problem.status, headers, encode([error] if self.dialect == "google" else error)

    def _error(self, problem: Rejected) -> Json:
        if self.dialect != "google":
            more = {"param": problem.more.get("param"), "code": problem.more.get("code")}
            return {"message": problem.message, "type": problem.kind, **more}
        default = _ERRORS.get(problem.status, _ERRORS[500])[2]
        status = problem.kind if problem.kind.isupper() else default
        error: Json = {"code": problem.status, "message": problem.message, "status": status}
        if problem.more.get("retry_after") is not None:
            kind = "type.googleapis.com/google.rpc.RetryInfo"
            error["details"] = [{"@type": kind, "retryDelay": f"{problem.more['retry_after']}s"}]
        return error


def _tag(model: Chat) -> Json:
    details = {"parent_model": "", "format": "gguf", "family": "llama", "families": ["llama"]}
    details |= {"parameter_size": "8.0B", "quantization_level": "Q4_K_M"}
    tag = {"name": model.id, "model": model.id, "modified_at": "2026-10-01T12:00:00Z", "size": 4_661_230_766}
    tag |= {"digest": hashlib.sha256(model.id.encode()).hexdigest(), "details": details}
    if model.cloud:
        tag |= {"remote_model": model.id.removesuffix("-cloud"), "remote_host": "https://ollama.com:443", "size": 384}
    return tag


def _vector(text: str, dimensions: int) -> list[float]:
    """The same for the same text, of length about one."""
    stream = hashlib.shake_128(text.encode()).digest(dimensions)
    return [(byte - 127.5) / 127.5 / dimensions**0.5 for byte in stream]


def _echo(body: Json) -> Sequence[Step]:
    """What a model says that nobody told what to say: what was asked for by form, else an echo."""
    choice = body.get("tool_choice")
    tools = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or []}
    if choice == "required" or isinstance(choice, dict):
        name = choice["function"]["name"] if isinstance(choice, dict) else next(iter(tools))
        return [Tool(name, sample(tools[name].get("parameters", {})))]
    form = body.get("response_format") or {}
    if form.get("type") == "json_schema":
        return [Text(as_json(sample(form["json_schema"].get("schema", {}))))]
    if form.get("type") == "json_object":
        return [Text('{"answer": "a word"}')]
    return [Text(f"Echo: {newest_text(body)[:200] or 'done'}")]


if __name__ == "__main__":
    serve(FakeOpenAI())
