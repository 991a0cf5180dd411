"""What is told of containers, from what the engine says of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from athena.cli.doctor_checks.containers import diagnose, stack
from athena.cli.doctor_checks.finding import Patient
from athena.config import Settings
from athena.runtime.containers import Container, last_error, memory_in_use

WELL = Container(
    service="athena",
    name="athena-athena-1",
    state="running",
    health="healthy",
    image="athena:local",
    foreign_platform=None,
    exit_code=0,
    killed_for_memory=False,
    restarts=0,
    running_s=60.0,
    memory=100 << 20,
    memory_limit=512 << 20,
    said="",
    last_error="",
    once=False,
)
REASONER = replace(WELL, service="llamacpp-reasoning", name="athena-llamacpp-reasoning-1", memory_limit=4352 << 20)
DONE = replace(WELL, service="migrate", state="exited", health=None, once=True)


async def test_an_engine_that_is_away_is_named_to_who_has_docker_and_no_athena(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nonexistent/docker.sock")
    patient = Patient(Settings(home=tmp_path), "http://127.0.0.1:8000", None, None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert await stack(patient) == []
    (tmp_path / "docker").write_text("#!/bin/sh\n")
    (tmp_path / "docker").chmod(0o755)
    (finding,) = await stack(patient)
    assert (finding.state, finding.what) == ("info", "Docker's daemon doesn't answer")
    assert "systemctl start docker" in (finding.mend or "")
    assert await stack(replace(patient, health={"parts": {}})) == []


def test_nothing_is_wrong_with_what_is_well() -> None:
    (finding,) = diagnose([WELL, REASONER, DONE])
    assert (finding.state, finding.what) == ("ok", "2 run, all healthy")


def test_no_containers_is_no_fault_and_says_how_to_have_some() -> None:
    (finding,) = diagnose([])
    assert finding.state == "info"
    assert finding.mend == "cd docker && docker compose up -d"


TROUBLES = {
    "port taken": (
        replace(WELL, state="created", said="Bind for 127.0.0.1:8000 failed: port is already allocated"),
        "its port is taken",
        "ATHENA_PORT",
    ),
    "out of memory": (
        replace(REASONER, state="restarting", killed_for_memory=True, exit_code=137),
        "needed more memory",
        "REASONING_MEMORY or a smaller REASONING_CONTEXT",
    ),
    "crash loop": (replace(WELL, restarts=7, last_error="athena: ATHENA_PORT: wrong"), "7 times", "logs athena"),
    "ended": (replace(WELL, state="exited", exit_code=1, last_error="FATAL: no"), "isn't running", "compose up -d"),
    "migration failed": (replace(DONE, exit_code=1), "isn't running", "logs migrate"),
    "paused": (replace(WELL, state="paused"), "is paused", "unpause athena"),
    "unhealthy": (replace(WELL, health="unhealthy", said="503"), "is unhealthy", "logs athena"),
    "no embedder": (
        replace(WELL, service="llamacpp-embeddings", health="unhealthy", said="no x.gguf in the models volume: …"),
        "waits for its model",
        "make models",
    ),
    "emulated": (replace(WELL, foreign_platform="arm64"), "is for arm64", "pull athena"),
}


@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_is_named_with_what_mends_it(name: str) -> None:
    container, what, mend = TROUBLES[name]
    (finding,) = diagnose([container, DONE])
    assert finding.state == "problem"
    assert what in finding.what
    assert finding.mend is not None
    assert mend in finding.mend


def test_a_missing_reasoner_and_a_slow_load_are_worth_knowing_and_no_problem() -> None:
    absent = replace(REASONER, health="unhealthy", said="no y.gguf in the models volume: …")
    slow = replace(REASONER, health="starting", running_s=200.0)
    for container in (absent, slow):
        (finding,) = diagnose([container])
        assert finding.state == "info"
    assert diagnose([replace(slow, running_s=20.0)])[0].state == "ok"


def test_memory_is_counted_without_what_the_kernel_would_drop() -> None:
    assert memory_in_use({"memory_stats": {"usage": 100, "stats": {"inactive_file": 30}}}) == 70
    assert (
        memory_in_use({"memory_stats": {"usage": 100, "stats": {"total_inactive_file": 40, "inactive_file": 1}}}) == 60
    )
    assert memory_in_use({"memory_stats": {}}) is None
    assert memory_in_use({}) is None


def test_the_last_line_that_tells_of_an_error() -> None:
    log = '{"level": "info"}\n{"event": "a", "level": "error"}\n2026 [1] FATAL:  no\nbye\n'
    assert last_error(log) == "2026 [1] FATAL:  no"
    assert last_error("all is well\nno errors here\n") == ""
