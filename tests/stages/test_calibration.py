"""Probabilities that are too sure ship with a temperature, true ones without."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlestar.evaluation import Harness
from mlestar.recipes import find_recipe, plain_solution
from mlestar.solution import Solution
from mlestar.stages.calibration import calibrated
from mlestar.stages.candidates import Candidate
from mlestar.stages.choices import Choice
from mlestar.stages.scoped import Scoped, open_harness


@pytest.fixture
def scoped(search: Callable[..., dict[str, Any]], bench_data: Path, tmp_path: Path) -> dict[str, Any]:
    return search(
        tmp_path,
        str(bench_data / "telco-churn" / "train.csv"),
        task={"target": "Contract", "metric": "log_loss"},
        validation={"folds": 3},
        budget={"evaluations": 3},
        pipeline={"branches": 1, "outer_steps": 1},
    )


def choice_of(harness: Harness, solution: Solution) -> tuple[Choice, np.ndarray]:
    """It as a choice, and its out-of-fold predictions."""
    found = harness.evaluate(solution, seconds=lambda: 60.0)
    assert found.score is not None and found.predictions is not None
    known: dict[str, Any] = {"id": solution.id, "name": "only"}
    member = Candidate.model_construct(**known)
    return Choice("best", solution, ((member, 1.0),), found.score, tuple(found.fold_scores)), found.predictions[:, None]


def test_a_model_that_is_too_sure_ships_with_the_temperature_that_it_was_scored_with(scoped: dict[str, Any]) -> None:
    found = Scoped.read(scoped["scope_dir"])
    neighbours = find_recipe("model", "nearest_neighbours").block({"neighbours": 10}, task=found.task)
    encode = find_recipe("encode", "onehot").block(task=found.task)
    sure = plain_solution(found.task).replace("encode", encode).replace("model", neighbours)
    with open_harness(found, scoped["train_dir"], scoped["store"]) as harness:
        choice, stack = choice_of(harness, sure)
        scaled = calibrated(harness, choice, stack)
        assert scaled.solution.combine is not None
        (weight,) = scaled.solution.combine.parameters["weights"]
        assert weight < 0.95
        assert float(scaled.method.removeprefix("best, temperature ")) == pytest.approx(1 / weight, rel=0.01)
        assert scaled.score < choice.score - 0.01
        shipped = harness.evaluate(scaled.solution, seconds=lambda: 60.0)
        assert shipped.score == pytest.approx(scaled.score, rel=0.02)
        assert calibrated(harness, *choice_of(harness, scaled.solution)).method == "best"  # its temperature is 1 now


def test_a_model_whose_probabilities_are_true_ships_as_it_is(scoped: dict[str, Any]) -> None:
    found = Scoped.read(scoped["scope_dir"])
    logistic = find_recipe("model", "logistic").block(task=found.task)
    encode = find_recipe("encode", "onehot").block(task=found.task)
    true = plain_solution(found.task).replace("encode", encode).replace("model", logistic)
    with open_harness(found, scoped["train_dir"], scoped["store"]) as harness:
        choice, stack = choice_of(harness, true)
        assert calibrated(harness, choice, stack) is choice
