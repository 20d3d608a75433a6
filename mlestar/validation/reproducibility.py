"""Whether the program gives the same model again."""

from __future__ import annotations

import numpy as np

from mlestar.validation.holdout import sample_rows
from mlestar.validation.outcome import Outcome
from mlestar.validation.predictions import agree, disagreement
from mlestar.validation.subject import Subject

__all__ = ["reproducibility"]

_ROWS = 2000


def reproducibility(subject: Subject) -> Outcome:
    """Refit the judged program under the same seed, and compare the predictions for the holdout.

    On all training rows, against the judged model, where that was fitted on all of them and the time that is left
    allows for it; else twice on a sample.
    """
    everything = np.arange(len(subject.source.train_y))
    rows = sample_rows(subject.task, subject.source.train_y, _ROWS)
    first, seconds = subject.refit(rows, share=0.5)
    is_whole = subject.source.rows == len(everything)
    if is_whole and len(rows) == len(everything):
        return _outcome(disagreement(subject.judged, first), len(rows))
    if is_whole and seconds * len(everything) / len(rows) < subject.source.seconds_left() / 2:
        return _outcome(disagreement(subject.judged, subject.refit(everything)[0]), len(everything))
    return _outcome(disagreement(first, subject.refit(rows)[0]), len(rows))


def _outcome(found: dict[str, int | float], rows: int) -> Outcome:
    evidence = {"fitted_rows": rows, **found}
    if agree(found):
        return Outcome("pass", f"refitted under the same seed on {rows:,} rows, it predicts the same", evidence)
    differing = f"{found['rows_that_differ']:,} of {found['rows']:,} holdout rows"
    return Outcome(
        "fail", f"refitted under the same seed on {rows:,} rows, it predicts {differing} differently", evidence
    )
