"""How many threads a model server should get on this machine."""

from __future__ import annotations

import math
import os
from pathlib import Path

import psutil

_CGROUP = Path("/sys/fs/cgroup")


def threads() -> int:
    """Physical cores within what this process may use.

    llama.cpp looks neither at a container's quota nor at its own affinity, and
    more threads than physical cores make it slower.
    """
    usable = _affinity()
    physical = psutil.cpu_count(logical=False) or usable
    logical = psutil.cpu_count(logical=True) or usable
    cores = max(1, round(usable * physical / max(logical, physical)))
    quota = cgroup_quota()
    return max(1, min(cores, math.floor(quota))) if quota is not None else cores


def cgroup_quota(root: Path = _CGROUP) -> float | None:
    """CPUs that the cgroup grants, None if it doesn't limit them (or there are no cgroups)."""
    try:
        quota, period = (root / "cpu.max").read_text().split()
        return None if quota == "max" else int(quota) / int(period)
    except (OSError, ValueError):
        pass
    try:
        v1 = root / "cpu"
        limit = int((v1 / "cpu.cfs_quota_us").read_text())
        return None if limit <= 0 else limit / int((v1 / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None


def _affinity() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
