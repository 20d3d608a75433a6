"""What refine makes of an ablation that had not the time for all folds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.files import read_json
from mlestar.stages import run_stage


def _ablated_and_refined(rows: dict[str, Any], folder: Path) -> tuple[Path, Path]:
    """One step after a search; nothing is refined into the same twice."""
    ablated, refined = folder / "ablated", folder / "refined"
    step = {**rows, "branch": 0, "step": 1}
    run_stage("ablate", {**step, "candidates_dir": folder / "candidates", "ablated_dir": ablated})
    run_stage("refine", {**step, "candidates_dir": ablated, "refined_dir": refined})
    tried = [plan["id"] for each in read_json(refined / "history.json")["refinements"] for plan in each["plans"]]
    assert len(set(tried)) == len(tried)
    return ablated, refined


def test_a_variant_that_leads_on_the_folds_of_its_ablation_is_tried_on_the_others(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Boosting starts here, and the linear model that ablating puts in its place is better."""
    rows = search(
        tmp_path,
        "sklearn:diabetes",
        task={"target": "target", "metric": "rmse"},
        budget={"evaluations": 60},
        pipeline={"branches": 1, "outer_steps": 1},
    )
    ablated, refined = _ablated_and_refined(rows, tmp_path)

    before = {each["id"]: each for each in read_json(ablated / "candidates.json")["candidates"]}
    linear = next(each for each in before.values() if each["name"] == "model: ridge")
    assert linear["status"] == "pruned"
    after = [each for each in read_json(refined / "candidates.json")["candidates"] if each["id"] == linear["id"]]
    assert [each["status"] for each in after] == ["ok"]
    assert after[0]["fold_scores"][: len(linear["fold_scores"])] == linear["fold_scores"]
    [first, *_] = read_json(refined / "history.json")["refinements"]
    assert (first["block"], first["after"], first["accepted"]) == ("model", linear["id"], True)


def test_a_block_that_only_harms_is_left_out(search: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """The calendar of dates at random tells nothing; without it, the branch does better."""
    random, rows = np.random.default_rng(0), 120
    days = pd.Timestamp("2020-01-01") + pd.to_timedelta(random.permutation(rows), unit="D")
    table = pd.DataFrame({"size": random.normal(size=rows), "listed": days})
    table["price"] = table["size"].abs() + 0.3 * random.normal(size=rows)
    table.to_csv(tmp_path / "train.csv", index=False)
    found = search(
        tmp_path,
        str(tmp_path / "train.csv"),
        task={"target": "price", "metric": "rmse"},
        budget={"evaluations": 90},
        pipeline={"branches": 1, "outer_steps": 1, "inner_steps": 1},
    )
    ablated, refined = _ablated_and_refined(found, tmp_path)

    [without] = [each for each in read_json(ablated / "candidates.json")["candidates"] if each["block"] == "features"]
    assert (without["name"], without["status"]) == ("without features", "pruned")
    [refinement, *_] = [
        each for each in read_json(refined / "history.json")["refinements"] if each["block"] == "features"
    ]
    assert (refinement["after"], refinement["accepted"]) == (without["id"], True)


@pytest.mark.slow
def test_blocks_of_a_candidate_that_stays_the_best_are_not_ablated_again(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    rows = search(
        tmp_path,
        "sklearn:breast_cancer",
        task={"target": "target", "metric": "roc_auc"},
        validation={"folds": 3},
        budget={"evaluations": 160},
        pipeline={"branches": 1, "outer_steps": 2},
    )
    before = tmp_path / "candidates"
    for step in (1, 2):
        ablated = tmp_path / f"ablated-{step}"
        run_stage("ablate", {**rows, "branch": 0, "step": step, "candidates_dir": before, "ablated_dir": ablated})
        before = ablated
    once, twice = (read_json(tmp_path / f"ablated-{step}" / "history.json") for step in (1, 2))
    measured = {(each["candidate"], each["block"]) for each in once["ablations"] if each["standard_error"] is not None}
    again = {(each["candidate"], each["block"]) for each in twice["ablations"][len(once["ablations"]) :]}
    assert measured
    assert not measured & again


@pytest.mark.slow
def test_a_plan_that_leads_on_the_first_folds_is_tried_once(
    search: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Given up again, it was taken up again, as often as the budget allowed."""
    found = search(
        tmp_path,
        "sklearn:breast_cancer",
        task={"target": "target", "metric": "roc_auc"},
        budget={"evaluations": 150},
        pipeline={"branches": 1, "outer_steps": 1, "inner_steps": 1},
    )
    _ablated_and_refined(found, tmp_path)  # which asserts it


@pytest.mark.slow
def test_refinement_goes_round_the_models(search: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    """An ensemble averages the errors of different models, so that those behind the best are improved as well."""
    found = search(
        tmp_path,
        "sklearn:diabetes",
        task={"target": "target", "metric": "rmse"},
        validation={"folds": 3},
        budget={"evaluations": 250},
        pipeline={"branches": 1, "outer_steps": 1, "inner_steps": 2},
    )
    _, refined = _ablated_and_refined(found, tmp_path)

    candidates = {each["id"]: each for each in read_json(refined / "candidates.json")["candidates"]}
    refinements = read_json(refined / "history.json")["refinements"]
    refined_models = [
        candidates[each["before"]]["recipes"]["model"] for each in refinements if each["block"] == "model"
    ]
    assert len(set(refined_models)) >= 3
    for each in refinements:
        if each["accepted"]:
            assert candidates[each["after"]]["score"] < candidates[each["before"]]["score"]
