"""What the evaluation of a solution comes to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from mlestar.evaluation.store import Record
from mlestar.solution import Solution

__all__ = ["Evaluation", "FoldScore", "Work", "asked_for", "on_folds", "summary"]

_ASKED_FOR = "asked for "


def asked_for(folds: int, of: int) -> str:
    """The reason why an evaluation that went well is no candidate's: it was asked for some of the folds only."""
    return f"{_ASKED_FOR}{folds} of {of} folds"


def on_folds(reason: str | None) -> str:
    """What to add to a figure of which an evaluation gives such a reason; nothing of any other.

    Examples
    --------
    >>> on_folds(asked_for(2, of=5))
    ' (2 of 5 folds)'
    """
    return f" ({reason.removeprefix(_ASKED_FOR)})" if reason and reason.startswith(_ASKED_FOR) else ""


@dataclass(frozen=True)
class FoldScore:
    """What one fold gave: the stored record, its score, and whether it was executed now."""

    record: Record
    score: float | None
    executed: bool

    @property
    def seconds(self) -> float:
        """Fit and predict."""
        return self.record.fit_seconds + self.record.predict_seconds


@dataclass(frozen=True)
class Work:
    """What an evaluation has cost: fits, how many of them were executed now, the seconds that the others once took."""

    fits: int
    executed: int
    stored_seconds: float


@dataclass(frozen=True)
class Evaluation:
    """A solution's result over the folds.

    Attributes
    ----------
    status : {"ok", "failed", "timeout", "out_of_memory", "invalid_score", "pruned"}
    score : float or None
        Mean over the folds that ran; None when one of them failed.
    fold_scores : tuple of float
    predictions : ndarray (rows, outputs) or None
        Out of fold, mean over repeats; NaN for rows that no fold validates.
    seconds : float
        Fit and predict, summed over the folds, also where they were recorded earlier.
    folds : int
        That it ran on.
    fits, executed : int
        Evaluations that this counts as, and those of them that were executed now.
    """

    solution: Solution
    status: str
    reason: str | None = None
    score: float | None = None
    fold_scores: tuple[float, ...] = ()
    predictions: np.ndarray | None = field(default=None, repr=False)
    seconds: float = 0.0
    stored_seconds: float = 0.0
    peak_mb: float = 0.0
    folds: int = 0
    fits: int = 0
    executed: int = 0

    @property
    def ok(self) -> bool:
        """Whether it ran on every fold."""
        return self.status == "ok"


def summary(
    solution: Solution,
    status: str,
    reason: str | None,
    results: Sequence[FoldScore],
    predictions: np.ndarray | None = None,
    *,
    work: Work,
) -> Evaluation:
    """The evaluation of a solution, from the folds that ran; of a reason, the first line."""
    scores = tuple(result.score for result in results if result.score is not None)
    return Evaluation(
        solution=solution,
        status=status,
        reason=reason and reason.splitlines()[0],
        score=float(np.mean(scores)) if status in ("ok", "pruned") else None,
        fold_scores=scores,
        predictions=predictions,
        seconds=sum(result.seconds for result in results),
        stored_seconds=work.stored_seconds,
        peak_mb=max((result.record.peak_mb for result in results), default=0.0),
        folds=len(results),
        fits=work.fits,
        executed=work.executed,
    )
