"""How many threads loops use: decided once, when ``dmic`` is imported, before any library starts its own.

PyTorch and numba share one OpenMP library here. Left alone, numba's first parallel loop widens that library to all cores,
whatever OMP_NUM_THREADS says, and from then on PyTorch computes with more threads than it was given. Two such runs side
by side are many times slower than one after the other, because OpenMP's threads spin while they wait for each other.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

__all__ = ["available_cpus", "configure_threads"]


def available_cpus() -> int:
    """Return the number of CPU cores this process may use: affinity and container quota, at least 1."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # macOS, Windows
        count = os.cpu_count() or 1
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        count = min(count, math.ceil(int(quota) / int(period)))
    except (OSError, ValueError):  # no control groups here, or no limit ("max")
        pass
    return max(count, 1)


def configure_threads() -> None:
    """Give numba as many threads as OMP_NUM_THREADS allows, else one per core, and let waiting threads sleep.

    Environment variables that are set already are kept. Libraries read them as they are imported, so this must come
    first; ``import dmic`` calls it.
    """
    given = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]  # may be a list, one count for each level
    count = given if given.isdigit() and int(given) > 0 else str(available_cpus())
    os.environ.setdefault("NUMBA_NUM_THREADS", count)
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
