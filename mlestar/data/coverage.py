"""Whether every part of a split has the classes without which it says nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlestar.data.splits import training_rows, validation_rows
from mlestar.data.task import Task
from mlestar.errors import DataError, quoted

__all__ = ["require_classes"]

_REMEDIES = {
    "time": "write fewer validation.folds, or leave task.time out",
    "stratified_group": "write fewer validation.folds, or name another task.group",
    "stratified": "write a larger validation.holdout, or add data",
}


def require_classes(y: NDArray[Any], held_out: NDArray[Any], folds: NDArray[np.int8], task: Task) -> None:
    """Refuse a split of which some part has rows of one class only: nothing can be learnt or judged there.

    Parameters
    ----------
    y : array of int, shape (rows,)
        Class numbers of the training rows.
    held_out : array of int, shape (held-out rows,)
        Class numbers of the holdout.
    folds : array of int8, shape (repeats, rows)
        As :func:`~mlestar.data.splits.make_folds` gives them.
    task : Task
        A regression passes.

    Raises
    ------
    DataError
    """
    if not task.is_classification:
        return
    for part, numbers in [("the holdout has", held_out), *_parts(y, folds, task)]:
        if len(found := np.unique(numbers)) == 1:
            label = quoted(task.classes[found[0]])
            raise DataError(
                f"target {quoted(task.targets[0])}: {part} rows of class {label} only; {_REMEDIES[task.splitter]}"
            )


def _parts(y: NDArray[Any], folds: NDArray[np.int8], task: Task) -> Iterator[tuple[str, NDArray[Any]]]:
    for repeat, numbers in enumerate(folds):
        for fold in range(numbers.max() + 1):
            train = training_rows(folds, repeat, fold, splitter=task.splitter, gap=task.gap)
            yield f"fold {fold + 1} trains on", y[train]
            yield f"fold {fold + 1} is judged by", y[validation_rows(folds, repeat, fold)]
