"""A data folder that PostgreSQL can be started on: made once, its access rules written at each start."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import subprocess
from pathlib import Path

import psutil

from athena.config import Settings
from athena.errors import StackError
from athena.runtime.ports import CannotStart
from athena.runtime.postgres import binaries
from athena.runtime.postgres.place import OUTSIDE, ROLE, SYSTEM_USER, Place, place, system_user
from athena.runtime.process import OsUser

_HBA = """# Written at each start. Only the socket, only the users that pg_ident.conf maps.
local all all peer map=athena
local replication all peer map=athena
"""
# The name is `place.DATABASE`.
_CREATE = "CREATE DATABASE athena;\n"
_CTYPES = ("C.UTF-8", "UTF-8", "C")


async def prepare(settings: Settings) -> tuple[Place, Path, OsUser | None]:
    """Where, with which binaries, as whom (None: as we are). Raises `CannotStart` or `StackError`."""
    return await asyncio.to_thread(_prepare, settings)


def _prepare(settings: Settings) -> tuple[Place, Path, OsUser | None]:
    user = _ensure_user() if os.geteuid() == 0 else None
    where = place(settings)
    try:
        _make_folders(where, user)
        tree = binaries.runnable_by(user)
        _check_version(where)
        if not where.data.exists():
            _initialise(where, tree, user)
        _write_configuration(where, user)
        _drop_foreign_pid(where)
    except OSError as exc:
        raise cannot_write(where, exc.strerror or str(exc)) from exc
    return where, tree, user


def cannot_write(where: Place, why: str) -> CannotStart:
    if "No space left" in why or "quota" in why.lower():
        return CannotStart(
            f"the disk is full: PostgreSQL can't write to {where.base}",
            hint=f"free some space (df -h {where.base}), then: athena up",
            source="postgres",
        )
    return CannotStart(f"PostgreSQL can't use {where.base}: {why}", hint=f"ls -ld {where.base}", source="postgres")


def _ensure_user() -> OsUser:
    if (user := system_user()) is not None:
        return user
    command = ["useradd", "--system", "--no-create-home", "--home-dir", str(OUTSIDE), "--user-group"]
    command += ["--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        why = done.stderr.strip()
    except OSError as exc:
        why = exc.strerror or str(exc)
    if (user := system_user()) is not None:
        return user
    raise CannotStart(
        f"PostgreSQL doesn't run as root and the system user {SYSTEM_USER} can't be created: {why}",
        hint=f"run Athena as an ordinary user, or: {' '.join(command)}",
        source="postgres",
    )


def _make_folders(where: Place, user: OsUser | None) -> None:
    if where.is_outside:
        OUTSIDE.mkdir(mode=0o755, parents=True, exist_ok=True)
        where.base.parent.mkdir(mode=0o711, exist_ok=True)
        (where.base.parent / "README").write_text(
            f"The PostgreSQL data of the Athena whose ATHENA_HOME is {where.home}\n"
            "It lies here because the user that PostgreSQL runs as can't enter that folder.\n"
        )
    # The folder stays ours: who runs the server may fill `data` and the socket folder, not replace them.
    where.base.mkdir(mode=0o711 if user else 0o700, exist_ok=True)
    socket = where.socket
    _private_folder(socket, user)
    if not where.socket_record.exists():
        where.socket_record.write_text(f"{socket}\n")


def _private_folder(folder: Path, user: OsUser | None) -> None:
    """0700 and owned by whom PostgreSQL runs as. A folder in a shared place that isn't so is not touched."""
    try:
        folder.mkdir(mode=0o700)
        if user is not None:
            os.chown(folder, user.uid, user.gid)
    except FileExistsError:
        found = folder.lstat()
        owner = user.uid if user is not None else os.geteuid()
        if folder.is_symlink() or not folder.is_dir() or found.st_uid != owner or found.st_mode & 0o077:
            raise CannotStart(
                f"{folder} must be a folder with mode 0700 that belongs to "
                f"{user.name if user else getpass.getuser()}, and isn't",
                hint=f"ls -ld {folder}",
                source="postgres",
            ) from None


