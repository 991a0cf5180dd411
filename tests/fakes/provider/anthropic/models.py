"""The Claude models that the fake serves, and what each of them accepts."""

from __future__ import annotations

from dataclasses import dataclass

from tests.fakes.provider.script import Json


@dataclass(frozen=True, slots=True)
class Claude:
    """`thinking`: the accepted values of `thinking.type`; `thinks`: by itself, where the request doesn't say.

    `preserved`: its thinking blocks are bound to everything before them. `cache_from`: the shortest prefix in
    tokens that is cached.
    """

    id: str
    name: str
    created: str
    thinking: frozenset[str]
    context: int = 1_000_000
    output: int = 128_000
    thinks: bool = False
    preserved: bool = False
    sampling: bool = False
    prefill: bool = False
    late_system: bool = True
    cache_from: int = 512

    @property
    def shows_thinking(self) -> bool:
        """Whether thinking text is in the answer when the request doesn't say."""
        return "enabled" in self.thinking

    @property
    def info(self) -> Json:
        def support(value: bool) -> Json:
            return {"supported": value}

        types = {kind: support(kind in self.thinking) for kind in ("adaptive", "between_tools", "disabled", "enabled")}
        efforts = {level: support(True) for level in ("low", "medium", "high", "xhigh", "max")}
        always = ("batch", "citations", "code_execution", "image_input", "pdf_input", "structured_outputs")
        return {
            "type": "model",
            "id": self.id,
            "display_name": self.name,
            "created_at": self.created,
            "lifecycle": "active",
            "line": self.id.split("-")[1],
            "max_input_tokens": self.context,
            "max_tokens": self.output,
            "deprecated_at": None,
            "retires_at": None,
            "capabilities": {
                **{name: support(True) for name in always},
                "context_management": support(True),
                "effort": {"supported": True, **efforts},
                "server_tools": {**support(True), "code_execution": support(True), "web_search": support(True)},
                "thinking": {"supported": True, "types": types},
            },
        }


def _kinds(words: str) -> frozenset[str]:
    return frozenset(words.split())


MODELS = {
    model.id: model
    for model in (
        Claude(
            "claude-opus-5-5",
            "Claude Opus 5.5",
            "2026-10-06T00:00:00Z",
            _kinds("adaptive"),
            thinks=True,
            preserved=True,
        ),
        Claude(
            "claude-sonnet-5-5",
            "Claude Sonnet 5.5",
            "2026-09-22T00:00:00Z",
            _kinds("adaptive between_tools"),
            thinks=True,
            preserved=True,
        ),
        Claude(
            "claude-haiku-5-5",
            "Claude Haiku 5.5",
            "2026-09-22T00:00:00Z",
            _kinds("adaptive between_tools disabled"),
            preserved=True,
        ),
        Claude("claude-sonnet-5", "Claude Sonnet 5", "2026-06-30T00:00:00Z", _kinds("adaptive disabled"), thinks=True),
        Claude("claude-opus-4-8", "Claude Opus 4.8", "2026-05-28T00:00:00Z", _kinds("adaptive disabled")),
        Claude(
            "claude-sonnet-4-6",
            "Claude Sonnet 4.6",
            "2026-02-17T00:00:00Z",
            _kinds("adaptive enabled disabled"),
            sampling=True,
            late_system=False,
            cache_from=1024,
        ),
        Claude(
            "claude-haiku-4-5",
            "Claude Haiku 4.5",
            "2025-10-01T00:00:00Z",
            _kinds("enabled disabled"),
            context=200_000,
            output=64_000,
            sampling=True,
            prefill=True,
            late_system=False,
            cache_from=4096,
        ),
    )
}
# The dated names of the older ones are the same models.
ALIASES = {"claude-haiku-4-5-20251001": "claude-haiku-4-5"}


def find(name: str) -> Claude | None:
    return MODELS.get(ALIASES.get(name, name))
