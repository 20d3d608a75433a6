"""What is said when nothing ran, and what a run makes of a branch in which that is so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer

from mlestar.errors import BudgetError
from mlestar.files import read_json
from mlestar.stages import run_stage
from mlestar.stages.failures import why_nothing_ran


def test_reasons_that_differ_in_numbers_count_as_one_and_the_commonest_comes_first() -> None:
    failures = [
        ("failed", "ValueError: Input X contains NaN. (solution.py, line 41, in fit: model.fit(X))"),
        ("timeout", "over the time limit of 3.5 s in fit"),
        ("timeout", "over the time limit of 12.0 s in fit"),
    ]
    assert why_nothing_ran(failures) == (
        "2x timeout: over the time limit of 3.5 s in fit; "
        "1x failed: ValueError: Input X contains NaN. (solution.py, line 41, in fit: model.fit(X)); "
        "give it a larger budget"
    )


def test_rare_reasons_are_counted_together_and_the_remedy_is_for_the_commonest() -> None:
    failures = [("failed", reason) for reason in "abcaade"]
    assert why_nothing_ran(failures) == (
        "3x failed: a; 1x failed: b; 1x failed: c; 2x something else; mend the data or the recipes that these name"
    )


def test_where_nothing_was_started_it_says_so() -> None:
    assert why_nothing_ran([]) == "none was started; give it a larger budget"


def test_a_branch_without_a_candidate_leaves_the_run_to_the_others(
    search: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "train.csv"
    load_breast_cancer(as_frame=True).frame.to_csv(table, index=False)
    shared = search(
        tmp_path,
        str(table),
        task={"target": "target", "metric": "roc_auc"},
        validation={"folds": 3},
        budget={"evaluations": 20},
        pipeline={"branches": 2, "outer_steps": 1, "inner_steps": 2},
    )
    with monkeypatch.context() as patch:
        patch.setattr("mlestar.stages.scoped.memory_limit_mb", lambda: -1.0)  # so that any use is too much
        given = {**shared, "store": str(tmp_path / "other"), "branch": 1}
        run_stage("search", {**given, "candidates_dir": tmp_path / "failed"})
        run_stage(
            "ablate", {**given, "step": 1, "candidates_dir": tmp_path / "failed", "ablated_dir": tmp_path / "ablated"}
        )
        run_stage(
            "refine", {**given, "step": 1, "candidates_dir": tmp_path / "ablated", "refined_dir": tmp_path / "refined"}
        )
    assert read_json(tmp_path / "refined" / "candidates.json")["best"] is None
    branches = [tmp_path / "candidates", tmp_path / "refined"]
    run_stage("ensemble", {**shared, "branch_dirs": branches, "model_dir": tmp_path / "model"})
    members = read_json(tmp_path / "model" / "ensemble.json")["members"]
    assert {each["branch"] for each in members} == {0}
    with pytest.raises(BudgetError, match=r"ensemble: no candidate ran to its end: \d+x out_of_memory: "):
        run_stage("ensemble", {**shared, "branch_dirs": branches[1:], "model_dir": tmp_path / "none"})
