"""The environment variables by which the stages of one run on one machine share what is costly to have twice."""

from __future__ import annotations

__all__ = ["DEADLINE", "SCRATCH", "STAGE_SERVER", "WORKERS"]

DEADLINE = "MLESTAR_DEADLINE"
"""The instant (``time.monotonic``, which processes of a machine share) by which all is to be done."""

SCRATCH = "MLESTAR_SCRATCH"
"""A private folder for the files of the folds."""

STAGE_SERVER = "MLESTAR_STAGE_SERVER"
"""The address of the stage server (:mod:`mlestar.stages.server`) that stages are forwarded to."""

WORKERS = "MLESTAR_WORKERS"
"""The address of the worker server that grants the cores of the machine across stages."""
