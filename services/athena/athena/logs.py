"""Logs: one structured line per thing that happened, JSON or, on a terminal, for the eye.

Everything goes through here, the lines of uvicorn, asyncpg and pgqueuer too, and
on the way out what looks like a secret is blotted out.
"""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog

from athena.config import Settings
from athena.secret import blotted

# These say at "info" what nobody runs Athena to read.
_CHATTY = ("httpx", "httpcore", "asyncio", "uvicorn.error", "pgqueuer")


def configure(settings: Settings, stream: TextIO | None = None) -> None:
    """Set logging up for this process, on `stream` (stderr by default)."""
    out = stream or sys.stderr
    pretty = settings.log_format == "pretty" or (settings.log_format == "auto" and out.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    output = logging.StreamHandler(out)
    output.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendered(pretty, out)],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [output]
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def _rendered(pretty: bool, out: TextIO) -> list[Any]:
    if pretty:
        console = structlog.dev.ConsoleRenderer(
            colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback, pad_event_to=24
        )
        return [_blot, console, _blot_line]
    return [structlog.processors.format_exc_info, _blot, structlog.processors.JSONRenderer(ensure_ascii=False)]


def _blot(_: Any, __: str, event: Any) -> Any:
    return {name: blotted(value) if isinstance(value, str) else value for name, value in event.items()}


def _blot_line(_: Any, __: str, line: str) -> str:
    """Tracebacks become text only in the renderer."""
    return blotted(line)
