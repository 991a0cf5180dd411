"""`athena stack`: the engine asked through the package `docker`."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.stack.stack import ROOT, SERVING, Stack, wait


def athena(stack: Stack, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {**stack.environment(), "PYTHONPATH": str(ROOT / "services" / "athena"), **environment}
    return subprocess.run(
        [sys.executable, "-m", "athena", "stack", *words],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_status_shows_each_container(stack: Stack) -> None:
    stack.wait_healthy()
    found = {each["service"]: each for each in json.loads(athena(stack, "status", "--json").stdout)}
    assert found.keys() == {*SERVING, "secrets", "migrate"}
    for service in SERVING:
        assert found[service]["health"] == "healthy"
        assert 0 < found[service]["memory"] < found[service]["memory_limit"]
        assert found[service]["foreign_platform"] is None
    assert found["migrate"]["once"]
    table = athena(stack, "status").stdout
    for column in ("healthy", "done", "athena:local", "MiB"):
        assert column in table


def test_doctor_finds_what_was_done_to_a_container(stack: Stack) -> None:
    stack.wait_healthy()
    assert athena(stack, "doctor").returncode == 0
    stack.compose("stop", "--timeout", "10", "compressor")
    stack.compose("pause", "llamacpp-reasoning")
    try:
        done = athena(stack, "doctor", "--json")
        assert done.returncode == 1
        found = {finding["check"]: finding for finding in json.loads(done.stdout)}
        assert found["llamacpp-reasoning"]["mend"] == "docker compose unpause llamacpp-reasoning"
        assert found["compressor"]["what"] == "isn't running"
    finally:
        stack.compose("unpause", "llamacpp-reasoning")
        stack.compose("start", "compressor")
    stack.wait_healthy()
    wait(lambda: athena(stack, "doctor").returncode == 0, "nothing is wrong any more", 30)


def test_a_daemon_that_is_away_is_named_with_what_starts_it(stack: Stack) -> None:
    done = athena(stack, "status", DOCKER_HOST="unix:///nonexistent/docker.sock")
    assert done.returncode == 1
    assert "Docker's daemon doesn't answer" in done.stderr
    assert "systemctl start docker" in done.stderr
