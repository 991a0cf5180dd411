"""The folder of one Athena, and what is private in it."""

from __future__ import annotations

import errno
import os

from athena.config import Settings
from athena.errors import StackError
from athena.http.mirror import Mirror, Noted


def prepare(settings: Settings) -> None:
    """Make what is missing. Raises `StackError` if it can't be.

    As root others may pass through the home, never look into it: PostgreSQL runs as another user.
    """
    try:
        if not settings.home.exists():
            settings.home.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True)
        mirror = Mirror(settings)
        if not settings.run_dir.exists() and not mirror.path.exists():
            # Nobody can have switched it yet; from here on a missing file means that it was lost.
            mirror.write(Noted(on=False))
        for folder in (settings.run_dir, settings.logs_dir):
            folder.mkdir(mode=0o700, exist_ok=True)
            folder.chmod(0o700)
    except OSError as exc:
        hint = "df -h" if exc.errno == errno.ENOSPC else "set ATHENA_HOME to a folder of yours"
        raise StackError(f"{exc.filename or settings.home} can't be used: {exc.strerror}", hint=hint) from exc
