"""Where this machine's Athena keeps its memory: the embedded PostgreSQL, a container's, or a server of its user's."""

from __future__ import annotations

import asyncio
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit, urlunsplit

from athena.config import Settings
from athena.errors import StackError
from athena.runtime import home_files
from athena.runtime.containers import PROJECT
from athena.runtime.environment import environment, package_path
from athena.runtime.postgres import binaries, server
from athena.runtime.postgres.place import DATABASE, ROLE

_PIPE = asyncio.subprocess.PIPE
# The container's own address of the database, with another name in it.
_MIGRATE = r"""
server=${ATHENA_DATABASE_URL%%\?*}
export ATHENA_DATABASE_URL="${server%/*}/$0?${ATHENA_DATABASE_URL#*\?}"
exec athena migrate --wait 5
"""
_NONE_RUNS = "athena up, or: cd docker && docker compose up -d"


@dataclass(frozen=True, slots=True)
class Here:
    """A PostgreSQL that this machine reaches by its address, with the programs of the wheel or of the PATH."""

    form: str
    settings: Settings
    url: str

    @property
    def database(self) -> str:
        return urlsplit(self.url).path.lstrip("/")

    async def start(self, program: str, database: str, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        argv = [_program(program), f"--dbname={self._of(database)}", *arguments]
        return await asyncio.create_subprocess_exec(*argv, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE)

    async def run(
        self,
        program: str,
        database: str,
        arguments: Sequence[str],
        *,
        source: IO[bytes] | None = None,
        sink: IO[bytes] | None = None,
    ) -> None:
        await _run([_program(program), f"--dbname={self._of(database)}", *arguments], source, sink)

    async def migrate(self, database: str) -> None:
        env = {**environment(self.settings), "PYTHONPATH": package_path(), "ATHENA_DATABASE_URL": self._of(database)}
        await _run([sys.executable, "-m", "athena", "migrate", "--wait", "5"], None, None, env)

    async def save_home(self, sink: IO[bytes]) -> None:
        await asyncio.to_thread(home_files.save, self.settings.home, sink)

    async def put_home(self, source: IO[bytes]) -> None:
        await asyncio.to_thread(home_files.put, self.settings.home, source)

    def _of(self, database: str) -> str:
        return urlunsplit(urlsplit(self.url)._replace(path=f"/{database}"))


@dataclass(frozen=True, slots=True)
class Containers:
    """The stack in Docker: PostgreSQL's programs are run in its container, Athena's in Athena's."""

    postgres_id: str
    athena_id: str
    form: str = "docker"
    database: str = DATABASE

    async def start(self, program: str, database: str, arguments: Sequence[str]) -> asyncio.subprocess.Process:
        argv = self._argv(program, database, arguments)
        return await asyncio.create_subprocess_exec(*argv, stdin=_PIPE, stdout=_PIPE, stderr=_PIPE)

    async def run(
        self,
        program: str,
        database: str,
        arguments: Sequence[str],
        *,
        source: IO[bytes] | None = None,
        sink: IO[bytes] | None = None,
    ) -> None:
        await _run(self._argv(program, database, arguments), source, sink)

    async def migrate(self, database: str) -> None:
        await _run(["docker", "exec", self.athena_id, "sh", "-c", _MIGRATE, database], None, None)

    async def save_home(self, sink: IO[bytes]) -> None:
        await _run(["docker", "exec", self.athena_id, "python", "-m", "athena.runtime.home_files", "save"], None, sink)

    async def put_home(self, source: IO[bytes]) -> None:
        await _run(
            ["docker", "exec", "-i", self.athena_id, "python", "-m", "athena.runtime.home_files", "put"], source, None
        )

    def _argv(self, program: str, database: str, arguments: Sequence[str]) -> list[str]:
        role = f"--username={ROLE}"
        return ["docker", "exec", "-i", self.postgres_id, program, role, f"--dbname={database}", *arguments]


async def find(settings: Settings, project: str = PROJECT) -> Here | Containers:
    """The one that is configured, else the one that runs: embedded before containers. Raises `StackError`."""
    if settings.database_url is not None:
        return Here("server", settings, settings.database_url.get_secret_value())
    if await server.answers(server.dsn(settings)):
        return Here("embedded", settings, server.dsn(settings))
    ids = [await _container(project, service) for service in ("postgres", "athena")]
    if all(ids):
        return Containers(*ids)
    raise StackError(f"no PostgreSQL of Athena's runs for {settings.home}", hint=_NONE_RUNS, source="postgres")


async def _container(project: str, service: str) -> str:
    """The id of a running container; empty if there is none, or no Docker."""
    if shutil.which("docker") is None:
        return ""
    labels = [f"--filter=label=com.docker.compose.{name}" for name in (f"project={project}", f"service={service}")]
    argv = ["docker", "ps", "--quiet", "--filter=status=running", *labels]
    process = await asyncio.create_subprocess_exec(*argv, stdout=_PIPE, stderr=asyncio.subprocess.DEVNULL)
    printed, _ = await process.communicate()
    return next(iter(printed.decode().split()), "")


def _program(name: str) -> str:
    """The wheel's, whose version is that of the embedded server; without the wheel one on the PATH."""
    try:
        return str(binaries.installed() / "bin" / name)
    except StackError:
        found = shutil.which(name)
        if found is None:
            raise
        return str(Path(found))


async def _run(
    argv: Sequence[str], source: IO[bytes] | None, sink: IO[bytes] | None, env: dict[str, str] | None = None
) -> None:
    nothing = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(
        *argv, stdin=source or nothing, stdout=sink or nothing, stderr=_PIPE, env=env
    )
    try:
        _, said = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    if process.returncode:
        lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
        raise StackError(" ".join(lines[-2:]) or f"{argv[0]} ended with {process.returncode}", source="postgres")
