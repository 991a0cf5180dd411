"""The stack in containers, as the Docker engine sees it. Only looked at: what runs is Compose's business."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from athena.errors import StackError

try:
    from docker.errors import DockerException, NotFound

    import docker
except ImportError:  # inside a container there is no engine to ask, and no package to ask with
    docker = None

if TYPE_CHECKING:
    from docker.models.containers import Container as Handle

PROJECT = "athena"
_TIMEOUT_S = 10
_TAIL_LINES = 200
_LONGEST_LINE = 200
_BAD_LINE = re.compile(
    r'"level": ?"(?:error|critical)"|\b(?:ERROR|FATAL|PANIC)\b|\berror:|^athena: |^compressor: ', re.MULTILINE
)
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True, slots=True)
class Container:
    """`memory` and `memory_limit` in bytes; None while it doesn't run, or where there is no limit.

    `health`: healthy, unhealthy or starting; None without a health check. `said`: what the last health check or the
    engine said of it; `last_error`: the last line of its log that tells of an error. `once`: it is meant to end.
    """

    service: str
    name: str
    state: str
    health: str | None
    image: str
    foreign_platform: str | None
    exit_code: int
    killed_for_memory: bool
    restarts: int
    running_s: float | None
    memory: int | None
    memory_limit: int | None
    said: str
    last_error: str
    once: bool


async def look(project: str = PROJECT) -> tuple[Container, ...]:
    """Every container of a Compose project, running or not. Raises `StackError` if no engine answers."""
    return await asyncio.to_thread(_look, project)


def _look(project: str) -> tuple[Container, ...]:
    if docker is None:
        raise StackError("the Python package docker isn't installed", hint="make install")
    try:
        client = docker.from_env(timeout=_TIMEOUT_S)
    except DockerException as exc:
        raise _no_engine(exc) from exc
    try:
        architecture = _ARCHITECTURES.get(client.info()["Architecture"], client.info()["Architecture"])
        handles = client.containers.list(all=True, filters={"label": f"com.docker.compose.project={project}"})
        handles = [handle for handle in handles if handle.labels.get("com.docker.compose.oneoff") != "True"]
        with ThreadPoolExecutor(8) as pool:
            seen = [each for each in pool.map(lambda handle: _seen(handle, architecture), handles) if each]
    except (DockerException, OSError) as exc:
        raise _no_engine(exc) from exc
    finally:
        client.close()
    return tuple(sorted(seen, key=lambda each: (each.once, each.name)))


def _seen(handle: Handle, architecture: str) -> Container | None:
    """None if it went away meanwhile."""
    try:
        handle.reload()
        state = handle.attrs["State"]
        stats = handle.stats(stream=False, one_shot=True) if state["Running"] else {}
        tail = handle.logs(tail=_TAIL_LINES).decode(errors="replace")
        platform = _platform(handle)
    except NotFound:
        return None
    host = handle.attrs["HostConfig"]
    health = state.get("Health") or {}
    return Container(
        service=handle.labels.get("com.docker.compose.service", handle.name),
        name=handle.name,
        state=state["Status"],
        health=health.get("Status"),
        image=handle.attrs["Config"]["Image"],
        foreign_platform=platform if platform not in (architecture, None) else None,
        exit_code=state["ExitCode"],
        killed_for_memory=state["OOMKilled"],
        restarts=handle.attrs["RestartCount"],
        running_s=_running_s(state),
        memory=memory_in_use(stats),
        memory_limit=host["Memory"] or None,
        said=_last_line(_health_output(health) or state.get("Error") or ""),
        last_error=last_error(tail),
        once=host["RestartPolicy"]["Name"] in ("", "no"),
    )


def memory_in_use(stats: Mapping[str, Any]) -> int | None:
    """As `docker stats` counts: without what the kernel would drop first. Cgroup 1 and 2 name it differently."""
    memory = stats.get("memory_stats") or {}
    if "usage" not in memory:
        return None
    details = memory.get("stats") or {}
    dropped = details.get("total_inactive_file", details.get("inactive_file", 0))
    return int(max(0, memory["usage"] - dropped))


def last_error(log: str) -> str:
    """The last line of a log that tells of an error, shortened; empty if none does."""
    bad = [line.strip() for line in log.splitlines() if _BAD_LINE.search(line)]
    return bad[-1][:_LONGEST_LINE] if bad else ""


def _platform(handle: Handle) -> str | None:
    try:
        found = handle.image.attrs.get("Architecture") if handle.image else None
    except DockerException:  # the image was removed under the container
        return None
    return str(found) if found else None


def _running_s(state: Mapping[str, Any]) -> float | None:
    if not state["Running"]:
        return None
    # Nanoseconds are more than Python reads.
    started = datetime.fromisoformat(state["StartedAt"][:19]).replace(tzinfo=UTC)
    return (datetime.now(UTC) - started).total_seconds()


def _health_output(health: Mapping[str, Any]) -> str:
    log = health.get("Log") or []
    return str(log[-1]["Output"]) if log and log[-1]["ExitCode"] else ""


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:_LONGEST_LINE] if lines else ""


def _no_engine(exc: Exception) -> StackError:
    text = str(exc)
    if "Permission denied" in text:
        return StackError(
            "this user may not ask Docker's daemon",
            hint="sudo usermod -aG docker $USER, then log in again",
        )
    return StackError(
        "Docker's daemon doesn't answer",
        hint="sudo systemctl start docker (on macOS and Windows: start Docker Desktop)",
    )
