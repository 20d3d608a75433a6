"""What fitting a solution on all training rows is likely to take, by what its folds took."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlestar.data.task import Task
from mlestar.evaluation.folds import Fold
from mlestar.solution import Solution
from mlestar.stages.environment import cores

__all__ = ["CERTAINTY", "refit_seconds", "seconds_together"]

CERTAINTY = 0.7
"""Of what a fit may take, what it may be expected to take: estimates are rough."""


_SIDE_BY_SIDE = 1.25  # times what an even division among the cores would take: Python code runs one at a time


def seconds_together(fits: Sequence[float]) -> float:
    """Seconds for fits that a program runs side by side on all cores: of its members, and of its folds.

    Parameters
    ----------
    fits : sequence of float
        Seconds of each alone.
    """
    lanes = min(cores(), len(fits))
    return max(*fits, sum(fits) / lanes * _SIDE_BY_SIDE) if lanes > 1 else sum(fits)


def refit_seconds(solution: Solution, fold_seconds: float, folds: Sequence[Fold], rows: int, task: Task) -> float:
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
    task : Task
    """
    share = float(np.mean([len(fold.train) for fold in folds])) / rows
    crossed = task.folds if solution.needs_out_of_fold else 0
    return fold_seconds / share + seconds_together([fold_seconds] * crossed)
