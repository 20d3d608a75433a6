"""The holdout: its rows, and what predictions for them are worth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from mlestar.data.tables import read_arrow
from mlestar.data.task import Task
from mlestar.evaluation import InvalidScore, get_metric
from mlestar.evaluation.folds import read_target

__all__ = ["Holdout", "Scored", "sample_rows"]


@dataclass(frozen=True)
class Scored:
    """A model's predictions for the holdout, and their score.

    Attributes
    ----------
    values : array, shape (rows, k), (rows,) or (rows, outputs)
        Probabilities, or values.
    labels : array of int, shape (rows,), or None
    score : float
    """

    values: np.ndarray
    labels: np.ndarray | None
    score: float


class Holdout:
    """The rows that nothing before has seen; the target stays in this process.

    Parameters
    ----------
    task : Task
    directory : Path
        ``features.arrow`` and ``target.arrow``, as scope writes them.

    Attributes
    ----------
    features : DataFrame
    y : array, shape (rows,) or (rows, outputs)
    groups : array, shape (rows,), or None
    """

    def __init__(self, task: Task, directory: Path) -> None:
        self.task = task
        self.metric = get_metric(task.metric, task.type)
        self.features_file = directory / "features.arrow"
        self.features = read_arrow(self.features_file)
        self.y = read_target(directory, task)
        target = read_arrow(directory / "target.arrow")
        self.groups = target["group"].to_numpy() if "group" in target else None

    def __len__(self) -> int:
        return len(self.y)

    def score(
        self, values: np.ndarray, labels: np.ndarray | None = None, rows: np.ndarray | slice = slice(None)
    ) -> float:
        """The metric of predictions for ``rows``.

        Raises
        ------
        InvalidScore
        """
        return self.metric.score(self.y[rows], values, labels)

    def score_rows(self, scored: Scored, rows: np.ndarray) -> float | None:
        """The metric of some of the rows; None where it is not defined for them."""
        labels = None if scored.labels is None else scored.labels[rows]
        try:
            return self.score(scored.values[rows], labels, rows)
        except InvalidScore:
            return None

    def scored(self, values: np.ndarray, labels: np.ndarray | None) -> Scored:
        """Predictions for all rows with their score.

        Raises
        ------
        InvalidScore
        """
        return Scored(values, labels, self.score(values, labels))

    def gain(self, new: float, old: float) -> float:
        """As that of the metric."""
        return self.metric.gain(new, old)


def sample_rows(task: Task, y: np.ndarray, count: int) -> np.ndarray:
    """Positions of ``count`` rows at random, in their order; every class keeps its share, and at least one row."""
    order = np.random.default_rng(task.seed).permutation(len(y))
    if task.is_classification:
        drawn = pd.Series(y[order])
        by_class = drawn.groupby(drawn)
        order = order[np.argsort(by_class.cumcount() / by_class.transform("size"), kind="stable")]
    return np.sort(order[:count])
