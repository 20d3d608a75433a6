"""The plain baseline: what everybody would try first, without any care."""

from __future__ import annotations

from mlestar.data.task import Task
from mlestar.recipes.catalogue import find_recipe
from mlestar.solution import Solution

__all__ = ["plain_solution"]

_SCIKIT_LEARN_DEFAULTS = {
    "max_iter": 100,
    "learning_rate": 0.1,
    "max_leaf_nodes": 31,
    "min_samples_leaf": 20,
    "l2_regularization": 0.0,
    "max_features": 1.0,
    "early_stopping": "auto",
}
_OF_SEVERAL_CLASSES = {"early_stopping": False}  # it fails where a class has a single row


def plain_solution(task: Task) -> Solution:
    """Histogram gradient boosting with scikit-learn's defaults over ordinal codes, without auxiliary tables.

    Of more than two classes it does not stop early. For rmsle its predictions are clipped to the training range: that
    metric is not defined for negative ones.
    """
    settings = _SCIKIT_LEARN_DEFAULTS | (_OF_SEVERAL_CLASSES if task.type == "multiclass" else {})
    blocks = {
        **({"join": find_recipe("join", "none").block(task=task)} if task.tables else {}),
        "clean": find_recipe("clean", "minimal").block(task=task),
        "encode": find_recipe("encode", "ordinal").block(task=task),
        "model": find_recipe("model", "hist_gradient_boosting").block(settings, task=task),
    }
    if task.metric == "rmsle":
        blocks["postprocess"] = find_recipe("postprocess", "clip").block(task=task)
    return Solution.of(blocks)
