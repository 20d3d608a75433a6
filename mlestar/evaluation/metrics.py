"""Metrics: one table of names, directions and needs, with scikit-learn's functions behind it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mlestar.data.metric_names import metric_problem
from mlestar.data.task import TaskType
from mlestar.errors import SpecError

__all__ = ["InvalidScore", "Metric", "get_metric"]

Array: TypeAlias = NDArray[Any]
Function: TypeAlias = Callable[[Array, Array, int], float]

_LARGEST = 1e100  # as of targets: what is larger overflows when it is squared
_TOLERANCE = 1e-3  # probabilities in float32, or rounded to four digits, are welcome


class InvalidScore(ValueError):
    """Predictions that cannot be scored; the message is the reason, for a record or a report."""


@dataclass(frozen=True)
class Metric:
    """How predictions are judged.

    Attributes
    ----------
    name : str
        As the spec spells it.
    needs : {"label", "probability", "value"}
        Which part of a candidate's predictions is judged.
    function : callable
        ``(y_true, judged, width) -> float``. ``label``: class numbers (n,) twice and k; ``probability``: class numbers
        (n,), (n, k) and k; ``value``: (n, outputs) twice and the number of outputs.
    greater_is_better : bool
    optimum : float
        The score of perfect predictions.
    """

    name: str
    needs: Literal["label", "probability", "value"]
    function: Function
    greater_is_better: bool = True
    optimum: float = 1.0

    def is_better(self, score: float, than: float) -> bool:
        """Whether ``score`` is strictly better ``than`` the other."""
        return self.gain(score, than) > 0

    def gain(self, new: float, old: float) -> float:
        """How much better ``new`` is than ``old``; negative when it is worse."""
        return new - old if self.greater_is_better else old - new

    def score(self, y_true: ArrayLike, predictions: ArrayLike, labels: ArrayLike | None = None) -> float:
        """Score predictions.

        Parameters
        ----------
        y_true : array, shape (n,) or (n, outputs)
            Class numbers 0..k-1, or values.
        predictions : array, shape (n, k), or (n,) or (n, outputs)
            Probabilities in the order of the class numbers, or values. A regression with several outputs is judged by
            the mean over its outputs.
        labels : array of int, shape (n,), optional
            Predicted class numbers; without them, the most probable class.

        Raises
        ------
        InvalidScore
            When predictions have the wrong shape, are not finite or not probabilities, or when the metric is not
            defined on these rows.
        """
        if self.needs == "value":
            truth, judged = _checked_values(y_true, predictions)
            width = truth.shape[1]
        else:
            truth, judged = _checked_probabilities(y_true, predictions)
            width = judged.shape[1]
            if self.needs == "label":
                judged = _checked_labels(judged.argmax(axis=1) if labels is None else labels, len(truth), width)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an undefined score is reported below, with its reason
            score = float(self.function(truth, judged, width))
        if not np.isfinite(score):
            raise InvalidScore(f"{self.name} is not defined on these {len(truth)} rows (it came out as {score})")
        return score


def get_metric(name: str, task_type: TaskType) -> Metric:
    """The metric that the spec names.

    Raises
    ------
    SpecError
        When there is no such metric, or it does not fit the type of task.
    """
    if problem := metric_problem(name, task_type):
        raise SpecError(f"task.metric: {problem}")
    return _METRICS[name]


def _checked_values(y_true: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    truth = np.asarray(y_true, dtype=np.float64)
    truth = truth[:, None] if truth.ndim == 1 else truth
    values = _finite(predictions)
    columns = values[:, None] if values.ndim == 1 else values
    if columns.shape != truth.shape:
        raise InvalidScore(f"predictions have shape {values.shape}, expected {truth.shape}")
    _require_rows(truth)
    return truth, columns


def _checked_probabilities(y_true: ArrayLike, predictions: ArrayLike) -> tuple[Array, Array]:
    truth = np.asarray(y_true).astype(np.int64)
    probabilities = _finite(predictions)
    if probabilities.ndim != 2 or len(probabilities) != len(truth):
        raise InvalidScore(f"probabilities have shape {probabilities.shape}, expected ({len(truth)}, classes)")
    _require_rows(truth)
    if truth.max() >= probabilities.shape[1]:
        raise InvalidScore(f"probabilities have {probabilities.shape[1]} columns, but there is a class {truth.max()}")
    if probabilities.min() < 0 or probabilities.max() > 1 + _TOLERANCE:
        worst = probabilities.min() if probabilities.min() < 0 else probabilities.max()
        raise InvalidScore(f"probabilities must be between 0 and 1, there is a {worst:g}")
    total = probabilities.sum(axis=1, keepdims=True)
    if abs(total - 1).max() > _TOLERANCE:
        raise InvalidScore(f"the probabilities of a row must add up to 1, there are rows with {_farthest(total):g}")
    return truth, probabilities / total


def _checked_labels(labels: ArrayLike, rows: int, classes: int) -> Array:
    numbers = np.asarray(labels)
    if numbers.shape != (rows,):
        raise InvalidScore(f"labels have shape {numbers.shape}, expected ({rows},)")
    if not np.issubdtype(numbers.dtype, np.integer) or numbers.min() < 0 or numbers.max() >= classes:
        raise InvalidScore(f"labels must be class numbers from 0 to {classes - 1}")
    return numbers


def _finite(predictions: ArrayLike) -> Array:
    try:
        values = np.asarray(predictions, dtype=np.float64)
    except (TypeError, ValueError):
        raise InvalidScore("predictions are not numbers") from None
    if bad := int((~np.isfinite(values)).sum()):
        raise InvalidScore(f"{bad} of {values.size} predicted values are missing or infinite")
    if abs(values).max(initial=0.0) > _LARGEST:
        raise InvalidScore(f"predicted values are too large to be scored, up to {abs(values).max():.3g}")
    return values


def _require_rows(truth: Array) -> None:
    if not len(truth):
        raise InvalidScore("there are no rows to score")


def _farthest(totals: Array) -> float:
    return float(totals.ravel()[abs(totals - 1).argmax()])


def _sklearn(function: str, **options: Any) -> Function:
    """A function of ``sklearn.metrics``, imported when first called: importing this module costs next to nothing."""

    def score(truth: Array, judged: Array, _width: int) -> float:
        from sklearn import metrics

        return float(getattr(metrics, function)(truth, judged, **options))

    return score


def _with_all_classes(function: str, **options: Any) -> Function:
    """The same for functions that must be told of classes which do not occur in these rows."""

    def score(truth: Array, judged: Array, classes: int) -> float:
        return _sklearn(function, labels=range(classes), **options)(truth, judged, classes)

    return score


def _average_precision(truth: Array, probabilities: Array, classes: int) -> float:
    """That of the positive class, or the mean over the classes that occur, each against the rest."""
    occurring = _occurring(truth)
    if classes > 2:
        one_hot = truth[:, None] == occurring
        return _sklearn("average_precision_score", average="macro")(one_hot, probabilities[:, occurring], classes)
    return _sklearn("average_precision_score")(truth, probabilities[:, 1], classes)


def _occurring(truth: Array) -> Array:
    occurring = np.unique(truth)
    if len(occurring) == 1:
        raise InvalidScore(f"all {len(truth)} rows are of class {occurring[0]}; a ranking metric needs two classes")
    return occurring


def _roc_auc(truth: Array, probabilities: Array, classes: int) -> float:
    """The area under the curve of the positive class, or the mean over the classes that occur, by ranks.

    Mann and Whitney, 1947.

    scikit-learn's function takes ten times as long, which is seconds where thousands of resamples are scored.
    """
    from scipy.stats import rankdata

    areas = []
    occurring = _occurring(truth)
    for number in occurring if classes > 2 else [1]:
        positive = truth == number
        count, others = positive.sum(), (~positive).sum()
        ranks = rankdata(probabilities[:, number])[positive].sum()
        areas.append((ranks - count * (count + 1) / 2) / (count * others))
    return float(np.mean(areas))


def _rmsle(truth: Array, values: Array, outputs: int) -> float:
    for what, numbers in (("prediction", values), ("true value", truth)):
        if numbers.min() <= -1:
            raise InvalidScore(f"rmsle is not defined for a {what} of {numbers.min():g}; clip at 0 or use rmse")
    return _sklearn("root_mean_squared_log_error")(truth, values, outputs)


def _pearson(truth: Array, values: Array, outputs: int) -> float:
    """Pearson's correlation; 0 where all predictions are equal, as they tell nothing of the order."""
    with np.errstate(invalid="ignore", divide="ignore"):
        found = [
            np.corrcoef(truth[:, i], values[:, i])[0, 1] if np.ptp(values[:, i]) > 0 else 0.0 for i in range(outputs)
        ]
    return float(np.mean(found))


