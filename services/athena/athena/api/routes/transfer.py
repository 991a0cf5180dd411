"""`/api/v1/export` and `/api/v1/import`: the whole memory as lines, out and in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from athena.api.deps import Calling
from athena.api.openapi import errors
from athena.api.schemas.transfer import ExportQuery, ImportQuery, ImportReport
from athena.api.streams import NDJSON, Body, Stream

router = APIRouter(tags=["memories"])
IMPORT = "/api/v1/import"
# An import is read line by line, so its length is bound by patience alone.
IMPORT_BYTES = 64 * 1024**3

_EXAMPLE = (
    '{"record":"header","format":"athena-memory","version":1}\n'
    '{"record":"memory","id":"0192f0c1-2345-7abc-8def-0123456789ab","project":"kitchen","memory_type":"fact",'
    '"content":"Ada prefers tea","valid_from":"2026-11-20T09:30:00Z","recorded_at":"2026-11-20T09:30:00Z"}\n'
    '{"record":"end"}\n'
)
_LINES = {"type": "string", "description": "One JSON object per line.", "examples": [_EXAMPLE]}
_GIVEN = {NDJSON: {"schema": _LINES}}
_SENT: dict[str, Any] = {
    "requestBody": {"required": True, "content": {NDJSON: {"schema": {**_LINES, "additionalProperties": False}}}}
}


@router.get(
    "/api/v1/export",
    response_class=Response,
    responses={**errors(), 200: {"description": "What is whole ends with a line `end`.", "content": _GIVEN}},
)
async def export(call: Calling, asked: Annotated[ExportQuery, Query()]) -> Response:
    """Everything remembered, with its history, as lines of JSON: one state of it, while writing goes on."""
    chunks = call.athena.memory.export(asked.project)
    first = await anext(chunks)
    call.metrics.operation("export")
    return Stream(first, chunks, {"content-disposition": 'attachment; filename="athena-memory.jsonl"'})


@router.post(IMPORT, responses=errors(413), openapi_extra=_SENT)
async def import_(call: Calling, request: Request, asked: Annotated[ImportQuery, Query()]) -> ImportReport:
    """Take an export in: all of it or, if a line is damaged, nothing. What is here already stays as it is."""
    body = Body(request)
    try:
        imported = await call.athena.memory.take_in(body, dry_run=asked.dry_run, revive=asked.revive)
    except Exception:
        await body.drop()
        raise
    if not imported.dry_run:
        call.metrics.operation("import", imported.created)
    return ImportReport.of(imported)
