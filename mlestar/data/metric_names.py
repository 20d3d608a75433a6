"""The metrics that a spec can name; :mod:`mlestar.evaluation.metrics` computes them."""

from __future__ import annotations

import itertools

from mlestar.data.task import TaskType
from mlestar.spec import did_you_mean

__all__ = ["METRICS", "metric_problem"]

_CLASSIFICATION = ("accuracy", "balanced_accuracy", "f1_macro", "mcc", "average_precision", "quadratic_kappa")
METRICS: dict[TaskType, tuple[str, ...]] = {
    "binary": ("roc_auc", "log_loss", "f1", *_CLASSIFICATION),
    "multiclass": ("log_loss", "roc_auc", *_CLASSIFICATION),
    "regression": ("rmse", "mae", "rmsle", "mape", "r2", "pearson"),
}
"""The metrics that fit each type of task; the first is taken where the spec names none."""


def metric_problem(name: str, task_type: TaskType | None) -> str | None:
    """Why the metric cannot judge such a task, or any while its type is not known; None when it can.

    Examples
    --------
    >>> metric_problem("acuracy", "binary")
    "there is no metric 'acuracy'; did you mean 'accuracy'?"
    >>> metric_problem("rocauc", None)
    "there is no metric 'rocauc'; did you mean 'roc_auc'?"
    >>> metric_problem("roc_auc", "regression")
    'roc_auc does not fit a regression task; use rmse, mae, rmsle, mape, r2 or pearson'
    """
    fitting = METRICS[task_type] if task_type else tuple(dict.fromkeys(itertools.chain(*METRICS.values())))
    if name in fitting:
        return None
    use = f"; use {', '.join(fitting[:-1])} or {fitting[-1]}"
    if any(name in names for names in METRICS.values()):
        return f"{name} does not fit a {task_type} task{use}"
    return f"there is no metric {name!r}{did_you_mean(name, fitting) or use}"
