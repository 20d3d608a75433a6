"""Weights of an ensemble, chosen on out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mlestar.evaluation import Harness
from mlestar.stages.scoped import Scoped, open_harness
from mlestar.stages.weights import arithmetic, average, greedy, nested_scores


@pytest.fixture(scope="module")
def harness(
    search: Callable[..., dict[str, Any]], bench_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Harness]:
    """Over the folds of wine-quality, whose metric is an error."""
    found = search(
        tmp_path_factory.mktemp("wine"),
        str(bench_data / "wine-quality" / "train.csv"),
        task={"target": "quality", "metric": "rmse"},
        validation={"folds": 4},
        budget={"evaluations": 1},
        pipeline={"branches": 1, "outer_steps": 1},
    )
    with open_harness(Scoped.read(found["scope_dir"]), found["train_dir"], found["store"]) as opened:
        yield opened


def with_errors(harness: Harness, *scales: float) -> np.ndarray:
    """The target with independent errors of these sizes, as the predictions of candidates (rows, candidates, 1)."""
    random = np.random.default_rng(0)
    return np.stack([harness.y + scale * random.normal(size=len(harness.y)) for scale in scales], axis=1)[..., None]


def test_candidates_that_err_independently_share_the_weight_and_a_bad_one_has_none(harness: Harness) -> None:
    stack, rows = with_errors(harness, 0.5, 0.5, 5.0), np.arange(len(harness.y))
    weights = greedy(harness, stack, rows)
    assert weights == pytest.approx([0.5, 0.5, 0.0], abs=0.1)
    together, alone = (harness.score(rows, arithmetic(stack, each)) for each in (weights, np.eye(3)[0]))
    assert together < 0.75 * alone  # the errors of two: by the square root of a half


def test_better_candidates_have_the_larger_weight(harness: Harness) -> None:
    better, worse = greedy(harness, with_errors(harness, 0.5, 0.7), np.arange(len(harness.y)))
    assert better > worse > 0.1


def test_a_fold_is_scored_with_weights_that_were_not_chosen_on_it(harness: Harness) -> None:
    folds = [each for each in harness.folds if each.repeat == 0]
    stack = with_errors(harness, *[1.0] * len(folds))
    for place, fold in enumerate(folds):  # each candidate knows one fold by heart: who looks there chooses it
        stack[fold.valid, place, 0] = harness.y[fold.valid]
    [nested] = nested_scores(harness, stack, greedy, [arithmetic])
    mean = arithmetic(stack, average(range(len(folds)))(harness, stack, np.array([])))
    assert all(score > harness.score(fold.valid, mean[fold.valid]) for score, fold in zip(nested, folds, strict=True))
    [peeked] = nested_scores(
        harness, stack, lambda harness, stack, _: greedy(harness, stack, folds[0].valid), [arithmetic]
    )
    assert peeked[0] < 0.01 < nested[0]
