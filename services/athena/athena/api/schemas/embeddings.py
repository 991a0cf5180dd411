"""Bodies and answers about embedding generations."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, Field, StringConstraints

from athena.api.schemas.answers import GenerationView
from athena.api.schemas.fields import Dimension, Name, Text
from athena.api.schemas.memories import Body

Prefix = Annotated[Text, StringConstraints(max_length=256)]
ServerUrl = Annotated[Text, StringConstraints(max_length=2_048, pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$")]


class Migrate(Body):
    """Which embedding server to change to. What isn't given is read from the server."""

    url: ServerUrl | None = Field(None, description="The new embedding server; unset: the configured one.")
    model: Name | None = None
    dim: Dimension | None = Field(
        None, description="Fewer dimensions than the model has, where it was trained for that (Matryoshka)."
    )
    prefix_document: Prefix | None = None
    prefix_query: Prefix | None = None


class Move(Body):
    """Where the model of a generation is served from now on."""

    url: ServerUrl | None = Field(description="An embedding server with the same model; null: the configured one.")


class Generations(BaseModel):
    generations: list[GenerationView] = Field(description="Newest first.")
