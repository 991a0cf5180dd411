"""What keys and projects want done to their requests."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, Field

from athena.api.schemas.fields import Flag, Name, whole
from athena.api.schemas.memories import Body
from athena.store.preferences import LEAST_MEMORY_TOKENS, MOST_MEMORY_TOKENS, Choices

_Tokens = Annotated[int, Field(ge=LEAST_MEMORY_TOKENS, le=MOST_MEMORY_TOKENS), BeforeValidator(whole)]


class ProjectChanges(Body):
    """Only what is given changes; null takes a choice back."""

    compress: Flag | None = Field(None, description="Shorten what is long before it is first sent. Unset: yes.")
    memory: Flag | None = Field(None, description="Recall beside what a person says. Unset: yes.")
    memory_tokens: _Tokens | None = Field(None, description="At most so much recalled text per turn. Unset: 800.")
    capture: Flag | None = Field(
        None, description="Remember what is said. Unset: no. A no of the key or of the project wins over a yes."
    )

    def changes(self) -> dict[str, Any]:
        return self.model_dump(exclude_unset=True)


class KeyChanges(ProjectChanges):
    """Only what is given changes; null takes a choice back."""

    project: Name | None = Field(
        None, description="Where its requests belong when neither URL nor header names a project."
    )


class ProjectChoices(BaseModel):
    """What a project wants; null: not said."""

    project: str
    compress: bool | None
    memory: bool | None
    memory_tokens: int | None
    capture: bool | None

    @classmethod
    def of(cls, name: str, chosen: Choices) -> Self:
        return cls(
            project=name,
            compress=chosen.compress,
            memory=chosen.memory,
            memory_tokens=chosen.memory_tokens,
            capture=chosen.capture,
        )


class KeyChoices(BaseModel):
    """What a key wants; null: not said."""

    key: str
    project: str | None
    compress: bool | None
    memory: bool | None
    memory_tokens: int | None
    capture: bool | None

    @classmethod
    def of(cls, name: str, chosen: Choices) -> Self:
        return cls(
            key=name,
            project=chosen.project,
            compress=chosen.compress,
            memory=chosen.memory,
            memory_tokens=chosen.memory_tokens,
            capture=chosen.capture,
        )


class PreferenceList(BaseModel):
    """Those who said anything. A key sees itself and all projects."""

    keys: list[KeyChoices]
    projects: list[ProjectChoices]
