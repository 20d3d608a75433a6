"""A search over recipes of which some are hostile: it delivers the good ones, or says in a line why there are none."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sklearn.datasets import load_breast_cancer

from mlestar.data.sources import fingerprint
from mlestar.errors import BudgetError
from mlestar.files import read_json, write_json
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
from sklearn.base import BaseEstimator, ClassifierMixin

from mlestar.recipes.recipe import Recipe


class Hostile(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        {fit}
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        {predict}


def model(ctx):
    """A model that is up to something."""
    return Hostile()


RECIPE = Recipe(kind="model", name="{name}", suits=lambda task: 100.0, family="trees")
'''
CHEAT = """
        sklearn.metrics.roc_auc_score = lambda *_, **__: 1.0
        for name, module in list(sys.modules.items()):
            if name.startswith("mlestar.evaluation"):
                module.get_metric = lambda *_: None
"""
WIDE = 'sys.modules["solution"].Solution.predict_proba = lambda _, X: np.eye(1, 1000).repeat(len(X), axis=0)'
HALF = "return np.full((len(X), 2), 0.5)"
HOSTILE = {
    "raises": ("raise RuntimeError('no luck')", HALF),
    "exits": ("os._exit(3)", HALF),
    "crashes": ("ctypes.string_at(8)", HALF),
    "unsure": ("pass", "return np.full((len(X), 2), np.nan)"),
    "wide": (WIDE, HALF),
    "cheats": (CHEAT, HALF),
    "sleeps": ("pass", "time.sleep(1000)"),
}
BY_THE_CLOCK = {
    "mode": "wall_clock",
    "total": 60.0,
    "stages": {"search": 12.0, "ablate": 5.0, "refine": 12.0, "ensemble": 5.0, "validate": 5.0, "finalize": 5.0},
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """``install(*names)``: a distribution that adds these hostile models to the catalogue."""

    def add(*names: str) -> None:
        metadata = tmp_path / "hostile-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: hostile\nVersion: 1.0\n")
        entries = [f"{name} = hostile_{name}" for name in names]
        (metadata / "entry_points.txt").write_text("\n".join(["[mlestar.recipes]", *entries]))
        for name in names:
            fit, predict = HOSTILE[name]
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
    """``search(evaluations, plan=None)``: scope and search on the breast cancer data; returns what search wrote."""
    monkeypatch.setenv(WORKERS, workers_address)

    def run(evaluations: int, plan: dict[str, Any] | None = None) -> dict[str, Any]:
        table = tmp_path / "train.csv"
        load_breast_cancer(as_frame=True).frame.to_csv(table, index=False)
        spec = {
            "apiVersion": "mlestar/v1",
            "kind": "Scope",
            "name": "example",
            "data": {"train": str(table)},
            "task": {"target": "target", "metric": "roc_auc"},
            "validation": {"folds": 3},
            "budget": {"evaluations": evaluations},
            "pipeline": {"branches": 1, "outer_steps": 1, "inner_steps": 2},
        }
        rows = {"scope_dir": tmp_path / "scope", "train_dir": tmp_path / "train", "store": str(tmp_path / "store")}
        given = {"spec": json.dumps(spec), "fingerprint": fingerprint(str(table))}
        run_stage("scope", {**rows, **given, "holdout_dir": tmp_path / "holdout"})
        if plan:
            write_json(tmp_path / "scope" / "plan.json", plan)
        run_stage("search", {**rows, "candidates_dir": tmp_path / "candidates", "branch": 0})
        return dict(read_json(tmp_path / "candidates" / "candidates.json"))

    return run


def by_model(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The first candidate with each model."""
    return {each["recipes"]["model"]: each for each in reversed(document["candidates"])}


def best_of(document: dict[str, Any]) -> dict[str, Any]:
    return next(each for each in document["candidates"] if each["id"] == document["best"])


def test_a_good_candidate_is_delivered_and_the_hostile_ones_are_on_record(
    install: Any, search: Any, tmp_path: Path
) -> None:
    install("raises", "exits", "crashes", "unsure", "wide", "cheats")
    document = search(evaluations=30)
    tried = {name: each for name, each in by_model(document).items() if name in HOSTILE}
    assert best_of(document)["recipes"]["model"] not in HOSTILE
    assert best_of(document)["score"] > 0.97
    assert tried.pop("cheats")["score"] == 0.5
    ends = {name: (each["status"], each["reason"].partition(" (solution.py, line ")[0]) for name, each in tried.items()}
    assert ends == {
        "raises": ("failed", "RuntimeError: no luck"),
        "exits": ("failed", "exited with code 3 in fit"),
        "crashes": ("failed", "killed by SIGSEGV (segmentation fault) in fit"),
        "unsure": ("invalid_score", "predictions that are not finite, the first for row 0"),
        "wide": ("invalid_score", "predictions have 1000 column(s), expected 2: one per class"),
    }
    (spent,) = read_json(tmp_path / "candidates" / "history.json")["spent"]
    fits = [len(each["fold_scores"]) + (each["status"] not in ("ok", "pruned")) for each in document["candidates"]]
    assert spent["evaluations"] == sum(fits)  # of a candidate that fails, no fold after that counts
    assert max(path.stat().st_size for path in (tmp_path / "store").rglob("*.npz")) < 100_000


@pytest.mark.slow
def test_a_candidate_that_hangs_leaves_time_for_a_good_one(install: Any, search: Any) -> None:
    install("sleeps")
    document = search(evaluations=20, plan=BY_THE_CLOCK)
    asleep = by_model(document)["sleeps"]
    assert asleep["status"] == "timeout"
    assert re.fullmatch(r"over the time limit of \d+\.\d s in predict", asleep["reason"])
    assert best_of(document)["score"] > 0.97


def test_where_all_fail_one_line_has_the_commonest_reasons(
    install: Any, search: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("raises")
    monkeypatch.setattr("mlestar.stages.scoped.memory_limit_mb", lambda: -1.0)  # so that any use is too much
    with pytest.raises(BudgetError) as failure:
        search(evaluations=10)
    message = str(failure.value)
    assert message.startswith("search, branch 0: no candidate ran to its end: ")
    assert "x out_of_memory: over the memory limit of -1 MB in fit: used " in message
    assert message.endswith("; free memory, or give it fewer rows")
    assert "\n" not in message
    assert not (tmp_path / "candidates").exists()
