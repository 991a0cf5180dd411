"""Consolidation's tool."""

from __future__ import annotations

from athena.api import consolidating
from athena.api.schemas.consolidation import ConsolidateAndWait, Consolidated
from athena.api.tools.tool import Tool

CONSOLIDATE = Tool(
    "consolidate",
    "Conclude patterns from what a project remembers: what happens again and again, what changed, what is said twice. "
    "Nothing is deleted, and every run can be undone. With `dry_run` say what it would change.",
    ConsolidateAndWait,
    Consolidated,
    consolidating.consolidate,
    {"project": "default", "dry_run": True},
)
