"""What the switch of local-only mode says."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from pydantic import BaseModel, Field

from athena.api.schemas.fields import Flag
from athena.api.schemas.memories import Body
from athena.store.local_only import LocalOnlyState


class SetLocalOnly(Body):
    on: Flag = Field(description="true: nothing leaves for a host that isn't local.")


class LocalOnlyView(BaseModel):
    """`on` is what is in force; a switch that can't be read counts as on, and is then not `known`."""

    on: bool
    known: bool = Field(description="Whether the switch was read within the last second.")
    forced: bool = Field(description="Held on by the configuration: no switch changes it.")
    reason: str | None = Field(description="Why it is on.")
    changed_at: datetime | None = Field(description="When it was last switched; null if never.")
    changed_by: str | None = Field(description="By which key; empty: from this machine.")

    @classmethod
    def of(cls, state: LocalOnlyState) -> Self:
        return cls(
            on=state.on,
            known=state.known,
            forced=state.forced,
            reason=state.reason,
            changed_at=state.changed_at,
            changed_by=state.changed_by,
        )