_TABLE = (
    Metric("accuracy", "label", _sklearn("accuracy_score")),
    Metric("balanced_accuracy", "label", _sklearn("balanced_accuracy_score")),
    Metric("f1", "label", _sklearn("f1_score", zero_division=0)),
    Metric("f1_macro", "label", _sklearn("f1_score", average="macro", zero_division=0)),
    Metric("mcc", "label", _sklearn("matthews_corrcoef")),
    Metric("quadratic_kappa", "label", _with_all_classes("cohen_kappa_score", weights="quadratic")),
    Metric("roc_auc", "probability", _roc_auc),
    Metric("average_precision", "probability", _average_precision),
    Metric("log_loss", "probability", _with_all_classes("log_loss"), greater_is_better=False, optimum=0.0),
    Metric("rmse", "value", _sklearn("root_mean_squared_error"), greater_is_better=False, optimum=0.0),
    Metric("mae", "value", _sklearn("mean_absolute_error"), greater_is_better=False, optimum=0.0),
    Metric("rmsle", "value", _rmsle, greater_is_better=False, optimum=0.0),
    Metric("mape", "value", _sklearn("mean_absolute_percentage_error"), greater_is_better=False, optimum=0.0),
    Metric("r2", "value", _sklearn("r2_score")),
    Metric("pearson", "value", _pearson),
)
_METRICS = {metric.name: metric for metric in _TABLE}
