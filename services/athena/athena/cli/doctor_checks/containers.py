"""What is wrong with the stack in containers, told from what the engine says of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence

from athena.cli.doctor_checks.finding import Finding, Patient, info, ok, problem
from athena.errors import StackError
from athena.runtime import containers
from athena.runtime.containers import Container

_SLOW_LOAD_S = 120.0
_RESTARTS_TO_WORRY = 3
_PORT_TAKEN = ("port is already allocated", "address already in use")
_UP = "cd docker && docker compose up -d"
_PORTS = {
    "athena": "ATHENA_PORT",
    "proxy": "ATHENA_PORT",
    "postgres": "POSTGRES_PORT",
    "llamacpp-embeddings": "EMBEDDINGS_PORT",
    "llamacpp-reasoning": "REASONING_PORT",
    "compressor": "COMPRESSOR_PORT",
}
_MEMORY = {
    "athena": "ATHENA_MEMORY",
    "postgres": "POSTGRES_MEMORY",
    "llamacpp-embeddings": "EMBEDDINGS_MEMORY",
    "llamacpp-reasoning": "REASONING_MEMORY",
    "compressor": "COMPRESSOR_MEMORY",
}
# Without these Athena works, with less.
_OPTIONAL = ("llamacpp-reasoning", "compressor")

Diagnose = Callable[[Container], list[Finding] | None]


async def stack(patient: Patient) -> list[Finding]:
    """For `athena doctor`: nothing at all where no containers of Athena's are.

    Without an engine none can be: said to who has Docker and no Athena that answers.
    """
    try:
        found = await containers.look()
    except StackError as exc:
        wanted = patient.health is None and patient.refused is None and shutil.which("docker")
        return info("containers", exc.message, "if Athena is meant to run in them", exc.hint) if wanted else []
    return diagnose(found) if found else []


def diagnose(found: Sequence[Container]) -> list[Finding]:
    """The first thing that is wrong with each container; one line when nothing is."""
    if not found:
        return info("containers", "no container of Athena's is here", "the stack was never started, or is down", _UP)
    findings = [finding for each in found for finding in (_first(each) or [])]
    findings += [finding for each in found for finding in _platform(each)]
    running = sum(each.state == "running" for each in found)
    return findings or ok("containers", f"{running} run, all healthy")


def _first(container: Container) -> list[Finding] | None:
    for look in (_never_started, _killed, _restarting, _ended, _waits, _loads, _unhealthy):
        if findings := look(container):
            return findings
    return None


def _never_started(container: Container) -> list[Finding] | None:
    if container.state != "created":
        return None
    if any(sign in container.said for sign in _PORT_TAKEN):
        variable = _PORTS.get(container.service, "its port")
        return problem(
            container.service, "its port is taken by another program", container.said,
            f"stop that program, or set {variable} in docker/.env; then {_UP}",
        )  # fmt: skip
    return problem(container.service, "was made and never started", container.said or None, _UP)


def _killed(container: Container) -> list[Finding] | None:
    if not container.killed_for_memory:
        return None
    variable = _MEMORY.get(container.service)
    smaller = " or a smaller REASONING_CONTEXT or REASONING_MODEL" if container.service == "llamacpp-reasoning" else ""
    return problem(
        container.service,
        "was killed: it needed more memory than its limit",
        f"the limit is {(container.memory_limit or 0) / 2**20:,.0f} MiB",
        f"set {variable}{smaller} in docker/.env; then {_UP}" if variable else _UP,
    )


def _restarting(container: Container) -> list[Finding] | None:
    if container.state != "restarting" and container.restarts < _RESTARTS_TO_WORRY:
        return None
    why = container.last_error or container.said or f"exit code {container.exit_code}"
    mend = f"docker compose logs {container.service}"
    return problem(container.service, f"was started again {container.restarts} times", why, mend)


def _ended(container: Container) -> list[Finding] | None:
    if container.state not in ("exited", "dead", "paused"):
        return None
    if container.state == "paused":
        return problem(container.service, "is paused", None, f"docker compose unpause {container.service}")
    if container.once and container.exit_code == 0:
        return None
    why = container.last_error or f"exit code {container.exit_code}"
    return problem(container.service, "isn't running", why, f"docker compose logs {container.service}; {_UP}")


def _waits(container: Container) -> list[Finding] | None:
    """A model server whose model isn't there; without the reasoner and the compressor the rest works."""
    if "models volume" not in container.said:
        return None
    say = info if container.service in _OPTIONAL else problem
    return say(container.service, "waits for its model", container.said, "make models")


def _loads(container: Container) -> list[Finding] | None:
    if container.health != "starting" or (container.running_s or 0) < _SLOW_LOAD_S:
        return None
    return info(
        container.service,
        f"is loading for {container.running_s:.0f} s",
        "a slow disk, or too little memory to keep the model in",
        f"docker compose logs {container.service}; free -m",
    )


def _unhealthy(container: Container) -> list[Finding] | None:
    if container.health != "unhealthy":
        return None
    why = container.said or container.last_error or None
    return problem(container.service, "is unhealthy", why, f"docker compose logs {container.service}")


def _platform(container: Container) -> list[Finding]:
    if container.foreign_platform is None:
        return []
    return problem(
        container.service,
        f"its image is for {container.foreign_platform}, this machine isn't",
        "it is emulated, and many times slower",
        f"docker compose pull {container.service} (or build it here)",
    )
