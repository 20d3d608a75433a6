"""Suspected leakage: what makes a score in validation better than it will be in use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlestar.data.task import Task
from mlestar.errors import quoted

__all__ = ["Suspicion", "suspected_leaks", "suspicions"]

_SAMPLE, _LEAST_SAMPLE, _CELLS = 5_000, 1_000, 2_000_000  # rows at most and at least, and rows times columns
_MOST_BINS, _LEAST_IN_BIN = 64, 8
_DEVIATIONS = 3.0  # of the correlation ratio of noise, above which a column says more than that
_DEPTH = 6
_NEARLY_PERFECT_ROC_AUC = 0.995
_NEARLY_PERFECT_R2 = 0.98
_IDENTIFIER_SHARE = 0.95
_DUPLICATE_SHARE = 0.01
_COUNTED_SHARE = 0.5  # of the numbers from the first to the last: a holdout has the others


@dataclass(frozen=True)
class Suspicion:
    """A sentence that ends with the remedy, and the column that it is about, where there is one."""

    sentence: str
    column: str | None = None


def suspected_leaks(frame: pd.DataFrame, y: NDArray[Any], task: Task) -> list[str]:
    """What a person should look at before believing a score; each sentence ends with the remedy.

    The parameters are those of :func:`suspicions`.
    """
    return [each.sentence for each in suspicions(frame, y, task)]


def suspicions(frame: pd.DataFrame, y: NDArray[Any], task: Task) -> list[Suspicion]:
    """What may make a score better than the model will be in use.

    Parameters
    ----------
    frame : DataFrame
        Training rows, typed.
    y : array, shape (rows,) or (rows, outputs)
        Class numbers or values.
    task : Task
    """
    return [*_duplicates(frame, task), *_identifiers(frame, task), *_telling_columns(frame, y, task)]


def _duplicates(frame: pd.DataFrame, task: Task) -> list[Suspicion]:
    repeated = int(frame[[*task.features, *task.targets]].duplicated().sum())
    if repeated < _DUPLICATE_SHARE * len(frame):
        return []
    share = f"{repeated} of {len(frame)} rows ({repeated / len(frame):.1%})"
    remedy = "remove them unless they recur in use"
    return [Suspicion(f"{share} repeat an earlier row and can be on both sides of a split; {remedy}")]


def _identifiers(frame: pd.DataFrame, task: Task) -> list[Suspicion]:
    """Features that name the row: another string in nearly every one, or the number of the row."""
    found = []
    for column in task.columns:
        if column.role == "categorical" and column.unique > _IDENTIFIER_SHARE * task.rows:
            sentence = "differs in nearly every row, like an identifier; forbid it as a feature"
            found.append(Suspicion(f"{quoted(column.name)} {sentence}", column.name))
        elif column.role == "numeric" and column.name != task.time and _counts_up(frame[column.name]):
            sentence = f"{quoted(column.name)} counts the rows of the file; forbid it as a feature"
            found.append(Suspicion(sentence, column.name))
    return found


def _counts_up(column: pd.Series) -> bool:
    """Whether it is the number of the row, also where some rows are held out, so that numbers are missing."""
    if not pd.api.types.is_numeric_dtype(column):
        return False
    first, last = column.iloc[[0, -1]]
    steps = column.diff().iloc[1:]
    return bool((steps >= 1).all() and (steps % 1 == 0).all() and len(column) >= _COUNTED_SHARE * (last - first + 1))


def _telling_columns(frame: pd.DataFrame, y: NDArray[Any], task: Task) -> list[Suspicion]:
    """Columns that alone, fitted on one half of a sample, predict the target of the other half nearly perfectly."""
    from sklearn.metrics import r2_score

    sample = min(_SAMPLE, max(_LEAST_SAMPLE, _CELLS // len(task.columns)))
    rows = np.random.default_rng(task.seed).permutation(len(frame))[:sample]
    frame, y = frame.iloc[rows], y[rows]
    fitted, scored = np.array_split(np.arange(len(rows)), 2)
    if task.is_classification:
        occurring = np.intersect1d(np.unique(y[fitted]), np.unique(y[scored]))
        if len(occurring) < 2:
            return []
        y = (y[:, None] == occurring).astype(float)
        measure, score, least = "ROC AUC", _mean_area, _NEARLY_PERFECT_ROC_AUC
    else:
        measure, score, least = "R2", r2_score, _NEARLY_PERFECT_R2
    found = []
    numeric = _more_than_chance(frame[list(task.numeric)], y)
    for name, predict in [(each, _by_tree) for each in numeric] + [(each, _by_category) for each in task.categorical]:
        reached = score(y[scored], predict(frame[name].iloc[fitted], y[fitted], frame[name].iloc[scored]))
        if reached >= least:
            sentence = f"{quoted(name)} alone predicts the target nearly perfectly ({measure} {reached:.3f}); forbid it"
            found.append(Suspicion(f"{sentence} as a feature if it is known only afterwards", name))
    return found


def _more_than_chance(numbers: pd.DataFrame, y: NDArray[Any]) -> list[str]:
    """The columns whose order says more of the target than chance would: a tree for each takes long where many are.

    By the correlation ratio: the share of the target's variance that lies between as many bins of equal size.
    """
    values = np.column_stack([_as_numbers(column) for _, column in numbers.items()] or [np.empty((len(y), 0))])
    order, targets = np.argsort(values, axis=0), np.asarray(y, dtype=np.float64).reshape(len(y), -1)
    bins = max(min(_MOST_BINS, len(y) // _LEAST_IN_BIN), 2)
    starts = np.linspace(0, len(y), bins, endpoint=False).astype(int)
    sizes = np.diff([*starts, len(y)])[:, None]
    ratios = np.zeros(values.shape[1])
    for target in (targets - targets.mean(axis=0)).T:
        between = (np.add.reduceat(target[order], starts, axis=0) ** 2 / sizes).sum(axis=0)
        ratios = np.maximum(ratios, between / max(float((target**2).sum()), np.finfo(float).tiny))
    chance, deviation = (bins - 1) / (len(y) - 1), np.sqrt(2 * (bins - 1)) / len(y)
    return [name for name, ratio in zip(numbers, ratios, strict=True) if ratio > chance + _DEVIATIONS * deviation]


def _mean_area(y: NDArray[Any], predicted: NDArray[Any]) -> float:
    """The area under the ROC curve by ranks, mean over the columns: scikit-learn's takes longer than the tree."""
    from scipy.stats import rankdata

    ranks, ones = rankdata(predicted, axis=0), y.sum(axis=0)
    return float(np.mean(((ranks * y).sum(axis=0) - ones * (ones + 1) / 2) / (ones * (len(y) - ones))))


def _by_tree(column: pd.Series, y: NDArray[Any], new: pd.Series) -> NDArray[Any]:
    from sklearn.tree import DecisionTreeRegressor

    numbers, new_numbers = (_as_numbers(each)[:, None] for each in (column, new))
    return (
        DecisionTreeRegressor(max_depth=_DEPTH, min_samples_leaf=5, random_state=0).fit(numbers, y).predict(new_numbers)
    )


def _as_numbers(column: pd.Series) -> NDArray[Any]:
    """Missing where it is none; trees hold numbers in float32, and refuse what that cannot."""
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64)
    return np.where(abs(numbers) < np.finfo(np.float32).max, numbers, np.nan)


def _by_category(column: pd.Series, y: NDArray[Any], new: pd.Series) -> NDArray[Any]:
    """The target's mean in the category; for a new category, in all rows."""
    targets = pd.DataFrame(y)
    means = targets.groupby(column.fillna("").to_numpy()).mean()
    return means.reindex(new.fillna("").to_numpy()).fillna(targets.mean()).to_numpy().reshape(len(new), *y.shape[1:])
