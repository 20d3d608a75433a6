"""Metrics are scikit-learn's, and say why when predictions cannot be scored."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk
from sklearn.datasets import load_breast_cancer, load_digits, load_linnerud
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlestar.data.metric_names import METRICS
from mlestar.errors import SpecError
from mlestar.evaluation.metrics import InvalidScore, get_metric

EVERY = [(task_type, name) for task_type, names in METRICS.items() for name in names]
CLASSIFIER = make_pipeline(StandardScaler(), LogisticRegression(C=1e-3))


@pytest.fixture(scope="module")
def binary() -> tuple[np.ndarray, np.ndarray]:
    """True class numbers and out-of-fold probabilities of a modest model."""
    X, y = load_breast_cancer(return_X_y=True)
    return y, cross_val_predict(CLASSIFIER, X[:, :4], y, cv=3, method="predict_proba")


@pytest.fixture(scope="module")
def multiclass() -> tuple[np.ndarray, np.ndarray]:
    X, y = load_digits(return_X_y=True)
    return y, cross_val_predict(CLASSIFIER, X, y, cv=3, method="predict_proba")


@pytest.fixture(scope="module")
def regression() -> tuple[np.ndarray, np.ndarray]:
    """Three outputs."""
    X, y = load_linnerud(return_X_y=True)
    return y, cross_val_predict(LinearRegression(), X, y)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("accuracy", sk.accuracy_score),
        ("balanced_accuracy", sk.balanced_accuracy_score),
        ("f1", sk.f1_score),
        ("f1_macro", lambda y, labels: sk.f1_score(y, labels, average="macro")),
        ("mcc", sk.matthews_corrcoef),
        ("quadratic_kappa", lambda y, labels: sk.cohen_kappa_score(y, labels, weights="quadratic")),
    ],
)
def test_label_metrics_are_those_of_scikit_learn(binary: Any, multiclass: Any, name: str, function: Any) -> None:
    for task_type, (y, probabilities) in (("binary", binary), ("multiclass", multiclass)):
        if name in METRICS[task_type]:
            labels = (probabilities[:, -1] > 0.3).astype(int) if task_type == "binary" else probabilities.argmax(axis=1)
            metric = get_metric(name, task_type)
            assert metric.score(y, probabilities, labels) == pytest.approx(function(y, labels))


def test_probability_metrics_are_those_of_scikit_learn(binary: Any, multiclass: Any) -> None:
    y, p = binary
    assert get_metric("roc_auc", "binary").score(y, p) == pytest.approx(sk.roc_auc_score(y, p[:, 1]))
    tied = p.round(1)
    assert get_metric("roc_auc", "binary").score(y, tied) == pytest.approx(sk.roc_auc_score(y, tied[:, 1]))
    assert get_metric("average_precision", "binary").score(y, p) == pytest.approx(
        sk.average_precision_score(y, p[:, 1])
    )
    assert get_metric("log_loss", "binary").score(y, p) == pytest.approx(sk.log_loss(y, p))
    y, p = multiclass
    assert get_metric("roc_auc", "multiclass").score(y, p) == pytest.approx(sk.roc_auc_score(y, p, multi_class="ovr"))
    assert get_metric("average_precision", "multiclass").score(y, p) == pytest.approx(sk.average_precision_score(y, p))
    assert get_metric("log_loss", "multiclass").score(y, p) == pytest.approx(sk.log_loss(y, p))


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("rmse", sk.root_mean_squared_error),
        ("mae", sk.mean_absolute_error),
        ("rmsle", sk.root_mean_squared_log_error),
        ("mape", sk.mean_absolute_percentage_error),
        ("r2", sk.r2_score),
        ("pearson", lambda y, p: np.corrcoef(y, p)[0, 1]),
    ],
)
def test_regression_metrics_are_means_over_the_outputs(regression: Any, name: str, function: Any) -> None:
    y, p = regression
    metric = get_metric(name, "regression")
    each = [function(y[:, output], p[:, output]) for output in range(3)]
    assert metric.score(y, p) == pytest.approx(np.mean(each))
    assert metric.score(y[:, 0], p[:, 0]) == metric.score(y[:, :1], p[:, 0]) == pytest.approx(each[0])


@pytest.mark.parametrize(("task_type", "name"), EVERY)
def test_perfect_predictions_reach_the_optimum_and_others_do_not(task_type: Any, name: str) -> None:
    metric = get_metric(name, task_type)
    assert metric.name == name
    if task_type == "regression":
        y = np.arange(1.0, 9.0)
        perfect, worse = y, y[::-1]
    else:
        y = np.arange(9) % (2 if task_type == "binary" else 3)
        perfect = np.eye(y.max() + 1)[y]
        worse = np.roll(perfect, 1, axis=0)
    assert metric.score(y, perfect) == pytest.approx(metric.optimum)
    assert metric.is_better(metric.score(y, perfect), than=metric.score(y, worse))


@pytest.mark.parametrize("name", METRICS["multiclass"])
def test_a_class_that_is_missing_in_a_fold_does_not_spoil_its_score(multiclass: Any, name: str) -> None:
    y, p = multiclass
    fold = y != 4
    assert np.isfinite(get_metric(name, "multiclass").score(y[fold], p[fold]))


def test_a_missing_class_leaves_the_mean_over_the_others(multiclass: Any) -> None:
    y, p = multiclass
    y, p = y[y != 4], p[y != 4]
    each = [sk.roc_auc_score(y == label, p[:, label]) for label in range(10) if label != 4]
    assert get_metric("roc_auc", "multiclass").score(y, p) == pytest.approx(np.mean(each))
    assert get_metric("log_loss", "multiclass").score(y, p) == pytest.approx(sk.log_loss(y, p, labels=range(10)))


def test_kappa_counts_steps_between_classes_even_if_one_between_is_missing() -> None:
    y, labels = np.array([0, 0, 2, 2, 3]), np.array([0, 2, 2, 0, 3])
    expected = sk.cohen_kappa_score(y, labels, weights="quadratic", labels=range(4))
    assert get_metric("quadratic_kappa", "multiclass").score(y, np.full((5, 4), 0.25), labels) == pytest.approx(
        expected
    )


def test_without_labels_the_most_probable_class_counts(multiclass: Any) -> None:
    y, p = multiclass
    metric = get_metric("accuracy", "multiclass")
    assert metric.score(y, p) == metric.score(y, p, p.argmax(axis=1))


@pytest.mark.parametrize(
    ("name", "y", "predictions", "labels", "reason"),
    [
        ("roc_auc", [0, 0], [[1, 0], [0, 1]], None, "all 2 rows are of class 0; a ranking metric needs two classes"),
        ("roc_auc", [0, 1], [[1, 0], [0, float("nan")]], None, "1 of 4 predicted values are missing or infinite"),
        ("roc_auc", [0, 1], [0.1, 0.9], None, r"probabilities have shape \(2,\), expected \(2, classes\)"),
        ("roc_auc", [0, 1], [[1, 0]], None, r"probabilities have shape \(1, 2\), expected \(2, classes\)"),
        ("roc_auc", [0, 2], [[1, 0], [0, 1]], None, "probabilities have 2 columns, but there is a class 2"),
        ("roc_auc", [0, 1], [[3, -2], [0, 1]], None, "probabilities must be between 0 and 1, there is a -2"),
        ("log_loss", [0, 1], [[0.2, 0.2], [0, 1]], None, "must add up to 1, there are rows with 0.4"),
        ("log_loss", [0, 1], [["a", "b"], ["c", "d"]], None, "predictions are not numbers"),
        ("log_loss", [], np.empty((0, 2)), None, "there are no rows to score"),
        ("f1", [0, 1], [[1, 0], [0, 1]], [0, 2], "labels must be class numbers from 0 to 1"),
        ("f1", [0, 1], [[1, 0], [0, 1]], ["no", "yes"], "labels must be class numbers from 0 to 1"),
        ("f1", [0, 1], [[1, 0], [0, 1]], [0], r"labels have shape \(1,\), expected \(2,\)"),
        ("rmse", [1, 2], [1, float("inf")], None, "1 of 2 predicted values are missing or infinite"),
        ("mape", [1, 2], [1, -1e308], None, r"predicted values are too large to be scored, up to 1e\+308"),
        ("rmse", [1, 2], [1, 2, 3], None, r"predictions have shape \(3,\), expected \(2, 1\)"),
        ("rmse", [[1, 2], [3, 4]], [1, 2], None, r"predictions have shape \(2,\), expected \(2, 2\)"),
        ("rmse", [1, 2], 3.0, None, r"predictions have shape \(\), expected \(2, 1\)"),
        ("rmsle", [1, 2], [1, -3], None, "rmsle is not defined for a prediction of -3; clip at 0 or use rmse"),
        ("r2", [1], [1], None, r"r2 is not defined on these 1 rows \(it came out as nan\)"),
        ("pearson", [1, 1], [1, 2], None, "pearson is not defined on these 2 rows"),
    ],
)
def test_the_reason_why_predictions_cannot_be_scored(
    name: str, y: Any, predictions: Any, labels: Any, reason: str
) -> None:
    task_type = "regression" if name in METRICS["regression"] else "binary"
    with pytest.raises(InvalidScore, match=reason):
        get_metric(name, task_type).score(y, predictions, labels)


def test_a_constant_prediction_has_no_correlation() -> None:
    assert get_metric("pearson", "regression").score([1.0, 2.0, 4.0], [3.0, 3.0, 3.0]) == 0.0


def test_probabilities_in_single_precision_are_welcome(multiclass: Any) -> None:
    y, p = multiclass
    metric = get_metric("log_loss", "multiclass")
    assert metric.score(y, p.astype(np.float32)) == pytest.approx(metric.score(y, p), rel=1e-4)


@given(
    name=st.sampled_from(METRICS["regression"]),
    values=st.lists(st.tuples(st.floats(), st.floats(-1e6, 1e6)), max_size=20),
)
def test_a_score_is_finite_or_refused(name: str, values: list[tuple[float, float]]) -> None:
    predictions, y = np.array(values).reshape(-1, 2).T
    try:
        assert np.isfinite(get_metric(name, "regression").score(y, predictions))
    except InvalidScore as refused:
        assert str(refused)


@pytest.mark.parametrize(
    ("name", "task_type", "message"),
    [
        ("rocauc", "binary", "task.metric: there is no metric 'rocauc'; did you mean 'roc_auc'?"),
        ("beauty", "multiclass", "there is no metric 'beauty'; use log_loss, roc_auc, accuracy,"),
        (
            "accuracy",
            "regression",
            "accuracy does not fit a regression task; use rmse, mae, rmsle, mape, r2 or pearson",
        ),
        ("f1", "multiclass", "f1 does not fit a multiclass task; use log_loss, roc_auc"),
    ],
)
def test_a_metric_that_does_not_fit_is_refused_with_those_that_do(name: str, task_type: Any, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        get_metric(name, task_type)
    assert message in str(caught.value)


def test_the_table_can_be_read_without_loading_scikit_learn() -> None:
    code = "import mlestar.evaluation.metrics, sys; assert not {'sklearn', 'pandas', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
