"""`/health` and `/metrics`."""

from __future__ import annotations

from fastapi import APIRouter, Response

from athena.api.deps import Calling
from athena.api.metrics import CONTENT_TYPE
from athena.api.openapi import errors
from athena.api.schemas.health import HealthReport, Live, Ready
from athena.errors import StoreUnavailable, Unavailable

router = APIRouter(tags=["health"])


@router.get("/health", responses={**errors(), 503: {"model": HealthReport, "description": "Athena can't serve."}})
async def health(call: Calling, response: Response) -> HealthReport:
    """Each part: up, degraded or down, why, and what mends it. 200 while Athena can serve."""
    report = await call.health.report()
    if report.status == "down":
        response.status_code = 503
        response.headers["retry-after"] = "2"
    return report


@router.get("/health/live", responses=errors())
async def live(call: Calling) -> Live:
    """The process answers, and goes on doing so: 503 from one that was told to stop. Nothing else is asked."""
    _stay(call)
    return Live()


@router.get("/health/ready", responses=errors())
async def ready(call: Calling) -> Ready:
    """Memory can be written and read: 200, otherwise 503."""
    _stay(call)
    report = await call.health.report()
    if report.status == "down":
        postgres = report.parts["postgres"]
        raise StoreUnavailable(postgres.detail or "PostgreSQL can't be reached", hint=postgres.hint)
    return Ready()


def _stay(call: Calling) -> None:
    if call.health.leaving:
        raise Unavailable("this Athena was told to stop")


@router.get(
    "/metrics",
    response_class=Response,
    responses={**errors(), 200: {"description": "Prometheus text.", "content": {"text/plain": {}}}},
)
async def metrics(call: Calling) -> Response:
    report = await call.health.report()
    call.metrics.state({name: part.state != "up" for name, part in report.parts.items()}, report.pending)
    return Response(call.metrics.exposition(), headers={"content-type": CONTENT_TYPE})
