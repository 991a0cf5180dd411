"""The OpenAI surface in front of a provider of Anthropic's wire. What becomes of each field: README.md."""

from athena.gateway.translate.to_anthropic.answer import answer, error
from athena.gateway.translate.to_anthropic.request import Wants, ignored, request
from athena.gateway.translate.to_anthropic.stream import Stream

__all__ = ["Stream", "Wants", "answer", "error", "ignored", "request"]
