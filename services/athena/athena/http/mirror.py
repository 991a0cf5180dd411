"""Local-only mode in the home's own file: for processes that don't ask the database, and while it is away.

Who follows the database writes it (`athena.store.local_only`); commands read it, and while nothing runs
they write what is wanted, `pending`, for the next one that does.
"""

from __future__ import annotations

import os
import tempfile
from datetime import datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from athena import config
from athena.config import Settings
from athena.errors import AthenaError, InvalidSetting, StackError
from athena.http.gate import FORCED, ON, Closed, Switch
from athena.http.local_hosts import LocalHosts


class Noted(BaseModel):
    """`<home>/local-only`. `changed_at` is None where nobody ever changed it. `pending`: wanted since then, and the
    database hasn't been told."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    on: bool
    changed_at: datetime | None = None
    changed_by: str = ""
    pending: bool = False


class Unreadable(StackError):
    """The file is damaged, may not be read, or is missing where there must be one."""

    code = "local_only_unreadable"


class Mirror:
    """The file of one home, as a switch."""

    def __init__(self, settings: Settings) -> None:
        self.path = settings.home / "local-only"
        self._used = settings.run_dir
        self._forced = settings.local_only

    def read(self) -> Noted:
        """What it says; "off" where nothing ever ran in this home. Raises `Unreadable`."""
        try:
            return Noted.model_validate_json(self.path.read_bytes())
        except FileNotFoundError as exc:
            if not self._used.exists():
                return Noted(on=False)
            raise Unreadable(f"{self.path} is missing", hint="athena up, or: athena local-only off") from exc
        except (OSError, ValidationError) as exc:
            raise Unreadable(f"{self.path} can't be read", hint="athena local-only off") from exc

    def write(self, noted: Noted) -> None:
        """Whole or not at all. Raises `StackError`."""
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
            try:
                with os.fdopen(handle, "w") as file:
                    file.write(noted.model_dump_json() + "\n")
                    file.flush()
                    os.fsync(file.fileno())
                Path(name).replace(self.path)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as exc:
            raise StackError(
                f"{self.path} can't be written: {exc.strerror}", hint=f"ls -ld {self.path.parent}"
            ) from exc

    def closed(self) -> Closed | None:
        if self._forced:
            return FORCED
        try:
            return ON if self.read().on else None
        except Unreadable as exc:
            return _unknown(exc)

    async def refreshed(self) -> None:
        return None


class _Unknown:
    """A switch of which nothing can be known."""

    def __init__(self, why: AthenaError) -> None:
        self._closed = _unknown(why)

    def closed(self) -> Closed | None:
        return self._closed

    async def refreshed(self) -> None:
        return None


def _unknown(why: AthenaError) -> Closed:
    return Closed(f"whether local-only mode is on isn't known, so it counts as on ({why.message})", why.hint or "")


def default_rule() -> tuple[Switch, LocalHosts]:
    """What a process obeys that was told nothing else: the home of its environment."""
    try:
        settings = config.load()
    except InvalidSetting as exc:
        return _Unknown(exc), LocalHosts()
    return Mirror(settings), LocalHosts.of(settings)
