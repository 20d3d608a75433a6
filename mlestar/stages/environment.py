"""What stages may use of the machine, and the environment variables by which those of one run share it."""

from __future__ import annotations

import os
from math import ceil

from mlestar.stages.control_groups import cpu_limit, memory_left

__all__ = [
    "DEADLINE",
    "ENDING",
    "SCRATCH",
    "STAGE_SERVER",
    "WORKERS",
    "cores",
    "ending_early",
    "memory_available",
]

DEADLINE = "MLESTAR_DEADLINE"
"""The instant (``time.monotonic``, which processes of a machine share) by which all is to be done."""

ENDING = "MLESTAR_ENDING"
"""A file that is there from when the run is to end early, with the best so far."""

SCRATCH = "MLESTAR_SCRATCH"
"""A private folder for the files of the folds."""

STAGE_SERVER = "MLESTAR_STAGE_SERVER"
"""The address of the stage server (:mod:`mlestar.stages.server`) that stages are forwarded to."""

WORKERS = "MLESTAR_WORKERS"
"""The address of the worker server that grants the cores of the machine across stages."""


def ending_early() -> bool:
    """Whether whoever watches the run has asked for its end: nothing more is tried, what comes after is kept short."""
    return ENDING in os.environ and os.path.exists(os.environ[ENDING])


def cores() -> int:
    """Cores that this process may use: those that it may run on, as many as its control group gives it the time of."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, ceil(cpu_limit() or usable))


def memory_available() -> float:
    """Bytes that are free for this process: on the machine, and in its control group."""
    import psutil

    free = float(psutil.virtual_memory().available)
    left = memory_left()
    return free if left is None else max(min(free, left), 0.0)
