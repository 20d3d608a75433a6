"""What a run of the stages delivers."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from mlestar.errors import ModelError
from mlestar.files import read_json, write_json
from mlestar.solution import read_program
from mlestar.stages import run_stage
from mlestar.stages.environment import DEADLINE, WORKERS

TABLES = {
    "binary": load_breast_cancer(as_frame=True).frame,
    "multiclass": load_wine(as_frame=True).frame,
    "regression": load_diabetes(as_frame=True).frame,
    "two targets": load_diabetes(as_frame=True, scaled=False).frame,
}
TASKS: dict[str, dict[str, Any]] = {
    "binary": {"target": "target", "type": "binary", "metric": "f1"},
    "multiclass": {"target": "target", "type": "multiclass", "metric": "log_loss"},
    "regression": {"target": "target", "type": "regression", "metric": "mae"},
    "two targets": {"target": ["target", "bp"], "type": "regression", "metric": "rmse"},
}


@pytest.fixture(
    scope="module",
    params=[name if name == "regression" else pytest.param(name, marks=pytest.mark.slow) for name in TASKS],
)
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, run_stages: Any) -> Any:
    return run_stages(tmp_path_factory.mktemp("run"), TABLES[request.param], task=TASKS[request.param])


def test_the_best_candidate_beats_the_trivial_baseline(run: Any) -> None:
    candidates = run.document("refined", "candidates.json")
    best = next(each for each in candidates["candidates"] if each["id"] == candidates["best"])
    trivial = run.document("scope", "scope.json")["baseline"]["score"]
    higher_is_better = run.document("verdict", "verdict.json")["greater_is_better"]
    assert (best["score"] > trivial) is higher_is_better


def test_fit_on_the_users_file_reproduces_what_finalize_ships(run: Any, tmp_path: Path) -> None:
    program = run.final / "solution.py"

    def solution(*arguments: object) -> None:
        subprocess.run([sys.executable, str(program), *map(str, arguments)], check=True)

    solution("fit", run.table, "--model", tmp_path / "own.skops")
    for model, out in ((tmp_path / "own.skops", "own.csv"), (run.final / "model.skops", "shipped.csv")):
        solution("predict", run.table, "--model", model, "--out", tmp_path / out)
    own, shipped = (pd.read_csv(tmp_path / name) for name in ("own.csv", "shipped.csv"))
    pd.testing.assert_frame_equal(own, shipped, rtol=1e-9)
    assert not run.document("final", "model.json")["notes"]


@pytest.mark.parametrize(("fit_seconds", "is_fitted"), [(52.0, True), (300.0, False)])
def test_the_fit_on_all_rows_may_end_a_little_late(
    run: Any,
    tmp_path: Path,
    workers_address: str,
    monkeypatch: pytest.MonkeyPatch,
    fit_seconds: float,
    is_fitted: bool,
) -> None:
    for name in ("scope", "model"):
        shutil.copytree(run.root / name, tmp_path / name)
    facts = read_json(tmp_path / "model" / "model.json")
    write_json(tmp_path / "model" / "model.json", {**facts, "fit_seconds": fit_seconds})
    plan = {"mode": "wall_clock", "total": 300.0, "stages": {"finalize": 10.0}}
    write_json(tmp_path / "scope" / "plan.json", plan)
    monkeypatch.setenv(DEADLINE, str(time.monotonic() + 60))
    monkeypatch.setenv(WORKERS, workers_address)
    places = {"train_dir": run.train, "holdout_dir": run.holdout, "verdict_dir": run.verdict, "store": str(run.store)}
    places |= {f"{name}_dir": tmp_path / name for name in ("scope", "model", "final")}
    run_stage("finalize", places)
    shipped = read_json(tmp_path / "final" / "model.json")
    assert ("fitted without the holdout" in " ".join(shipped["notes"])) is not is_fitted
    rows = len(pd.read_csv(run.table))
    assert facts["fit_rows"] < rows
    assert shipped["fit_rows"] == (rows if is_fitted else facts["fit_rows"])
    report = (tmp_path / "final" / "report.html").read_text(encoding="utf-8")
    assert ("fitted again on all rows" in report) is is_fitted
    assert ("which is the judged one" in report) is not is_fitted


def test_a_refused_model_is_not_finalized(run: Any, tmp_path: Path) -> None:
    shutil.copytree(run.verdict, tmp_path / "verdict")
    verdict = read_json(tmp_path / "verdict" / "verdict.json")
    write_json(tmp_path / "verdict" / "verdict.json", {**verdict, "verdict": "refused"})
    places = {f"{name}_dir": run.root / name for name in ("scope", "train", "holdout", "model")}
    places |= {"verdict_dir": tmp_path / "verdict", "final_dir": tmp_path / "final", "store": str(run.store)}
    with pytest.raises(ModelError, match="only a blessed model is finalized"):
        run_stage("finalize", places)
    assert not (tmp_path / "final").exists()


def test_the_program_says_why_it_was_chosen(run: Any) -> None:
    program = " ".join((run.final / "solution.py").read_text(encoding="utf-8").replace("#", " ").split())
    members = run.document("model", "ensemble.json")["members"]
    metric = run.document("scope", "scope.json")["task"]["metric"]
    assert re.search(rf"of \d+ candidates[^:]*, by cross-validation on the training rows: {metric}", program)
    assert program.count("its weight is") == (len(members) if len(members) > 1 else 0)


def test_its_tests_ship_with_it_and_pass(run: Any, tmp_path: Path) -> None:
    for name in ("solution.py", "test_solution.py", "sample.csv"):
        (tmp_path / name).write_bytes((run.final / name).read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_solution.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "_on_new_rows" in (tmp_path / "test_solution.py").read_text(encoding="utf-8")


def test_the_weights_of_an_ensemble_sum_to_one_over_different_members(run: Any) -> None:
    members = run.document("model", "ensemble.json")["members"]
    assert sum(member["weight"] for member in members) == pytest.approx(1, abs=1e-12)
    predictions = [np.load(run.model / "predictions" / f"{each['id']}.npz")["predictions"] for each in members]
    for one, other in combinations(predictions, 2):
        assert not np.allclose(one, other, rtol=1e-6, equal_nan=True)


def test_no_holdout_row_is_among_the_training_rows(run: Any) -> None:
    train, holdout = (np.load(run.root / part / "rows.npy") for part in ("train", "holdout"))
    assert not set(train) & set(holdout)
    assert sorted([*train, *holdout]) == list(range(len(pd.read_csv(run.table))))


def test_every_candidate_is_on_record_with_its_program(run: Any) -> None:
    for candidate in run.document("model", "candidates.json")["candidates"]:
        program = (run.model / "solutions" / f"{candidate['id']}.py").read_text()
        assert read_program(program).id == candidate["id"]
        assert candidate["status"] == "ok" or candidate["reason"]


def test_the_same_seed_gives_the_same_program_and_executes_nothing_again(
    run: Any, run_stages: Any, tmp_path: Path
) -> None:
    spec = run.document("scope", "scope.json")["spec"]
    again = run_stages(tmp_path, pd.read_csv(run.table), store=run.store, task=spec["task"])
    assert (again.final / "solution.py").read_bytes() == (run.final / "solution.py").read_bytes()
    assert again.document("verdict", "verdict.json")["score"] == run.document("verdict", "verdict.json")["score"]
    assert again.executed() == 0
