"""Whether every part of a split has the variety without which nothing can be learnt or judged there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlestar.data.splits import training_rows, validation_rows
from mlestar.data.task import Task
from mlestar.errors import DataError, quoted

__all__ = ["require_variety"]

_RELATIVE_METRICS = ("r2", "pearson")  # which divide by the spread of the target
_REMEDIES = {
    "time": "write fewer validation.folds, or leave task.time out",
    "stratified_group": "write fewer validation.folds, or name another task.group",
    "stratified": "write a larger validation.holdout, or add data",
}


def require_variety(y: NDArray[Any], held_out: NDArray[Any], folds: NDArray[np.int8], task: Task) -> None:
    """Refuse a split of which some part has rows of one class only, or of one value for a metric that is relative.

    Parameters
    ----------
    y : array, shape (rows,) or (rows, outputs)
        Class numbers or values of the training rows.
    held_out : array, shape (held-out rows,) or (held-out rows, outputs)
        Those of the holdout.
    folds : array of int8, shape (repeats, rows)
        As :func:`~mlestar.data.splits.make_folds` gives them.
    task : Task

    Raises
    ------
    DataError
    """
    if task.is_classification:
        for part, numbers in (*_judging(y, held_out, folds), *_training(y, folds, task)):
            if (numbers == numbers[0]).all():
                label = quoted(task.classes[numbers[0]])
                raise DataError(f"{_at(task, 0)}: {part} rows of class {label} only; {_REMEDIES[task.splitter]}")
    elif task.metric in _RELATIVE_METRICS:
        for part, values in _judging(y, held_out, folds):
            if (alike := (values == values[0]).all(axis=0)).any():
                place = _at(task, int(np.argmax(alike)))
                raise DataError(
                    f"{place}: {part} rows of one value only, for which {task.metric} is not defined; write fewer "
                    "validation.folds, or use rmse or mae"
                )


def _at(task: Task, output: int) -> str:
    return f"target {quoted(task.targets[output])}"


def _judging(y: NDArray[Any], held_out: NDArray[Any], folds: NDArray[np.int8]) -> Iterator[tuple[str, NDArray[Any]]]:
    yield "the holdout has", held_out
    for repeat, fold in _numbers(folds):
        yield f"fold {fold + 1} is judged by", y[validation_rows(folds, repeat, fold)]


def _training(y: NDArray[Any], folds: NDArray[np.int8], task: Task) -> Iterator[tuple[str, NDArray[Any]]]:
    for repeat, fold in _numbers(folds):
        rows = training_rows(folds, repeat, fold, splitter=task.splitter, gap=task.gap)
        yield f"fold {fold + 1} trains on", y[rows]


def _numbers(folds: NDArray[np.int8]) -> Iterator[tuple[int, int]]:
    for repeat, numbers in enumerate(folds):
        for fold in range(numbers.max() + 1):
            yield repeat, fold
