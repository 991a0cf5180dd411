"""`/api/v1/usage`: what was used, what it cost, what was saved; `/api/v1/budgets`: what may be spent."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Path, Query, Response

from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.budgets import BudgetList, BudgetRemoved, BudgetView, SetBudget
from athena.api.schemas.usage import UsageQuery, UsageReport
from athena.usage.table import csv_of

router = APIRouter(tags=["usage"])
_BUDGETS = "/api/v1/budgets"
_EXAMPLE = {"subject": "agent", "name": "researcher", "period": "day", "amount_usd": 2.5, "action": "degrade"}
_Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


@router.get(
    "/api/v1/usage",
    response_model=UsageReport,
    responses={**errors(), 200: {"content": {"text/csv": {"schema": {"type": "string"}}}}},
)
async def usage(call: Calling, asked: Annotated[UsageQuery, Query()]) -> UsageReport | Response:
    """Requests, tokens, cost, savings by cause, local against cloud, latency; in all, and for each day, model, …"""
    found = await call.athena.usage.reports.report(*asked.span(), asked.by, project=asked.project, limit=asked.limit)
    report = UsageReport.of(asked, found)
    if asked.format == "json":
        return report
    name = f"athena-usage-by-{asked.by}.csv"
    return Response(
        csv_of(report.model_dump(mode="json", by_alias=True)),
        media_type="text/csv",
        headers={"content-disposition": f'attachment; filename="{name}"'},
    )


@router.get(_BUDGETS, responses=errors())
async def list_budgets(call: Calling) -> BudgetList:
    """All budgets, and how far they are used up."""
    return BudgetList(budgets=[BudgetView.of(each) for each in await call.athena.usage.budgets.list()])


@router.put(_BUDGETS, responses=errors(404, 413))
async def set_budget(call: Calling, asked: Annotated[SetBudget, Body(examples=[_EXAMPLE])]) -> BudgetView:
    """Set what a key or an agent may spend in a day or a month, and what happens then; it holds within two seconds."""
    return BudgetView.of(await call.athena.usage.budgets.set(asked.limit()))


@router.delete(f"{_BUDGETS}/{{budget_id:int}}", responses=errors(404))
async def remove_budget(call: Calling, budget_id: _Id) -> BudgetRemoved:
    """Take a budget away."""
    await call.athena.usage.budgets.remove(budget_id)
    return BudgetRemoved(removed=budget_id)
