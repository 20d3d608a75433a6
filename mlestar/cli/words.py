"""How the terminal names stages, scores and times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["BEST", "ENDING_EARLY", "clock_text", "score_text", "stage_label"]

BEST = "best cross-validated"  # scores of validate, and of the summary, are of the holdout
ENDING_EARLY = "ending early with the best so far (Ctrl-C again to stop at once)"


def stage_label(event: Mapping[str, Any]) -> str:
    """How a stage of a branch is called: ``refine 1, branch 0``."""
    step, branch = event.get("step"), event.get("branch")
    return f"{event['stage']}{f' {step}' if step else ''}{f', branch {branch}' if branch is not None else ''}"


def score_text(score: float | None) -> str:
    """A score to five significant digits; empty when there is none."""
    return "" if score is None else f"{score:.5g}"


def clock_text(seconds: float) -> str:
    """A time as a clock shows it.

    Examples
    --------
    >>> [clock_text(seconds) for seconds in (5.9, 83, 3723)]
    ['0:05', '1:23', '1:02:03']
    """
    minutes, rest = divmod(int(max(seconds, 0.0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
