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
    """A score to five significant digits, and without an exponent where it is large; empty when there is none.

    Examples
    --------
    >>> [score_text(score) for score in (0.9876543, 51234.56, 1234567.8, None)]
    ['0.98765', '51235', '1,234,568', '']
    """
    if score is None:
        return ""
    return f"{score:.5g}" if abs(score) < 1e5 else f"{score:,.0f}"


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
