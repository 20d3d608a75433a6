"""A whole run on rows that are ordered in time, with a gap before what is predicted."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.data.tables import read_arrow, write_arrow
from mlestar.files import read_json
from mlestar.stages import run_stage

WRITTEN = "%d.%m.%Y"
GAP = 24  # rows, one per hour
LATEST = 10869  # row from which the future begins
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


@pytest.fixture(scope="module")
def drifting(bench_data: Path, tmp_path_factory: pytest.TempPathFactory, run_stages: Any) -> Any:
    """Fifteen months of growing demand."""
    hours = pd.read_csv(bench_data / "bike-sharing-hour" / "train.csv")
    return run_stages(
        tmp_path_factory.mktemp("drifting"),
        hours[:LATEST:3],
        task={"target": "cnt", "type": "regression", "time": "dteday", "metric": "mae"},
        objective={"beat": []},  # so few evaluations find less than gradient boosting
        validation={"folds": 3, "checks": WITHOUT_REFITS},
        budget={"evaluations": 9},
    )


def test_what_ships_has_seen_the_latest_rows_where_the_target_drifts(
    drifting: Any, bench_data: Path, tmp_path: Path
) -> None:
    """Whoever has not seen the last months expects too little of the next."""
    assert drifting.document("final", "model.json")["notes"] == []
    future = pd.read_csv(bench_data / "bike-sharing-hour" / "train.csv")[LATEST:]
    future.drop(columns="cnt").to_csv(tmp_path / "future.csv", index=False)
    errors = {}
    for name in ("model", "final"):
        folder, out = drifting.root / name, tmp_path / f"{name}.csv"
        command = [sys.executable, folder / "solution.py", "predict", tmp_path / "future.csv"]
        subprocess.run([*map(str, command), "--model", str(folder / "model.skops"), "--out", str(out)], check=True)
        errors[name] = np.abs(pd.read_csv(out)["prediction"].to_numpy() - future["cnt"].to_numpy()).mean()
    assert errors["final"] < errors["model"]


def test_a_fit_on_all_rows_that_learned_otherwise_does_not_ship(drifting: Any, tmp_path: Path) -> None:
    """Labels that were mixed up after the judged model was fitted: the two models disagree on rows that both know."""
    train, final = tmp_path / "train", tmp_path / "final"
    shutil.copytree(drifting.train, train)
    labels = read_arrow(train / "target.arrow")
    write_arrow(labels.sample(frac=1, random_state=0, ignore_index=True), train / "target.arrow")
    run_stage(
        "finalize",
        {
            "scope_dir": drifting.scope,
            "train_dir": train,
            "holdout_dir": drifting.holdout,
            "model_dir": drifting.model,
            "verdict_dir": drifting.verdict,
            "final_dir": final,
            "store": str(drifting.store),
        },
    )
    [note] = read_json(final / "model.json")["notes"]
    assert "its predictions changed by" in note
    assert (final / "model.skops").read_bytes() == (drifting.model / "model.skops").read_bytes()
