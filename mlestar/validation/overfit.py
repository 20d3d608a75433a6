"""Whether the holdout confirms the score that the search saw."""

from __future__ import annotations

from mlestar.validation.outcome import Outcome, number
from mlestar.validation.subject import Subject

__all__ = ["overfit"]

_FAR = 3.0  # half widths of the interval


def overfit(subject: Subject) -> Outcome:
    """The cross-validated score against the holdout, in half widths of the holdout's interval."""
    expected, found = subject.source.score, subject.judged.score
    gap, unit = subject.holdout.gain(expected, found), subject.half_width
    ratio = gap / unit if unit else None
    evidence = {
        "cross_validation": expected,
        "holdout": found,
        "gap": gap,
        "half_width": unit,
        "gap_in_half_widths": ratio,
    }
    scores = f"{number(found)} on the holdout, {number(expected)} in cross-validation"
    if gap <= unit:
        return Outcome("pass", f"{scores}: no worse than chance explains", evidence)
    if not subject.tells_noise:
        return Outcome("warn", f"{scores}; too few rows or groups to tell the difference from noise", evidence)
    if ratio is not None and ratio <= _FAR:
        return Outcome("warn", f"{scores}: worse by {ratio:.1f} half widths of the interval", evidence)
    return Outcome("fail", f"{scores}: the search has overfitted, or the holdout is of another kind", evidence)
