"""What scope finds out before anything is searched."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mlestar.files import read_json
from mlestar.stages import run_stage


def _scope(spec: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What the stage writes of a spec, under one fingerprint."""
    parts = {f"{name}_dir": str(folder / name) for name in ("scope", "train", "holdout")}
    run_stage("scope", {"spec": json.dumps(spec), "fingerprint": "0", "store": str(folder / "store"), **parts})
    return read_json(folder / "scope" / "scope.json")


def test_the_plain_baseline_has_a_score_where_the_metric_refuses_what_its_model_says(
    bench_data: Path, tmp_path: Path
) -> None:
    """rmsle is not defined for negative values, which gradient boosting predicts for quiet hours."""
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "hours",
        "data": {"train": str(bench_data / "bike-sharing-hour" / "train.csv")},
        "task": {"target": "cnt", "type": "regression", "time": "dteday", "metric": "rmsle"},
        "budget": {"wall_clock": "60s"},
    }
    scope = _scope(spec, tmp_path)
    assert scope["plain"]["status"] == "ok"
    assert 0 < scope["plain"]["score"] < scope["baseline"]["score"]
    assert scope["seconds_per_evaluation"] > 0


def test_of_a_large_table_a_few_rows_are_fitted_first_whatever_the_metric(tmp_path: Path) -> None:
    """A prediction is clipped for rmsle, by what the other folds have; of a few rows there is one."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(60_000, 20)).round(3)).add_prefix("x")
    table.assign(y=np.exp(table["x0"]).round(3)).to_csv(tmp_path / "train.csv", index=False)
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "many-rows",
        "data": {"train": str(tmp_path / "train.csv")},
        "task": {"target": "y", "metric": "rmsle"},
        "budget": {"wall_clock": "20s"},
    }
    scope = _scope(spec, tmp_path)
    assert scope["plain"]["status"] in ("ok", "pruned")  # all folds may take too long
    assert scope["seconds_per_evaluation"] > 0


def test_changed_features_get_no_old_scores_whatever_the_fingerprint(bench_data: Path, tmp_path: Path) -> None:
    """A script that names the fingerprint by hand forgets to change it."""
    table = pd.read_csv(bench_data / "penguins" / "train.csv")
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "penguins",
        "data": {"train": str(tmp_path / "train.csv")},
        "task": {"target": "species", "metric": "log_loss"},
        "budget": {"evaluations": 10},
    }
    scores = []
    for rows in (table, table, table.assign(bill_length_mm=0.0)):
        rows.to_csv(tmp_path / "train.csv", index=False)
        scores.append(_scope(spec, tmp_path)["plain"]["score"])
    assert scores[0] == scores[1] < scores[2]
