"""Budgets, as they are set and shown."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Field, StringConstraints, model_validator

from athena.api.schemas.fields import MAX_NAME, Text, number
from athena.api.schemas.memories import Body
from athena.usage.budgets import Action, Budget, Limit, Period, Subject


class SetBudget(Body):
    """What a key or an agent may spend. Setting the same again changes the amount."""

    subject: Subject
    name: Annotated[Text, StringConstraints(max_length=MAX_NAME)] = Field(
        description="The key's or the agent's name. As a key, empty: whoever comes without one."
    )
    period: Period = Field(description="Of UTC.")
    amount_usd: Annotated[float, Field(ge=0, le=1_000_000_000), BeforeValidator(number)]
    action: Action = Field(description="What happens when it is spent: say so, take a cheaper tier, or answer no more.")

    @model_validator(mode="after")
    def _agents_have_names(self) -> Self:
        if self.subject == "agent" and not self.name:
            raise ValueError("name must not be empty for an agent")
        return self

    def limit(self) -> Limit:
        return Limit(self.subject, self.name, self.period, self.action, Decimal(repr(self.amount_usd)))


class BudgetView(BaseModel):
    id: int
    subject: Subject
    name: str
    period: Period
    amount_usd: float
    action: Action
    spent_usd: float = Field(description="Since the period began; what was answered a second ago may not be in it.")
    unpriced: int = Field(description="Attempts that aren't in `spent_usd`: their models' prices aren't known.")
    fresh_at: datetime = Field(description="When the next period begins.")

    @classmethod
    def of(cls, budget: Budget) -> Self:
        limit = budget.limit
        return cls(
            id=budget.id,
            subject=limit.subject,
            name=limit.name,
            period=limit.period,
            amount_usd=float(limit.amount),
            action=limit.action,
            spent_usd=float(budget.spent),
            unpriced=budget.unpriced,
            fresh_at=budget.until,
        )


class BudgetList(BaseModel):
    budgets: list[BudgetView]


class BudgetRemoved(BaseModel):
    removed: int
