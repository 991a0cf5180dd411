"""What a tool is: a verb with a JSON schema on both sides, for agents that choose their own calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, Field

from athena.api.deps import Call

Arguments = TypeVar("Arguments", bound=BaseModel)
Result = TypeVar("Result", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tool(Generic[Arguments, Result]):
    """`example` is one set of arguments that works as written."""

    name: str
    description: str
    arguments: type[Arguments]
    result: type[Result]
    run: Callable[[Call, Arguments], Awaitable[Result]]
    example: dict[str, Any]

    def view(self) -> ToolView:
        return ToolView(
            name=self.name,
            description=self.description,
            input_schema=self.arguments.model_json_schema(),
            output_schema=self.result.model_json_schema(mode="serialization"),
            examples=[self.example],
        )


class ToolView(BaseModel):
    name: str
    description: str
    input_schema: dict[str, Any] = Field(description="JSON schema of the body of POST /tools/{name}/execute.")
    output_schema: dict[str, Any] = Field(description="JSON schema of `result` in the answer.")
    examples: list[dict[str, Any]]


class ToolList(BaseModel):
    tools: list[ToolView]


class Executed(BaseModel, Generic[Result]):
    tool: str
    result: Result
    latency_ms: float = Field(description="Milliseconds inside Athena.")
