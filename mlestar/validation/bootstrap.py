"""The bootstrap: how far a score on the holdout could have come out differently."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from mlestar.validation.holdout import Holdout, Scored

__all__ = ["CONFIDENCE", "drawn", "interval", "resampled_scores", "score_interval"]

CONFIDENCE = 0.95
_MOST, _LEAST = 200, 100
_MANY_COLUMNS, _LEAST_OF_MANY = 10, 30  # classes, or outputs, each of which takes as long as a score of two classes
_FEWEST_CLUSTERS = 5  # of which the resamples of fewer are nearly all alike
_WORK = 700_000  # rows that are resampled in all: some 2 s of a rank metric


def resampled_scores(holdout: Holdout, models: Sequence[Scored], most: int = _MOST) -> np.ndarray:
    """Scores of the models on resamples of the holdout, the same for all of them, so that differences are paired.

    Whole groups are drawn where the task has groups, blocks of consecutive rows where it is ordered by time
    (Künsch, 1989), rows within their class for other classification tasks, and rows elsewhere. How many resamples there
    are depends on the size of the holdout alone, and not on how fast the machine is.

    Parameters
    ----------
    holdout : Holdout
    models : sequence of Scored
    most : int
        Resamples at most.

    Returns
    -------
    array, shape (resamples, models)
        Without the resamples on which the metric is not defined; there may be none. There are none either where there
        are so few groups or blocks that the resamples would be nearly all alike.
    """
    from sklearn import config_context

    clusters = _clusters(holdout)
    if clusters is not None and len(clusters) < _FEWEST_CLUSTERS:
        return np.empty((0, len(models)))
    draw = _draw(holdout, clusters)
    columns = max(len(holdout.task.classes) - 1, holdout.task.outputs)
    least = _LEAST if columns < _MANY_COLUMNS else _LEAST_OF_MANY
    count = min(most, max(least, int(_WORK / (len(holdout) * columns))))
    rows = (draw() for _ in range(count))
    with config_context(assume_finite=True, skip_parameter_validation=True):  # they were checked before
        scores = [[holdout.score_rows(model, drawn) for model in models] for drawn in rows]
    return np.array([row for row in scores if None not in row], dtype=float).reshape(-1, len(models))


def interval(scores: np.ndarray) -> tuple[float, float] | None:
    """The percentile interval of resampled scores; None where there are none."""
    if not len(scores):
        return None
    low, high = np.quantile(scores, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def score_interval(scores: np.ndarray) -> tuple[float, float] | None:
    """The interval of a score; None also where all resamples agree.

    They do where a model makes no mistake, or predicts a constant; that says nothing about other rows.
    """
    found = interval(scores)
    return None if found is None or np.isclose(*found, rtol=1e-9, atol=0.0) else found


def drawn(holdout: Holdout) -> str:
    """What a resample draws, in words."""
    if holdout.task.splitter == "time":
        return f"blocks of {_block(holdout)} consecutive rows"
    if holdout.groups is not None:
        return "whole groups"
    return "rows within their class" if holdout.task.is_classification else "rows"


def _draw(holdout: Holdout, clusters: Sequence[np.ndarray] | None) -> Callable[[], np.ndarray]:
    """A function that draws the rows of one resample."""
    generator = np.random.default_rng(holdout.task.seed)
    if clusters is not None:
        return lambda: np.concatenate([clusters[each] for each in generator.integers(0, len(clusters), len(clusters))])
    strata = _members(holdout.y) if holdout.task.is_classification else [np.arange(len(holdout))]
    return lambda: np.concatenate([generator.choice(rows, len(rows)) for rows in strata])


def _clusters(holdout: Holdout) -> list[np.ndarray] | None:
    """The rows that are drawn together."""
    if holdout.task.splitter == "time":
        return _members(np.arange(len(holdout)) // _block(holdout))
    return _members(holdout.groups) if holdout.groups is not None else None


def _block(holdout: Holdout) -> int:
    """Consecutive rows that are drawn together where the task is ordered by time."""
    return max(int(np.sqrt(len(holdout))), 1)


def _members(values: np.ndarray) -> list[np.ndarray]:
    """The rows of each distinct value."""
    return list(pd.Series(values).groupby(values, sort=True).indices.values())
