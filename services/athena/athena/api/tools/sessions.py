"""The tool that shows and switches the model of a conversation."""

from __future__ import annotations

from athena.api import conversing
from athena.api.schemas.sessions import AskStatus, SessionStatus
from athena.api.tools.tool import Tool

SESSION_STATUS = Tool(
    "session_status",
    "Show which model answers this conversation, why, and what it has used so far; with `model` pin another one, "
    "from the next request on. Nothing of the conversation is lost.",
    AskStatus,
    SessionStatus,
    conversing.status,
    {},
)
