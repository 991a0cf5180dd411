"""What the steps of the way share, built once."""

from __future__ import annotations

from dataclasses import dataclass

from athena.gateway.egress import Egress
from athena.gateway.models.live import Live
from athena.gateway.models.offered import Offered
from athena.gateway.ports import Capture, Judge, Record, Rewrite
from athena.gateway.route.router import Router
from athena.gateway.sessions.agents import Agents
from athena.gateway.sessions.sessions import Sessions
from athena.gateway.sessions.signatures import Signatures
from athena.http.gate import Switch
from athena.store.preferences import Preferences


@dataclass(frozen=True, slots=True)
class Parts:
    """`counting`: for questions beside the requests, whose failures say nothing of a model's health.
    `embeddings_url`: of the local server."""

    router: Router
    live: Live
    offered: Offered
    egress: Egress
    counting: Egress
    sessions: Sessions
    signatures: Signatures
    preferences: Preferences
    agents: Agents
    rewrite: Rewrite
    capture: Capture
    record: Record
    judge: Judge
    local_only: Switch
    embeddings_url: str

    async def is_closed(self) -> bool:
        """Whether local-only mode is on. What isn't known counts as on, but may be known in a moment."""
        if self.local_only.closed() is None:
            return False
        await self.local_only.refreshed()
        return self.local_only.closed() is not None
