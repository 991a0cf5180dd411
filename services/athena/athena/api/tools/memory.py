"""The memory's tools."""

from __future__ import annotations

from athena.api import operations
from athena.api.deps import Call
from athena.api.schemas.answers import ForgottenView, History, MemoryPage, MemoryView, Recalled, Stored
from athena.api.schemas.forget import ForgetQuery
from athena.api.schemas.memories import Listing, OneMemory, RecallQuery, Remember
from athena.api.tools.tool import Tool

EXAMPLE_ID = "0192f0c1-2345-7abc-8def-0123456789ab"


async def _remember(call: Call, arguments: Remember) -> Stored:
    return (await operations.remember(call, [arguments]))[0]


async def _get(call: Call, arguments: OneMemory) -> MemoryView:
    return await operations.get(call, arguments.id)


async def _history(call: Call, arguments: OneMemory) -> History:
    return await operations.history(call, arguments.id)


REMEMBER = Tool(
    "remember",
    "Store something worth knowing later: a fact, an event, a preference, a procedure, a task or a pattern. "
    "It is safe when this answers. Say the same again and nothing is stored twice.",
    Remember,
    Stored,
    _remember,
    {"content": "test memory", "memory_type": "fact"},
)
RECALL = Tool(
    "recall",
    "Find what is remembered about a question, by meaning and by words, best first. `patterns` says what was concluded "
    "from it; `as_of` and `known_at` ask for the past. "
    "`degraded` names what could not take part; `explanation` holds the parts of each score.",
    RecallQuery,
    Recalled,
    operations.recall,
    {"query": "what does she like to eat?", "limit": 5},
)
FORGET = Tool(
    "forget",
    "Forget for good: by id at once; by words, scope, kind, tags or time only when dry_run is false, "
    "before that it says what would go.",
    ForgetQuery,
    ForgottenView,
    operations.forget,
    {"query": "test memory", "dry_run": True},
)
LIST = Tool(
    "list",
    "Page through memories, newest first, with the same filters as recall.",
    Listing,
    MemoryPage,
    operations.listing,
    {"memory_type": "fact", "limit": 20},
)
GET = Tool("get", "Show one memory.", OneMemory, MemoryView, _get, {"id": EXAMPLE_ID})
HISTORY = Tool(
    "history",
    "Show how a memory came to be what it is: each version, when it was recorded, superseded, replaced, restored or "
    "forgotten, and when it was believed to be true.",
    OneMemory,
    History,
    _history,
    {"id": EXAMPLE_ID},
)
