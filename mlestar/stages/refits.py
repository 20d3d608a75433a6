"""What fitting a solution on all training rows is likely to take, by what its folds took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlestar.data.task import Task
from mlestar.evaluation.folds import Fold
from mlestar.recipes import find_recipe, knows_recipe
from mlestar.recipes.recipe import cells
from mlestar.solution import FIT_THREADS, Solution
from mlestar.stages.environment import cores

__all__ = ["CERTAINTY", "Refit", "refit", "seconds_together"]

CERTAINTY = 0.7
"""Of what a fit may take, what it may be expected to take: estimates are rough."""


_WORTH_THREADS = 5.0  # seconds with one thread; in what is short, they wait for each other more than they work
_WITH_ALL_CORES = 0.6  # times what a fit takes with one of them
_SIDE_BY_SIDE = 1.25  # times what an even division among the cores would take: Python code runs one at a time
_FEW_CELLS = 30_000  # of which a fit is mostly Python code


def seconds_together(fits: Sequence[float], task: Task) -> float:
    """Seconds for fits that a program runs side by side on all cores: of its members, and of its folds.

    Parameters
    ----------
    fits : sequence of float
        Seconds of each alone.
    task : Task
    """
    lanes = min(cores(), len(fits)) if cells(task) > _FEW_CELLS else 1
    return max(*fits, sum(fits) / lanes * _SIDE_BY_SIDE) if lanes > 1 else sum(fits)


class Refit(NamedTuple):
    """What a fit on all training rows is likely to take, with how many threads."""

    seconds: float
    threads: int


def _threads(solution: Solution, seconds: float) -> int:
    """How many threads a fit that takes so long with one of them may use: it must come to the same with all.

    Where several members are fitted side by side, these use the cores.
    """
    first, *others = solution.members
    name = first["model"].name
    is_alone = not others and solution.fits == 1 and not solution.needs_out_of_fold
    is_alike = knows_recipe("model", name) and find_recipe("model", name).threads
    return cores() if is_alone and is_alike and seconds >= _WORTH_THREADS else FIT_THREADS


def refit(solution: Solution, fold_seconds: float, folds: Sequence[Fold], rows: int, task: Task) -> Refit:
    """One fit on all training rows.

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
    seconds = fold_seconds / share + seconds_together([fold_seconds] * crossed, task)
    threads = _threads(solution, seconds)
    return Refit(seconds * (_WITH_ALL_CORES if threads > 1 else 1.0), threads)
