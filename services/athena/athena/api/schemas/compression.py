"""What is asked of the compression, and what it answers."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints

from athena.api.schemas.fields import Flag, Name, Text, number, whole
from athena.api.schemas.memories import Body
from athena.compression import Compressed
from athena.memory.types import DEFAULT_PROJECT

MAX_CONTEXT = 4_000_000
MAX_INSTRUCTION = 100_000


class Compress(Body):
    """A text, what it is needed for, and how much of it may stay."""

    context: Annotated[Text, StringConstraints(max_length=MAX_CONTEXT)] = Field(description="The text to shorten.")
    instruction: Annotated[Text, StringConstraints(max_length=MAX_INSTRUCTION)] = Field(
        "", description="What the text is needed for: a question or a task. It decides what stays; it isn't shortened."
    )
    compression_ratio: Annotated[float, Field(gt=0, le=1), BeforeValidator(number)] = Field(
        0.5, description="Share of tokens to keep."
    )
    target_tokens: Annotated[int, Field(ge=1, le=10_000_000), BeforeValidator(whole)] | None = Field(
        None, description="Tokens to keep; wins over compression_ratio."
    )
    budget_ms: Annotated[float, Field(ge=0, le=120_000), BeforeValidator(number)] = Field(
        2_000, description="How long to wait for models. 0: by words and structure alone, in milliseconds."
    )
    lossless_only: Flag = Field(False, description="Only what loses nothing: JSON white space, blank lines.")
    project: Name = Field(DEFAULT_PROJECT, description="Where the originals of what is left out are kept.")


class CompressedView(BaseModel):
    """`compressed_prompt` holds marks like `[… id=9f3a2c1b]` for what was left out; GET /api/v1/compression/{id}
    gives it back. Token counts are estimates."""

    compressed_prompt: str
    original_tokens: int
    compressed_tokens: int
    compression_ratio: float = Field(description="Share of tokens kept.")
    engines: list[str] = Field(description="What did the work, in order; empty: nothing had to be done, or could be.")
    reached: bool = Field(description="Whether the target was kept to.")
    floor_tokens: int = Field(description="What must stay needs this many.")
    elisions: list[str] = Field(description="Ids of what was left out.")
    degraded: list[str] = Field(description="What was wanted and couldn't be had.")

    @classmethod
    def of(cls, done: Compressed, degraded: list[str]) -> Self:
        return cls(
            compressed_prompt=done.text,
            original_tokens=done.original_tokens,
            compressed_tokens=done.compressed_tokens,
            compression_ratio=round(done.compressed_tokens / max(done.original_tokens, 1), 4),
            engines=list(done.engines),
            reached=done.reached,
            floor_tokens=done.floor_tokens,
            elisions=[elision.id for elision in done.elisions],
            degraded=[*done.degraded, *degraded],
        )


class Original(BaseModel):
    id: str
    text: str


class OneElision(Body):
    """What a mark stands for."""

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8,64}$")]
    project: Name = DEFAULT_PROJECT
