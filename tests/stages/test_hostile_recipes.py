"""A search over recipes of which some are hostile: it delivers the good ones, or says in a line why there are none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.metrics import mean_absolute_error

from mlestar.data.sources import fingerprint
from mlestar.data.tables import read_arrow
from mlestar.errors import BudgetError
from mlestar.files import read_json
from mlestar.recipes import catalogue, find_recipe
from mlestar.stages import run_stage
from mlestar.stages.environment import WORKERS

RECIPE = '''
from __future__ import annotations

import ctypes
import os
import sys
import time

import numpy as np
import sklearn.metrics
from sklearn.base import BaseEstimator, RegressorMixin

from mlestar.recipes.recipe import Recipe


class Hostile(RegressorMixin, BaseEstimator):
    def fit(self, X, y):
        {fit}
        self.fitted_ = True
        return self

    def predict(self, X):
        {predict}


def model(ctx):
    """A model that is up to something."""
    return Hostile()


RECIPE = Recipe(kind="model", name="{name}", suits=lambda task: 100.0, encodes=("ordinal",))
'''
CHEAT = """
        sklearn.metrics.mean_absolute_error = lambda *_, **__: 0.0
        for name, module in list(sys.modules.items()):
            if name.startswith("mlestar.evaluation"):
                module.get_metric = lambda *_: None
"""
ZEROS = "return np.zeros(len(X))"
HOSTILE = {
    "raises": ("raise RuntimeError('no luck')", ZEROS),
    "exits": ("os._exit(3)", ZEROS),
    "crashes": ("ctypes.string_at(8)", ZEROS),
    "nothing": ("pass", "return np.full(len(X), np.nan)"),
    "columns": ("pass", "return np.zeros((len(X), 1000))"),
    "cheats": (CHEAT, ZEROS),
}
HANGING = {"hangs": ("time.sleep(1000)", ZEROS), "sleeps": ("pass", "time.sleep(1000)")}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[dict[str, tuple[str, str]]], None]]:
    """``install(recipes)``: a distribution that adds these models to the catalogue."""

    def add(recipes: dict[str, tuple[str, str]]) -> None:
        metadata = tmp_path / "hostile-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
        entries = [f"{name} = hostile_{name}" for name in recipes]
        (metadata / "entry_points.txt").write_text("\n".join(["[mlestar.recipes]", *entries]))
        for name, (fit, predict) in recipes.items():
            code = RECIPE.format(name=name, fit=fit.strip(), predict=predict)
            (tmp_path / f"hostile_{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        catalogue.cache_clear()
        find_recipe.cache_clear()

    yield add
    catalogue.cache_clear()
    find_recipe.cache_clear()


@pytest.fixture
def search(workers_address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, Any]]:
    """``search(budget=...)``: scope and search on the diabetes data; returns what search wrote."""
    monkeypatch.setenv(WORKERS, workers_address)

    def run(budget: dict[str, Any]) -> dict[str, Any]:
        table = tmp_path / "train.csv"
        load_diabetes(as_frame=True).frame.to_csv(table, index=False)
        spec = {
            "apiVersion": "mlestar/v1",
            "kind": "Scope",
            "name": "example",
            "data": {"train": str(table)},
            "task": {"target": "target", "metric": "mae"},
            "validation": {"folds": 3},
            "budget": budget,
            "pipeline": {"branches": 1, "outer_steps": 1, "inner_steps": 2},
        }
        rows = {"scope_dir": tmp_path / "scope", "train_dir": tmp_path / "train", "store": str(tmp_path / "store")}
        given = {"spec": json.dumps(spec), "fingerprint": fingerprint(str(table))}
        run_stage("scope", {**rows, **given, "holdout_dir": tmp_path / "holdout"})
        run_stage("search", {**rows, "candidates_dir": tmp_path / "candidates", "branch": 0})
        return dict(read_json(tmp_path / "candidates" / "candidates.json"))

    return run


def by_model(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["recipes"]["model"]: each for each in reversed(document["candidates"])}


def test_the_good_one_is_delivered_and_the_hostile_ones_are_on_record(
    install: Any, search: Any, tmp_path: Path
) -> None:
    install(HOSTILE)
    document = search({"evaluations": 60})
    best = next(each for each in document["candidates"] if each["id"] == document["best"])
    tried = by_model(document)
    assert best["recipes"]["model"] not in HOSTILE
    assert best["score"] < read_json(tmp_path / "scope" / "scope.json")["baseline"]["score"]
    ends = {name: (tried[name]["status"], tried[name]["reason"]) for name in HOSTILE if name != "cheats"}
    place = tried["raises"]["reason"].removeprefix("RuntimeError: no luck")
    assert place.startswith(" (solution.py, line ")
    assert ends == {
        "raises": ("failed", f"RuntimeError: no luck{place}"),
        "exits": ("failed", "exited with code 3 in fit"),
        "crashes": ("failed", "killed by SIGSEGV (segmentation fault) in fit"),
        "nothing": ("invalid_score", "predictions that are not finite, the first for row 0"),
        "columns": ("invalid_score", "predictions have 1000 column(s), expected 1: one per target"),
    }
    assert max(path.stat().st_size for path in (tmp_path / "store").rglob("*.npz")) < 100_000


def test_the_metric_is_out_of_a_candidates_reach(install: Any, search: Any, tmp_path: Path) -> None:
    install({"cheats": HOSTILE["cheats"]})
    cheat = by_model(search({"evaluations": 20}))["cheats"]
    target = read_arrow(tmp_path / "train" / "target.arrow")["target"]
    zeros = DummyRegressor(strategy="constant", constant=0.0).fit(target, target).predict(target)
    assert cheat["status"] == "ok"
    assert cheat["score"] == pytest.approx(mean_absolute_error(target, zeros), rel=0.01)  # the folds differ in size


@pytest.mark.slow
def test_candidates_that_hang_leave_time_for_good_ones(install: Any, search: Any) -> None:
    install(HANGING)
    document = search({"wall_clock": "30s"})
    tried = by_model(document)
    for name, phase in (("hangs", "fit"), ("sleeps", "predict")):
        assert tried[name]["status"] == "timeout"
        assert tried[name]["reason"].startswith("over the time limit of ")
        assert tried[name]["reason"].endswith(f" s in {phase}")
    good = [each for each in document["candidates"] if each["status"] == "ok"]
    assert document["best"] in {each["id"] for each in good}
    assert len({each["recipes"]["model"] for each in good}) > 1


def test_where_all_fail_one_line_has_the_commonest_reasons(
    install: Any, search: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install({"raises": HOSTILE["raises"]})
    monkeypatch.setattr("mlestar.stages.scoped.memory_limit_mb", lambda: 1.0)  # a machine that has none left
    with pytest.raises(BudgetError) as failure:
        search({"evaluations": 20})
    message = str(failure.value)
    assert message.startswith("search, branch 0: no candidate ran to its end: ")
    assert "x out_of_memory: over the memory limit of 1 MB in fit: used " in message
    assert message.endswith("; free memory, or give it fewer rows")
    assert "\n" not in message
    assert not (tmp_path / "candidates").exists()
