"""What fitting a solution on all training rows is likely to take, by what its folds took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlestar.evaluation.folds import Fold
from mlestar.solution import Solution

__all__ = ["CERTAINTY", "refit_seconds"]

CERTAINTY = 0.7
"""Of what a fit may take, what it may be expected to take: estimates are rough."""


def refit_seconds(solution: Solution, fold_seconds: float, folds: Sequence[Fold], rows: int) -> float:
    """Seconds for one fit on all training rows.

    Parameters
    ----------
    solution : Solution
        Where something is fitted on out-of-fold predictions, ``fit`` fits the members once per fold as well.
    fold_seconds : float
        That one fold took, for all members together.
    folds : sequence of Fold
    rows : int
        Of the training data.
    """
    share = float(np.mean([len(fold.train) for fold in folds])) / rows
    crossed = sum(fold.repeat == 0 for fold in folds) if solution.needs_out_of_fold else 0
    return fold_seconds * (1 / share + crossed)
