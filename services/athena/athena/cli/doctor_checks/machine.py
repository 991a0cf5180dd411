"""The machine: memory, swap, cores, heat."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psutil

from athena.cli.doctor_checks.finding import Finding, Patient, info, ok, problem
from athena.runtime import hardware

_LEAST_MEMORY = 512 * 1024**2
_MUCH_SWAP = 1024**3
_HOT_C = 95.0
_LOOK_S = 0.3
_SYS = Path("/sys")


async def memory(_: Patient) -> list[Finding]:
    free = psutil.virtual_memory().available
    if free < _LEAST_MEMORY:
        return problem(
            "memory",
            f"only {free / 1e6:,.0f} MB of memory are free",
            "a model server may be killed or become very slow",
            "end other programs, or lower ATHENA_REASONING_CONTEXT; athena local stop frees the reasoning model",
        )
    return ok("memory", f"{free / 1e9:.1f} GB of memory are free")


async def swapping(_: Patient) -> list[Finding]:
    before = psutil.swap_memory()
    await asyncio.sleep(_LOOK_S)
    after = psutil.swap_memory()
    if after.sin > before.sin or (after.used > _MUCH_SWAP and after.percent > 50):
        return problem(
            "swapping",
            f"the machine swaps ({after.used / 1e9:.1f} GB in swap)",
            "a model that doesn't fit into memory answers a hundred times slower",
            "end other programs, or serve a smaller model (athena pull lists them)",
        )
    return ok("swapping", "nothing is swapped in")


async def cores(patient: Patient) -> list[Finding]:
    usable = hardware.threads()
    asked = patient.settings.n_threads
    if asked is not None and asked > usable:
        return problem(
            "cores",
            f"LLAMACPP_N_THREADS={asked}, but only {usable} cores may be used",
            "more threads than physical cores (within the quota) make llama-server slower",
            f"unset LLAMACPP_N_THREADS, or set it to {usable}",
        )
    quota = hardware.cgroup_quota()
    if quota is not None and quota < 1:
        return problem("cores", f"the CPU quota is {quota:.2f} cores", "that is slow for any model", "raise the quota")
    return ok("cores", f"{usable} cores for the models" + (f", quota {quota:g}" if quota is not None else ""))


async def heat(_: Patient) -> list[Finding]:
    before = _throttled()
    await asyncio.sleep(_LOOK_S)
    hottest = _hottest()
    if _throttled() > before or (hottest is not None and hottest >= _HOT_C):
        return problem(
            "heat",
            f"the processor slows itself down{f' at {hottest:.0f} °C' if hottest else ''}",
            "it is too hot",
            "let it cool: clean the fans, or lower LLAMACPP_N_THREADS",
        )
    if hottest is None:
        return info("heat", "this machine doesn't tell its temperature")
    return ok("heat", f"{hottest:.0f} °C at most")


def _throttled(root: Path = _SYS) -> int:
    """How often the cores have been throttled since the machine was started."""
    counters = root.glob("devices/system/cpu/cpu*/thermal_throttle/core_throttle_count")
    return sum(_number(counter) or 0 for counter in counters)


def _hottest(root: Path = _SYS) -> float | None:
    zones = [_number(zone) for zone in root.glob("class/thermal/thermal_zone*/temp")]
    known = [zone / 1000 for zone in zones if zone is not None]
    return max(known, default=None)


def _number(path: Path) -> int | None:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None
