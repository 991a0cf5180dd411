"""Anthropic's surface in front of a provider of the OpenAI wire. What is carried, and what isn't: README.md."""

from athena.gateway.translate.to_openai.answer import answer
from athena.gateway.translate.to_openai.error import error
from athena.gateway.translate.to_openai.request import ignored, request
from athena.gateway.translate.to_openai.stream import Stream

__all__ = ["Stream", "answer", "error", "ignored", "request"]
