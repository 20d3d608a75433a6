"""What ensemble ships when the run has not the time for everything."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from mlestar.evaluation import Harness
from mlestar.files import read_json, write_json
from mlestar.solution import read_program
from mlestar.stages import ensemble as ensemble_stage
from mlestar.stages import run_stage
from mlestar.stages.candidates import Candidate
from mlestar.stages.choices import Choice, passed_over, ranked
from mlestar.stages.environment import DEADLINE, WORKERS
from mlestar.stages.scoped import Scoped

Ensemble = Callable[..., tuple[Path, str]]
SECONDS_LEFT, VALIDATE_SECONDS, CHEAP_FOLD = 1000.0, 10.0, 0.03


@pytest.fixture(scope="module")
def searched(search: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Candidates that have a threshold for F1, which ``fit`` finds on out-of-fold predictions."""
    root = tmp_path_factory.mktemp("run")
    search(
        root,
        "sklearn:breast_cancer",
        task={"target": "target", "metric": "f1"},
        validation={"folds": 3},
        budget={"evaluations": 12},
        pipeline={"branches": 1},
    )
    return root


@pytest.fixture
def ensemble(searched: Path, workers_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ensemble:
    """``ensemble(fold_seconds)``: the stage on candidates of which the best stands out and is as dear as that.

    The others are cheap. Given ``rows``, the candidates count as compared on so many of the training rows;
    ``constraints`` are the spec's.

    Returns the model directory, and the id of the best.
    """

    def run(
        fold_seconds: float, rows: int | None = None, constraints: dict[str, float] | None = None
    ) -> tuple[Path, str]:
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        scope, candidates, model = (root / name for name in ("scope", "candidates", "model"))
        shutil.copytree(searched / "scope", scope)
        shutil.copytree(searched / "candidates", candidates)
        known = read_json(scope / "scope.json")
        write_json(scope / "scope.json", {**known, "spec": {**known["spec"], "constraints": constraints or {}}})
        plan = {"ensemble": 10.0, "validate": VALIDATE_SECONDS, "finalize": 10.0}
        write_json(scope / "plan.json", {"mode": "wall_clock", "total": SECONDS_LEFT, "stages": plan, "rows": rows})
        document = read_json(candidates / "candidates.json")
        found = [each for each in document["candidates"] if each["status"] == "ok" and "postprocess" in each["recipes"]]
        best = max(found, key=lambda each: each["score"])
        for each in document["candidates"]:
            if each is best:
                each["seconds"] = fold_seconds * len(each["fold_scores"])
            elif each["status"] == "ok":
                each.update(score=each["score"] - 0.3, fold_scores=[score - 0.3 for score in each["fold_scores"]])
                each["seconds"] = CHEAP_FOLD * len(each["fold_scores"])
        write_json(candidates / "candidates.json", document)
        monkeypatch.setenv(DEADLINE, str(time.monotonic() + SECONDS_LEFT))
        monkeypatch.setenv(WORKERS, workers_address)
        rows = {"scope_dir": scope, "train_dir": searched / "train", "store": str(searched / "store")}
        run_stage("ensemble", {**rows, "branch_dirs": [candidates], "model_dir": model})
        return model, best["id"]

    return run


@pytest.mark.parametrize(("fold_seconds", "method"), [(1.0, None), (150.0, None), (370.0, "best, fitted once")])
def test_the_best_candidate_ships_however_dear_it_is(
    ensemble: Ensemble, fold_seconds: float, method: str | None
) -> None:
    model, best = ensemble(fold_seconds)
    found = read_json(model / "ensemble.json")
    assert method in (None, found["method"])  # where there is time enough, others may join it
    assert best in [each["id"] for each in found["members"]]
    assert "needs_out_of_fold" not in (model / "solution.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(("fold_seconds", "fits"), [(5.0, 3), (10.0, 2), (20.0, 1)])
def test_members_are_fitted_as_often_as_takes_little_of_the_run(
    ensemble: Ensemble, fold_seconds: float, fits: int
) -> None:
    """35 of the thousand seconds of the run may go there; a fold trains on two thirds of the rows."""
    model, _ = ensemble(fold_seconds)
    assert read_program((model / "solution.py").read_text(encoding="utf-8")).fits == fits


def test_of_a_large_table_the_judged_model_may_be_fitted_on_a_part(ensemble: Ensemble) -> None:
    model, best = ensemble(350.0, rows=200)
    assert [each["id"] for each in read_json(model / "ensemble.json")["members"]] == [best]
    facts = read_json(model / "model.json")
    assert 200 <= facts["fit_rows"] < 455
    assert f"the judged model was fitted on {facts['fit_rows']} of the 455 training rows" in facts["notes"][0]


def test_the_best_may_be_fitted_on_as_many_rows_as_it_was_scored_with(ensemble: Ensemble) -> None:
    model, best = ensemble(900.0)
    found = read_json(model / "ensemble.json")
    assert (found["method"], [each["id"] for each in found["members"]]) == ("best, fitted once", [best])
    facts = read_json(model / "model.json")
    assert 303 <= facts["fit_rows"] < 455  # of three folds, one trains on two thirds
    assert f"the judged model was fitted on {facts['fit_rows']} of the 455 training rows" in facts["notes"][0]


@pytest.mark.parametrize(("constraint", "unit"), [("model_mb", "MB"), ("predict_ms_p95", "ms for a row")])
def test_what_breaks_a_constraint_gives_way_to_the_next_best(ensemble: Ensemble, constraint: str, unit: str) -> None:
    """Nothing keeps to these, so that all are tried; the last ships, and validate refuses it."""
    model, _ = ensemble(1.0, constraints={constraint: 0.001})
    assert len(broken(model, f"{unit}, of which")) > 1


def test_what_keeps_to_a_constraint_ships(ensemble: Ensemble) -> None:
    """The best is the cheapest here: it does not stand for all others. The limit is what the smallest has."""
    model, _ = ensemble(0.001, constraints={"model_mb": 0.001})
    notes = broken(model, "MB, of which")
    assert len(notes) == len(read_json(model / "ensemble.json")["candidates"])
    smallest = min(float(note.split(" has ")[1].split(" MB")[0]) for note in notes)
    model, _ = ensemble(0.001, constraints={"model_mb": 1.01 * smallest})
    assert (model / "model.skops").stat().st_size / 1e6 <= 1.01 * smallest


def broken(model: Path, what: str) -> list[str]:
    """The notes that say which choice broke a constraint."""
    return [each for each in read_json(model / "model.json")["notes"] if what in each]


def test_a_model_in_place_of_a_better_one_says_so(ensemble: Ensemble) -> None:
    model, best = ensemble(5000.0)
    assert best not in [each["id"] for each in read_json(model / "ensemble.json")["members"]]
    [note] = read_json(model / "model.json")["notes"]
    assert "in cross-validation, this model 0.6" in note
    assert "a larger budget.wall_clock may let it ship" in note


@pytest.mark.parametrize(("fold_seconds", "left", "ships"), [(275.0, 0.8, True), (60.0, 0.1, False)])
def test_only_what_choosing_has_left_no_time_for_is_passed_over(
    ensemble: Ensemble, monkeypatch: pytest.MonkeyPatch, fold_seconds: float, left: float, ships: bool
) -> None:
    rank = ensemble_stage.ranked

    def ranked_late(*arguments: Any) -> Any:
        monkeypatch.setenv(DEADLINE, str(time.monotonic() + SECONDS_LEFT * left))
        return rank(*arguments)

    monkeypatch.setattr(ensemble_stage, "ranked", ranked_late)
    model, best = ensemble(fold_seconds)
    assert (best in [each["id"] for each in read_json(model / "ensemble.json")["members"]]) is ships


def test_an_average_is_named_by_the_members_that_it_has(ensemble: Ensemble) -> None:
    model, _ = ensemble(1.0)
    averages = [each for each in read_json(model / "ensemble.json")["candidates"] if each["method"].startswith("aver")]
    assert averages
    for each in averages:
        assert each["method"].removesuffix(" models") == f"average of {len(each['members'])}"


@pytest.mark.parametrize(
    ("leads", "ships"),
    [((-0.03, -0.02, -0.01), "average"), ((0.0, 0.01, 0.05), "average"), ((0.01, 0.02, 0.03), "best")],
    ids=["behind", "ahead by less than a standard error", "ahead by more"],
)
def test_a_single_one_ships_only_where_its_lead_is_more_than_a_standard_error(
    searched: Path, tmp_path: Path, leads: tuple[float, ...], ships: str
) -> None:
    nothing = cast(Any, None)  # no fit is asked for
    task, services = Scoped.read(searched / "scope").task, {"store": nothing, "workers": nothing}
    harness = Harness(task, searched / "train", data="", scratch=tmp_path, memory_mb=1000.0, **services)
    together = (0.9, 0.92, 0.94)
    alone = tuple(score + lead for score, lead in zip(together, leads, strict=True))
    single = Choice("best", nothing, ((nothing, 1.0),), float(np.mean(alone)), alone)
    average = Choice("average", nothing, ((nothing, 0.5), (nothing, 0.5)), float(np.mean(together)), together)
    assert ranked(harness, [single, average])[0].method == ships


def test_a_choice_that_is_scored_by_the_deal_is_not_compared_with_scores_by_the_fold(
    searched: Path, tmp_path: Path
) -> None:
    """The mean over three deals of five folds of a candidate's own predictions can be below that over fifteen folds."""
    nothing = cast(Any, None)
    task, services = Scoped.read(searched / "scope").task, {"store": nothing, "workers": nothing}
    harness = Harness(task, searched / "train", data="", scratch=tmp_path, memory_mb=1000.0, **services)
    candidate = cast(Candidate, SimpleNamespace(name="logistic", status="ok", score=0.995, fold_scores=[0.995] * 15))
    choice = Choice("best", nothing, ((candidate, 1.0),), 0.994, (0.994, 0.994, 0.994))
    assert passed_over(harness, [candidate], [choice], choice) == []
    better = Choice("average", nothing, ((candidate, 1.0),), 0.999, (0.999, 0.999, 0.999))
    [note] = passed_over(harness, [candidate], [choice, better], choice)
    assert "0.999 in cross-validation, this model 0.994" in note


def test_an_ensemble_may_choose_from_models_that_were_refined_less() -> None:
    models = [*["lightgbm"] * 8, *["catboost"] * 8, *["xgboost"] * 8, "mlp", "logistic", "random_forest", "extra_trees"]
    scored = [SimpleNamespace(id=place, recipes={"model": model}) for place, model in enumerate(models)]
    taken = [each.recipes["model"] for each in ensemble_stage._pool(cast(list[Candidate], scored), lambda _: True)]
    assert len(taken) == 12
    assert set(taken) == {"lightgbm", "catboost", "xgboost", "mlp", "logistic", "random_forest"}
    assert taken.count("lightgbm") == 4
