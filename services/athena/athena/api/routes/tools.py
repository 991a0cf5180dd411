"""`/tools`: what an agent may call, and calling it.

Each tool has a route of its own, so that the OpenAPI document knows its arguments.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path
from pydantic import JsonValue

from athena.api import operations
from athena.api.deps import Calling, IdempotencyKey, Wait
from athena.api.openapi import errors
from athena.api.schemas.answers import Stored
from athena.api.schemas.memories import Remember
from athena.api.tools.memory import REMEMBER
from athena.api.tools.registry import TOOLS, find, listing
from athena.api.tools.tool import Executed, Tool, ToolList, ToolView

router = APIRouter(tags=["tools"])
# The tool named list is shown in the list only: its own address is the list's.
_SHOWN: list[JsonValue] = [name for name in TOOLS if name != "list"]


@router.get("/tools/list", responses=errors())
async def list_tools() -> ToolList:
    """All tools with the JSON schemas of their arguments and results."""
    return listing()


@router.get("/tools/{tool}", responses=errors(404))
async def show_tool(tool: Annotated[str, Path(json_schema_extra={"enum": _SHOWN})]) -> ToolView:
    """One tool."""
    return find(tool).view()


@router.post(
    "/tools/remember/execute", summary=REMEMBER.description, responses=errors(409, 413), operation_id="tool_remember"
)
async def execute_remember(
    call: Calling,
    arguments: Annotated[Remember, Body(examples=[REMEMBER.example])],
    wait: Wait = False,
    idempotency_key: IdempotencyKey = None,
) -> Executed[Stored]:
    started = time.perf_counter()
    stored = await operations.remember(call, [arguments], key=idempotency_key, wait=wait)
    return _executed(REMEMBER, stored[0], started)


def _executed(tool: Tool[Any, Any], result: Any, started: float) -> Executed[Any]:
    latency_ms = round((time.perf_counter() - started) * 1e3, 3)
    return Executed[tool.result](tool=tool.name, result=result, latency_ms=latency_ms)  # type: ignore[name-defined]


def _endpoint(tool: Tool[Any, Any]) -> Callable[..., Awaitable[Any]]:
    async def execute(call: Calling, arguments: Any) -> Any:
        started = time.perf_counter()
        return _executed(tool, await tool.run(call, arguments), started)

    # FastAPI reads the body's type from the annotation, and there is one per tool.
    execute.__annotations__["call"] = Calling
    execute.__annotations__["arguments"] = Annotated[tool.arguments, Body(examples=[tool.example])]
    return execute


_STATUSES = {
    "get": (404, 413),
    "history": (404, 413),
    "forget": (404, 413),
    "consolidate": (404, 409, 413),
    "original": (404, 413),
    "reason": (413, 502),
    "session_status": (404, 409, 413),
}

for _tool in TOOLS.values():
    if _tool is not REMEMBER:
        router.add_api_route(
            f"/tools/{_tool.name}/execute",
            _endpoint(_tool),
            methods=["POST"],
            response_model=Executed[_tool.result],  # type: ignore[name-defined]
            summary=_tool.description,
            responses=errors(*_STATUSES.get(_tool.name, (413,))),
            operation_id=f"tool_{_tool.name}",
        )


@router.post("/tools/{tool}/execute", include_in_schema=False)
async def execute_unknown(tool: str) -> None:
    """What isn't one of the above doesn't exist; the error says what does."""
    find(tool)
