"""All tools, by name."""

from __future__ import annotations

from functools import cache
from typing import Any

from athena.api.tools import compression, consolidation, memory
from athena.api.tools.reason import REASON
from athena.api.tools.sessions import SESSION_STATUS
from athena.api.tools.tool import Tool, ToolList
from athena.errors import NotFound

TOOLS: dict[str, Tool[Any, Any]] = {
    tool.name: tool
    for tool in (
        memory.REMEMBER,
        memory.RECALL,
        memory.FORGET,
        memory.LIST,
        memory.GET,
        memory.HISTORY,
        consolidation.CONSOLIDATE,
        compression.COMPRESS,
        compression.ORIGINAL,
        REASON,
        SESSION_STATUS,
    )
}


@cache
def listing() -> ToolList:
    """What all of them look like; the schemas are worked out once."""
    return ToolList(tools=[tool.view() for tool in TOOLS.values()])


def find(name: str) -> Tool[Any, Any]:
    """Raises `NotFound`, listing what there is."""
    if name not in TOOLS:
        raise NotFound(f"there is no such tool; there are: {', '.join(TOOLS)}", hint="GET /tools/list")
    return TOOLS[name]
