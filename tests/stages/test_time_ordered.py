"""A whole run on rows that are ordered in time, with a gap before what is predicted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

WRITTEN = "%d.%m.%Y"
GAP = 24  # rows, one per hour
WITHOUT_REFITS = {"label_shuffle": "off", "reproducibility": "off"}


@pytest.fixture(scope="module")
def run(bench_data: Path, tmp_path_factory: pytest.TempPathFactory, run_stages: Any) -> Any:
    hours = pd.read_csv(bench_data / "bike-sharing-hour" / "train.csv", nrows=1500, parse_dates=["dteday"])
    hours["dteday"] = hours["dteday"].dt.strftime(WRITTEN)
    return run_stages(
        tmp_path_factory.mktemp("hours"),
        hours.sample(frac=1, random_state=0),
        task={"target": "cnt", "type": "regression", "time": "dteday", "metric": "mae"},
        validation={"folds": 3, "gap": GAP, "checks": WITHOUT_REFITS},
        budget={"evaluations": 15},
    )


@pytest.fixture(scope="module")
def parts(run: Any) -> dict[str, pd.Series]:
    """The day of each row, by the part that the row went to."""
    days = pd.read_csv(run.table, parse_dates=["dteday"], date_format=WRITTEN)["dteday"].sort_values(
        kind="stable", ignore_index=True
    )
    folders = {"train": run.train, "gap": run.holdout / "gap", "holdout": run.holdout}
    return {name: days[np.load(folder / "rows.npy")] for name, folder in folders.items()}


def test_a_gap_lies_between_the_training_rows_and_the_later_holdout(parts: dict[str, pd.Series]) -> None:
    assert len(parts["gap"]) == GAP
    assert parts["train"].max() <= parts["gap"].min()
    assert parts["gap"].max() < parts["holdout"].min()


def test_every_row_is_in_one_part(run: Any, parts: dict[str, pd.Series]) -> None:
    rows = np.concatenate([part.index for part in parts.values()])
    assert sorted(rows) == list(range(len(pd.read_csv(run.table))))


def test_exactly_the_rows_that_a_fold_validates_have_out_of_fold_predictions(run: Any) -> None:
    folds = np.load(run.train / "folds.npy")[0]
    for candidate in (run.model / "predictions").iterdir():
        known = np.isfinite(np.load(candidate)["predictions"]).all(axis=1)
        np.testing.assert_array_equal(known, folds >= 0)


def test_fit_on_the_users_file_reproduces_what_was_fitted_on_all_parts(run: Any, tmp_path: Path) -> None:
    def solution(*arguments: object) -> None:
        subprocess.run([sys.executable, str(run.final / "solution.py"), *map(str, arguments)], check=True)

    assert run.document("final", "model.json")["notes"] == []
    solution("fit", run.table, "--model", tmp_path / "own.skops")
    for model, out in ((tmp_path / "own.skops", "own.csv"), (run.final / "model.skops", "shipped.csv")):
        solution("predict", run.table, "--model", model, "--out", tmp_path / out)
    own, shipped = (pd.read_csv(tmp_path / name) for name in ("own.csv", "shipped.csv"))
    pd.testing.assert_frame_equal(own, shipped, rtol=1e-9)


def test_what_ships_has_seen_the_latest_rows_where_the_target_drifts(
    bench_data: Path, tmp_path: Path, run_stages: Any
) -> None:
    """Fifteen months of growing demand: whoever has not seen the last three expects too little of the next."""
    hours = pd.read_csv(
        bench_data / "bike-sharing-hour" / "train.csv",
    )
    known, future = hours[:10869:3], hours[10869:]
    run = run_stages(
        tmp_path,
        known,
        task={"target": "cnt", "type": "regression", "time": "dteday", "metric": "mae"},
        validation={"folds": 3, "checks": WITHOUT_REFITS},
        budget={"evaluations": 9},
    )
    assert run.document("final", "model.json")["notes"] == []
    future.drop(columns="cnt").to_csv(tmp_path / "future.csv", index=False)
    errors = {}
    for name in ("model", "final"):
        folder, out = run.root / name, tmp_path / f"{name}.csv"
        command = [sys.executable, folder / "solution.py", "predict", tmp_path / "future.csv"]
        subprocess.run([*map(str, command), "--model", str(folder / "model.skops"), "--out", str(out)], check=True)
        errors[name] = np.abs(pd.read_csv(out).iloc[:, -1].to_numpy() - future["cnt"].to_numpy()).mean()
    assert errors["final"] < errors["model"]