def _check_version(where: Place) -> None:
    try:
        found = (where.data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return
    if found != binaries.MAJOR:
        raise CannotStart(
            f"{where.data} was made by PostgreSQL {found}, this Athena carries {binaries.MAJOR}",
            hint="restore a backup into a new ATHENA_HOME, or set ATHENA_DATABASE_URL to a PostgreSQL of that version",
            source="postgres",
        )


def _initialise(where: Place, tree: Path, user: OsUser | None) -> None:
    """Into a folder beside, with its database, then renamed: a data folder is complete or isn't there."""
    new = where.base / "data.new"
    for ctype in _CTYPES:
        shutil.rmtree(new, ignore_errors=True)
        _private_folder(new, user)
        why = _run(
            [
                str(tree / "bin" / "initdb"),
                f"--pgdata={new}",
                f"--username={ROLE}",
                "--auth-local=peer",
                "--auth-host=reject",
                "--encoding=UTF8",
                "--locale-provider=builtin",
                "--builtin-locale=C.UTF-8",
                "--locale=C",
                # Text search takes letters from punctuation by this one; C knows ASCII only.
                f"--lc-ctype={ctype}",
                "--data-checksums",
                "--no-instructions",
            ],
            user,
        )
        if why is None or "locale" not in why:
            break
    if why is None:
        single = [str(tree / "bin" / "postgres"), "--single", "-j", "-D", str(new), "postgres"]
        why = _run(single, user, stdin=_CREATE)
    if why is not None:
        shutil.rmtree(new, ignore_errors=True)
        if "No space left" in why:
            raise cannot_write(where, why)
        raise StackError(f"the database can't be created in {where.base}: {why}", source="postgres")
    _write(new / "postgresql.conf", "\ninclude_if_exists = 'athena.conf'\n", user, os.O_APPEND)
    new.rename(where.data)


def _run(argv: list[str], user: OsUser | None, stdin: str = "") -> str | None:
    """Run to the end; None, or what it complained about in one line."""
    done = subprocess.run(
        argv,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        umask=0o077,
        user=user.uid if user else None,
        group=user.gid if user else None,
        extra_groups=[] if user else None,
        env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
    )
    # `postgres --single` exits 0 after a failed statement.
    complaints = [line for line in done.stderr.splitlines() if "ERROR:" in line or "FATAL:" in line or "error:" in line]
    if done.returncode == 0 and not complaints:
        return None
    return " ".join(complaints or done.stderr.split("\n"))[:500] or f"exit code {done.returncode}"


def _write_configuration(where: Place, user: OsUser | None) -> None:
    invoking = getpass.getuser() if user is None else "root"
    names = sorted({invoking, "root", user.name if user else invoking})
    ident = "".join(f'athena "{name}" {ROLE}\n' for name in names)
    conf = Path(__file__).with_name("athena.conf").read_text()
    for name, text in (("pg_hba.conf", _HBA), ("pg_ident.conf", ident), ("athena.conf", conf)):
        _write(where.data / name, text, user, os.O_TRUNC)


def _drop_foreign_pid(where: Place) -> None:
    """PostgreSQL refuses to start while the pid of a killed one is in use, if only by another program of this user."""
    pid_file = where.data / "postmaster.pid"
    try:
        process = psutil.Process(int(pid_file.read_text().split()[0]))
        # A server works in its data folder: another home's is foreign, too.
        ours = process.name().startswith("postgres") and Path(process.cwd()) == where.data.resolve()
    except (FileNotFoundError, ValueError, IndexError, psutil.Error):
        return
    if not ours:
        pid_file.unlink()


def _write(path: Path, text: str, user: OsUser | None, how: int) -> None:
    """Never through a link: the folder belongs to another user when we are root."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | how, 0o600)
    with os.fdopen(fd, "w") as file:
        if user is not None:
            os.fchown(file.fileno(), user.uid, user.gid)
        file.write(text)
