"""The FastAPI app, put together around what `bootstrap.build` made."""

from __future__ import annotations

from fastapi import FastAPI

from athena import __version__
from athena.api import errors, openapi
from athena.api.exposure import Exposure
from athena.api.gateway import Front
from athena.api.health import Health
from athena.api.limits import BodyLimit
from athena.api.metrics import Metrics
from athena.api.request_log import RequestLog
from athena.api.routes import (
    compression,
    consolidation,
    embeddings,
    health,
    local_only,
    memories,
    preferences,
    route,
    sessions,
    tools,
    transfer,
    usage,
)
from athena.bootstrap import Athena


def create_app(athena: Athena) -> FastAPI:
    """An app over `athena`, which the caller opens and closes."""
    # The interactive pages load their scripts from elsewhere; nothing here may.
    app = FastAPI(title="Athena", version=__version__, docs_url=None, redoc_url=None)
    app.state.athena = athena
    app.state.metrics = Metrics()
    app.state.health = Health(athena)
    errors.install(app)
    openapi.install(app)
    memory = (memories, transfer, consolidation, compression, embeddings)
    for module in (health, tools, *memory, route, sessions, preferences, usage, local_only):
        # Flat, so that a route knows its whole path and a path its methods.
        app.router.routes.extend(module.router.routes)
    # Added last, asked first: name and time it, then see who asks, then how much is sent, then the gateway.
    app.add_middleware(Front, gateway=athena.gateway)
    app.add_middleware(BodyLimit, limit=athena.settings.max_body_bytes, longer={transfer.IMPORT: transfer.IMPORT_BYTES})
    app.add_middleware(Exposure, declared=athena.settings.exposure, verify=athena.keys.verify)
    app.add_middleware(RequestLog, metrics=app.state.metrics)
    return app
