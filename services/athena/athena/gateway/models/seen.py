"""What a model server on a machine of the user's own says of itself."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from athena.core.embedding import short_name
from athena.core.transport import ModelServer
from athena.errors import AthenaError, ModelServerError, ModelServerUnavailable
from athena.gateway.models.known import Profile
from athena.gateway.models.names import is_ollama_cloud

# Ollama gives a model this many tokens on a machine with less than 24 GB of VRAM, unless it was told otherwise, and
# cuts off the beginning of what is longer without a word.
OLLAMA_CONTEXT = 4_096


@dataclass(frozen=True, slots=True)
class Seen:
    """One model that a server has. `elsewhere`: the server would send prompts on to the cloud."""

    id: str
    profile: Profile = field(default_factory=Profile)
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class ServerSeen:
    """`why`: what went wrong, for people. `models` is empty unless the server is up."""

    state: Literal["unasked", "up", "down"] = "unasked"
    why: str = "it wasn't asked yet"
    models: tuple[Seen, ...] = ()


async def llama(server: ModelServer) -> ServerSeen:
    """A llama-server: `/v1/models` and `/props`. One with a single model answers to any name."""
    try:
        listed = _entries(await server.get("/v1/models"), "data")
        props = await server.get("/props") if len(listed) == 1 else {}
    except AthenaError as exc:
        return ServerSeen("down", exc.message)
    return ServerSeen("up", "", tuple(_llama_model(each, props if isinstance(props, dict) else {}) for each in listed))


def _llama_model(entry: dict[str, Any], props: dict[str, Any]) -> Seen:
    slot = _dict(props.get("default_generation_settings")).get("n_ctx")
    window = slot if _positive(slot) else _dict(entry.get("meta")).get("n_ctx")
    modalities = _dict(props.get("modalities")).get("vision")
    inputs = _dict(entry.get("architecture")).get("input_modalities")
    template = _dict(props.get("chat_template_caps"))
    return Seen(
        short_name(entry.get("id")),
        Profile(
            context=window if _positive(window) else None,
            vision=modalities if isinstance(modalities, bool) else "image" in inputs if inputs else None,
            # A template that has no place for tools leaves them out without a word.
            tools=template.get("supports_tools"),
        ),
    )


async def ollama(server: ModelServer) -> ServerSeen:
    """Ollama: `/api/tags`, `/api/ps` for the windows of what is loaded, `/api/show` for each model."""
    try:
        tags = _entries(await server.get("/api/tags"), "models")
        loaded = _entries(await server.get("/api/ps"), "models")
        windows = {str(each.get("name")): each.get("context_length") for each in loaded}
        found = [await _ollama_model(server, each, windows) for each in tags]
    except ModelServerUnavailable:
        return ServerSeen("down", f"Ollama doesn't answer at {server.shown_url}")
    except AthenaError as exc:
        return ServerSeen("down", f"Ollama at {server.shown_url} can't be used: {exc.message}")
    return ServerSeen("up", "", tuple(found))


async def _ollama_model(server: ModelServer, tag: dict[str, Any], windows: dict[str, Any]) -> Seen:
    id = str(tag.get("name") or tag.get("model") or "")
    try:
        shown = _dict(await server.post("/api/show", {"model": id}))
    except ModelServerError:
        # It was removed since, or its files are damaged: listed, and nothing is known of it.
        shown = {}
    # A copy of a cloud model may be called anything: what it stands for is said beside it.
    elsewhere = is_ollama_cloud(id) or any(_dict(each).get("remote_host") for each in (tag, shown))
    can = shown.get("capabilities")
    able = set(can) if isinstance(can, list) else None
    stated = _parameter(shown.get("parameters"), "num_ctx")
    window = stated or (windows.get(id) if _positive(windows.get(id)) else None)
    if window is None:
        window = _trained(shown) if elsewhere else OLLAMA_CONTEXT
    return Seen(
        id,
        Profile(
            context=window,
            vision=None if able is None else "vision" in able,
            tools=None if able is None else "tools" in able,
            thinking=None if able is None else "thinking" in able,
        ),
        elsewhere,
    )


def _parameter(text: Any, name: str) -> int | None:
    """Out of the lines of a Modelfile's parameters: a name, white space, a value."""
    for line in str(text or "").splitlines():
        key, _, value = line.strip().partition(" ")
        if key == name and value.strip().isdigit():
            return int(value)
    return None


def _trained(shown: dict[str, Any]) -> int | None:
    for key, value in _dict(shown.get("model_info")).items():
        if key.endswith(".context_length") and _positive(value):
            return int(value)
    return None


def _entries(answer: Any, key: str) -> list[dict[str, Any]]:
    found = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise ModelServerError("the model server didn't answer with a list of models", source="reasoning")
    return [each for each in found if isinstance(each, dict)]


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _positive(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
