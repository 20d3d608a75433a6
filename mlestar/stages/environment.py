"""What stages may use of the machine, and the environment variables by which those of one run share it."""

from __future__ import annotations

import os

__all__ = ["DEADLINE", "SCRATCH", "STAGE_SERVER", "WORKERS", "cores"]

DEADLINE = "MLESTAR_DEADLINE"
"""The instant (``time.monotonic``, which processes of a machine share) by which all is to be done."""

SCRATCH = "MLESTAR_SCRATCH"
"""A private folder for the files of the folds."""

STAGE_SERVER = "MLESTAR_STAGE_SERVER"
"""The address of the stage server (:mod:`mlestar.stages.server`) that stages are forwarded to."""

WORKERS = "MLESTAR_WORKERS"
"""The address of the worker server that grants the cores of the machine across stages."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
