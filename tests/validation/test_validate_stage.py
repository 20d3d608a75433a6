"""The stage: from the directories of scope and ensemble to a verdict, figures and a report."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from mlestar.errors import ModelError
from mlestar.evaluation import Limits, Workers
from mlestar.files import read_json, write_json
from mlestar.recipes import find_recipe
from mlestar.solution import Solution, render
from mlestar.stages import run_stage
from mlestar.stages import validate as validate_stage
from mlestar.stages.budget import Plan, StageBudget
from mlestar.stages.model import MODEL_FILE, ModelFacts, fit_and_save, write_model
from mlestar.stages.scoped import WORKERS, Scoped


@pytest.fixture(scope="module")
def run(workers: Workers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with what scope writes, and a model directory as ensemble would."""
    root = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WORKERS, workers.address)
        spec = {
            "apiVersion": "mlestar/v1",
            "kind": "Scope",
            "name": "cancer",
            "data": {"train": "sklearn:breast_cancer"},
            "task": {"target": "target", "metric": "roc_auc"},
            "objective": {"at_least": 0.95},
            "validation": {"folds": 2, "checks": {"latency": "off", "label_shuffle": "off", "reproducibility": "off"}},
        }
        folders = {f"{name}_dir": str(root / name) for name in ("scope", "train", "holdout")}
        run_stage("scope", {"spec": json.dumps(spec), "fingerprint": "f", "store": str(root / "store"), **folders})
        _write_model(root, workers)
        yield root


def _write_model(root: Path, workers: Workers) -> None:
    scoped = Scoped.read(root / "scope")
    recipes = {"clean": "standard", "encode": "ordinal", "model": "logistic"}
    solution = Solution.of({kind: find_recipe(kind, name).block() for kind, name in recipes.items()})
    program = render(solution, scoped.task)
    limits = Limits(seconds=60.0, memory_mb=2000.0)
    fit_and_save(workers, program, scoped.task, root / "train", root / "model" / MODEL_FILE, limits)
    write_json(root / "model" / "candidates.json", {"best": None, "candidates": []})
    write_json(root / "model" / "history.json", {"ablations": [], "refinements": [], "spent": []})
    write_json(root / "model" / "ensemble.json", {"method": "best", "candidates": [], "members": []})
    facts = ModelFacts(
        kind="judged",
        solution=solution.digest,
        task=scoped.task,
        metric="roc_auc",
        score=0.98,
        members=["logistic"],
        fit_seconds=0.1,
        fit_rows=455,
    )
    write_model(root / "model", program, facts)


@pytest.fixture(scope="module")
def validate(run: Path) -> Callable[[], Any]:
    """Runs the stage."""

    def make() -> Any:
        folders = {f"{name}_dir": str(run / name) for name in ("scope", "train", "holdout", "model", "verdict")}
        return run_stage("validate", {**folders, "store": str(run / "store")})["result"]

    return make


def test_a_verdict_its_figures_and_a_report(run: Path, validate: Callable[[], Any]) -> None:
    assert validate() == "blessed"
    verdict = read_json(run / "verdict" / "verdict.json")
    assert verdict["score"] > 0.95
    assert verdict["environment"]["sandbox"] in ("namespaces", "landlock", "none")
    figures = read_json(run / "verdict" / "metrics.json")
    assert figures["blessed"] == 1.0
    assert figures["roc_auc"] == verdict["score"]
    report = (run / "verdict" / "report.html").read_text(encoding="utf-8")
    assert all(check["title"] in report for check in verdict["checks"])


def test_a_model_that_is_judged_again_does_not_count_as_another(run: Path, validate: Callable[[], Any]) -> None:
    validate()
    checks = read_json(run / "verdict" / "verdict.json")["checks"]
    assert next(check for check in checks if check["id"] == "openings")["evidence"] == {"models": 1}


def test_a_changed_program_is_not_judged(run: Path, validate: Callable[[], Any]) -> None:
    program = run / "model" / "solution.py"
    written = program.read_text(encoding="utf-8")
    program.write_text(written + "\n# changed\n", encoding="utf-8")
    with pytest.raises(ModelError, match="changed since it was written"):
        validate()
    program.write_text(written, encoding="utf-8")


@pytest.mark.parametrize(
    ("fit_seconds", "left", "kept"),
    [
        (1.0, 9.0, 0.0),  # finalize has the time already
        (3.0, 20.0, 2.5),
        (3.0, 6.0, 1.0),  # all that there is beyond the checks
        (9.0, 7.0, 0.0),  # not even that would do
    ],
)
def test_the_checks_leave_time_to_fit_again_where_there_is_enough(
    run: Path, fit_seconds: float, left: float, kept: float
) -> None:
    plan = Plan(mode="wall_clock", total=60.0, stages={"validate": 5.0, "finalize": 5.0})
    scoped = replace(Scoped.read(run / "scope"), plan=plan)
    rows = scoped.task.rows - len(np.load(run / "holdout" / "rows.npy"))
    facts = {"fit_seconds": fit_seconds, "fit_rows": rows}
    budget = cast(StageBudget, SimpleNamespace(left=left))
    assert validate_stage._kept_for_finalize(scoped, facts, budget, run / "train") == kept
