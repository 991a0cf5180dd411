"""What the queue's library says of an outage stays out of the log; what else goes wrong doesn't."""

from __future__ import annotations

import logging

import asyncpg
import pytest

from athena.errors import StoreUnavailable
from athena.jobs import queue  # noqa: F401 - importing it is what is tested


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (asyncpg.InterfaceError("connection is closed"), False),
        (ConnectionRefusedError("nobody there"), False),
        (StoreUnavailable("PostgreSQL can't be reached"), False),
        (asyncpg.UndefinedTableError("no such table"), True),
        (ValueError("a defect"), True),
    ],
)
def test_only_outages_are_kept_quiet(error: Exception, said: bool, caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("pgqueuer")
    try:
        raise error
    except Exception:
        logger.exception("with its trace")
        logger.warning("without")
    logger.warning("later")
    assert [record.msg for record in caplog.records] == (["with its trace", "without"] if said else []) + ["later"]
