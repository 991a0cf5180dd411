"""Where an embedded PostgreSQL lives and who it runs as; computed, never stored twice.

PostgreSQL refuses to run as root. Started as root it runs as the system user
`athena`; where that user can't enter ATHENA_HOME (a home below /root), the data
lies in a folder of its own below /var/lib/athena. Data that is already there
decides, so that a later change of permissions never makes it look lost.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from athena.config import Settings
from athena.runtime.process import OsUser

ROLE = "athena"
DATABASE = "athena"
SYSTEM_USER = "athena"
OUTSIDE = Path("/var/lib/athena")
_SOCKET_NAME = ".s.PGSQL.5432"
# sun_path holds 108 bytes on Linux, 104 on macOS, with the final zero.
_SOCKET_PATH_LIMIT = 100


@dataclass(frozen=True, slots=True)
class Place:
    """`base` holds `data`, usually the socket folder, and nothing of anybody else."""

    home: Path
    base: Path
    as_root: bool

    @property
    def data(self) -> Path:
        return self.base / "data"

    @property
    def is_outside(self) -> bool:
        return self.home not in self.base.parents

    @property
    def socket(self) -> Path:
        """The folder of the socket: recorded at the first start, since TMPDIR may differ between processes."""
        try:
            return Path(self.socket_record.read_text().strip())
        except OSError:
            pass
        wanted = self.base / "run"
        if len(os.fsencode(wanted / _SOCKET_NAME)) <= _SOCKET_PATH_LIMIT:
            return wanted
        return Path(tempfile.gettempdir()) / f"athena-{_digest(self.base)}"

    @property
    def socket_record(self) -> Path:
        return self.base / "socket-folder"

    @property
    def dsn(self) -> str:
        """For asyncpg and libpq; no secret in it, the socket's owner is the credential."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.socket))}"


def place(settings: Settings) -> Place:
    home = settings.home
    inside = home / "pg"
    if os.geteuid() != 0:
        return Place(home, inside, as_root=False)
    outside = OUTSIDE / f"{home.name.strip('.') or 'home'}-{_digest(home)}" / "pg"
    for base in (inside, outside):
        if (base / "data" / "PG_VERSION").exists():
            return Place(home, base, as_root=True)
    return Place(home, inside if can_enter(home, system_user()) else outside, as_root=True)


def system_user() -> OsUser | None:
    try:
        entry = pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        return None
    return OsUser(entry.pw_name, entry.pw_uid, entry.pw_gid)


def can_enter(path: Path, user: OsUser | None, *, read: bool = False) -> bool:
    """May `user` (None: a stranger) pass through `path` and every folder above it? Missing ones don't count.

    With `read` the path itself must be readable too.
    """
    for folder in (path, *path.parents):
        try:
            found = folder.stat()
        except FileNotFoundError:
            continue
        except OSError:
            return False
        needed = stat.S_IXOTH | (stat.S_IROTH if read and folder == path else 0)
        if user is not None and found.st_uid == user.uid:
            needed <<= 6
        elif user is not None and found.st_gid == user.gid:
            needed <<= 3
        if found.st_mode & needed != needed:
            return False
    return True


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:12]
