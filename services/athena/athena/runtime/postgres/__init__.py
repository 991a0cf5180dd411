"""The embedded PostgreSQL: `dsn(settings)`, and `async with ensure_running(settings) as dsn`."""

from athena.runtime.postgres.part import PostgresPart
from athena.runtime.postgres.place import Place, place
from athena.runtime.postgres.running import ensure_running
from athena.runtime.postgres.server import answers, dsn

__all__ = ["Place", "PostgresPart", "answers", "dsn", "ensure_running", "place"]
