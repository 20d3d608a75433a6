"""Progress of a run: what the stages report while they work, and whoever watches reads."""

from __future__ import annotations

import json
import logging
import os
import time
from typing import Any

__all__ = ["EVENTS", "STAGES", "doing", "emit"]

EVENTS = "MLESTAR_EVENTS"
"""The environment variable that names the file to which events are appended."""

STAGES = ("scope", "search", "ablate", "refine", "ensemble", "validate", "finalize")
"""The stages of a run, by the names that events carry, in their order."""

logger = logging.getLogger("mlestar")


def emit(event: str, **fields: Any) -> None:
    """Log an event and, where the environment variable ``MLESTAR_EVENTS`` names a file, append it there.

    A line of the file is one JSON object ``{event, time, **fields}``; ``time`` is ``time.time()`` in seconds. A line is
    written by one ``write`` to a file opened for appending, so the lines of stages that run at once do not mix.

    Parameters
    ----------
    event : str
        What happened, with its fields; all but the last three also have ``stage``, ``branch`` and ``step``, null where
        there is none.

        ===================  ========================================================================================
        ``stage_started``
        ``budgeted``         ``seconds`` or ``evaluations`` (fits) that the stage is likely to use; absent if not known
        ``evaluating``       ``name`` of what is tried or done next; in a branch, ``share`` of its budget that is spent
        ``evaluated``        ``name``, ``share``, ``status``, ``score``, ``best`` of the branch, ``candidates`` so far
        ``stage_finished``   ``seconds``
        ``stage_failed``     ``error``, ``message``
        ``checked``          ``id`` and ``status`` of a check of the verdict
        ``note``             ``message``
        ``ending_early``     the run was asked to end with the best so far
        ===================  ========================================================================================
    **fields
        What JSON can hold; anything else is written as its ``str``.
    """
    logger.info("%s %s", event, " ".join(f"{name}={value}" for name, value in fields.items()))
    if path := os.environ.get(EVENTS):
        line = json.dumps({"event": event, "time": time.time(), **fields}, default=str) + "\n"
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(descriptor, line.encode())
        finally:
            os.close(descriptor)


def doing(stage: str, name: str) -> None:
    """Tell what a stage that is not of a branch does next."""
    emit("evaluating", stage=stage, branch=None, step=None, name=name)
