"""The tool that thinks on the local model."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, Field, StringConstraints

from athena.api.deps import Call
from athena.api.schemas.fields import MAX_METADATA_DEPTH, MaxTokens, Metadata, Text
from athena.api.schemas.memories import Body
from athena.api.tools.tool import Tool

MAX_PROMPT = 400_000


class Reason(Body):
    """A prompt for the local reasoning model."""

    prompt: Annotated[Text, StringConstraints(min_length=1, max_length=MAX_PROMPT)]
    system: Annotated[Text, StringConstraints(max_length=MAX_PROMPT)] | None = Field(
        None, description="Who the model is to be."
    )
    max_tokens: MaxTokens = 512
    json_schema: Metadata | None = Field(
        None, description=f"The answer then is JSON that fits it. Nested at most {MAX_METADATA_DEPTH} deep."
    )


class Reasoned(BaseModel):
    """`data` is the answer as JSON, where a schema was asked for; `tokens_per_second` counts the answer's."""

    text: str
    data: Any = None
    model: str
    tokens_in: int
    tokens_out: int
    tokens_per_second: float
    finish_reason: str


async def _reason(call: Call, arguments: Reason) -> Reasoned:
    answer = await call.athena.client.reason(
        arguments.prompt, arguments.system, arguments.max_tokens, json_schema=arguments.json_schema
    )
    call.spent("reasoning", answer.latency_ms)
    call.metrics.operation("reason")
    return Reasoned(
        text=answer.text,
        data=answer.data,
        model=answer.model,
        tokens_in=answer.tokens_in,
        tokens_out=answer.tokens_out,
        tokens_per_second=answer.tokens_per_second,
        finish_reason=answer.finish_reason,
    )


REASON = Tool(
    "reason",
    "Ask the local reasoning model. Nothing leaves this machine.",
    Reason,
    Reasoned,
    _reason,
    {"prompt": "Answer in one word: what colour is the sky on a clear day?", "max_tokens": 16},
)
