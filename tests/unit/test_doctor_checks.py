"""What the doctor says of machines that this one isn't."""

from __future__ import annotations

import os
from collections import namedtuple
from pathlib import Path

import psutil
import pytest

from athena.cli.doctor_checks import machine, place
from athena.cli.doctor_checks.finding import Patient
from athena.config import Settings
from athena.runtime import hardware


@pytest.fixture
def patient(tmp_path: Path) -> Patient:
    return Patient(Settings(home=tmp_path), "http://127.0.0.1:8000", None, None)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.fixture
def sys_tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A /sys of the test's own."""
    root = tmp_path / "sys"
    throttled, hottest = machine._throttled, machine._hottest
    monkeypatch.setattr(machine, "_throttled", lambda: throttled(root))
    monkeypatch.setattr(machine, "_hottest", lambda: hottest(root))
    monkeypatch.setattr(machine, "_LOOK_S", 0.0)
    return root


async def test_a_hot_processor_is_a_problem(patient: Patient, sys_tree: Path) -> None:
    write(sys_tree / "class/thermal/thermal_zone0/temp", "45000\n")
    write(sys_tree / "class/thermal/thermal_zone1/temp", "unknown\n")
    (cool,) = await machine.heat(patient)
    assert (cool.state, cool.what) == ("ok", "45 °C at most")
    write(sys_tree / "class/thermal/thermal_zone1/temp", "99000\n")
    (hot,) = await machine.heat(patient)
    assert hot.state == "problem"
    assert "99 °C" in hot.what


async def test_a_processor_that_throttles_while_it_is_looked_at_is_a_problem(
    patient: Patient, sys_tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = iter([7, 8])
    monkeypatch.setattr(machine, "_throttled", lambda: next(counts))
    (found,) = await machine.heat(patient)
    assert found.state == "problem"


async def test_swapping_is_a_problem(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    swap = namedtuple("swap", "used percent sin")
    seen = iter([swap(100, 1.0, 5), swap(100, 1.0, 6)])
    monkeypatch.setattr(machine, "_LOOK_S", 0.0)
    monkeypatch.setattr(psutil, "swap_memory", lambda: next(seen))
    (found,) = await machine.swapping(patient)
    assert found.state == "problem"


async def test_little_memory_is_a_problem(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    memory = namedtuple("memory", "available")
    monkeypatch.setattr(psutil, "virtual_memory", lambda: memory(100 * 1024**2))
    (found,) = await machine.memory(patient)
    assert found.state == "problem"
    assert "105 MB" in found.what


async def test_a_small_quota_is_a_problem(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "cgroup_quota", lambda: 0.5)
    (found,) = await machine.cores(patient)
    assert found.state == "problem"
    assert "0.50" in found.what


async def test_a_full_disk_is_a_problem(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(place.shutil, "disk_usage", lambda _: usage(10, 9, 1))
    (found,) = await place.disk(patient)
    assert found.state == "problem"


async def test_a_home_that_cannot_be_written_is_a_problem(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place.os, "access", lambda *_: False)
    (found,) = await place.home(patient)
    assert found.state == "problem"
    assert "ATHENA_HOME" in (found.mend or "")


async def test_only_recent_faults_of_the_logs_are_told(patient: Patient) -> None:
    logs = patient.settings.logs_dir
    write(logs / "api.log", '{"level": "info"}\n{"event": "boom", "level": "error"}\n{"level": "info"}\n')
    write(logs / "embeddings.log", "all is well\nno errors found\n")
    (found,) = await place.logs(patient)
    assert found.what.startswith("api.log: ")
    assert "boom" in found.what

    os.utime(logs / "api.log", (0, 0))
    (found,) = await place.logs(patient)
    assert found.state == "ok"
