"""What refine makes of an ablation that had not the time for all folds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlestar.files import read_json
from mlestar.stages import run_stage
from mlestar.stages.environment import WORKERS


def test_a_variant_that_leads_on_the_folds_of_its_ablation_is_tried_on_the_others(
    workers_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Boosting starts here, and the linear model that ablating puts in its place is better."""
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "diabetes",
        "data": {"train": "sklearn:diabetes"},
        "task": {"target": "target", "metric": "rmse"},
        "budget": {"evaluations": 60},
        "pipeline": {"branches": 1, "outer_steps": 1},
    }
    monkeypatch.setenv(WORKERS, workers_address)
    rows = {"scope_dir": tmp_path / "scope", "train_dir": tmp_path / "train", "store": str(tmp_path / "store")}
    searched, ablated, refined = (tmp_path / name for name in ("searched", "ablated", "refined"))
    run_stage(
        "scope", {**rows, "spec": json.dumps(spec), "fingerprint": "diabetes", "holdout_dir": tmp_path / "holdout"}
    )
    run_stage("search", {**rows, "candidates_dir": searched, "branch": 0})
    run_stage("ablate", {**rows, "candidates_dir": searched, "ablated_dir": ablated, "branch": 0, "step": 1})
    run_stage("refine", {**rows, "candidates_dir": ablated, "refined_dir": refined, "branch": 0, "step": 1})

    before = {each["id"]: each for each in read_json(ablated / "candidates.json")["candidates"]}
    linear = next(each for each in before.values() if each["name"] == "model: ridge")
    assert linear["status"] == "pruned"
    after = [each for each in read_json(refined / "candidates.json")["candidates"] if each["id"] == linear["id"]]
    assert [each["status"] for each in after] == ["ok"]
    assert after[0]["fold_scores"][: len(linear["fold_scores"])] == linear["fold_scores"]
    [first, *_] = read_json(refined / "history.json")["refinements"]
    assert (first["block"], first["after"], first["accepted"]) == ("model", linear["id"], True)
