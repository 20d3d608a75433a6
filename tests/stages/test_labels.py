"""A threshold ships as fixed weights of the classes, and gives the same labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlestar.recipes import find_recipe, plain_solution
from mlestar.solution import Block
from mlestar.stages.labels import bare, with_fixed_labels
from mlestar.stages.scoped import Scoped, open_harness

ODD = """
import numpy as np
from sklearn.base import BaseEstimator


class OddRows(BaseEstimator):
    needs_out_of_fold = True

    def fit(self, predictions, y):
        return self

    def predict(self, predictions):
        return np.arange(len(predictions)) % 2


def postprocess(ctx):
    return OddRows()
"""


@pytest.fixture(params=[("Churn", "f1"), ("Contract", "f1_macro")], ids=["two classes", "three classes"])
def scoped(request: Any, search: Callable[..., dict[str, Any]], bench_data: Path, tmp_path: Path) -> dict[str, Any]:
    target, metric = request.param
    return search(
        tmp_path,
        str(bench_data / "telco-churn" / "train.csv"),
        task={"target": target, "metric": metric},
        validation={"folds": 3},
        budget={"evaluations": 3},
        pipeline={"branches": 1, "outer_steps": 1},
    )


def test_labels_are_those_of_the_threshold(scoped: dict[str, Any]) -> None:
    found = Scoped.read(scoped["scope_dir"])
    threshold = find_recipe("postprocess", "threshold").block(task=found.task)
    with open_harness(found, scoped["train_dir"], scoped["store"]) as harness:
        solution = plain_solution(found.task).replace("postprocess", threshold)
        predictions = harness.evaluate(solution, seconds=lambda: 60.0).predictions
        assert predictions is not None
        stack = predictions[:, None]
        fixed = with_fixed_labels(harness, solution, stack, seconds=lambda: 60.0)
        assert fixed is not None and fixed.postprocess is not None and not fixed.needs_out_of_fold
        wanted, labels = (harness.labels(each, stack, stack, seconds=lambda: 60.0) for each in (solution, fixed))
        assert np.mean(wanted == labels) > 0.998
        rows = np.arange(len(predictions))
        assert harness.score(rows, predictions, labels) > harness.score(rows, predictions) + 0.005


def test_what_no_weights_can_say_is_left_alone(scoped: dict[str, Any]) -> None:
    found = Scoped.read(scoped["scope_dir"])
    with open_harness(found, scoped["train_dir"], scoped["store"]) as harness:
        solution = replace(plain_solution(found.task), postprocess=Block("postprocess", ODD, "odd"))
        stack = np.full((len(harness.y), 1, len(found.task.classes)), 1 / len(found.task.classes))
        assert with_fixed_labels(harness, solution, stack, seconds=lambda: 60.0) is None
    assert bare(solution).postprocess is None
