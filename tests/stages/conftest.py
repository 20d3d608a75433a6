"""Whole runs of the stages, without an orchestrator, on real tables."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlestar.data.sources import fingerprint
from mlestar.evaluation import start_server
from mlestar.files import read_json
from mlestar.stages import run_stage
from mlestar.stages.environment import WORKERS


@pytest.fixture(scope="session")
def workers_address() -> Iterator[str]:
    """One worker server for all runs."""
    with start_server(2) as server:
        yield server.address


@dataclass(frozen=True)
class StageRun:
    """The directories of one run, by the names that docs/contracts.md gives them."""

    root: Path
    table: Path

    def __getattr__(self, name: str) -> Path:
        return self.root / name

    def document(self, *parts: str) -> Mapping[str, Any]:
        return read_json(self.root.joinpath(*parts))

    def executed(self) -> int:
        """Evaluations that were executed, not taken from the store."""
        return sum(each["executed"] for each in self.document("model", "history.json")["spent"])


Search = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def search(workers_address: str) -> Iterator[Search]:
    """``search(root, train, store=None, **sections)``: scope, and the search of one branch, which writes candidates/.

    Sections complete the scope spec. Returns the arguments that all later stages take.
    """

    def run(root: Path, train: str, *, store: Path | None = None, **sections: Any) -> dict[str, Any]:
        spec = {"apiVersion": "mlestar/v1", "kind": "Scope", "name": "example", "data": {"train": train}, **sections}
        rows = {"scope_dir": root / "scope", "train_dir": root / "train", "store": str(store or root / "store")}
        told = {"spec": json.dumps(spec), "fingerprint": fingerprint(train), "holdout_dir": root / "holdout"}
        run_stage("scope", {**rows, **told})
        run_stage("search", {**rows, "candidates_dir": root / "candidates", "branch": 0})
        return rows

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WORKERS, workers_address)
        yield run


RunStages = Callable[..., StageRun]


@pytest.fixture(scope="session")
def run_stages(search: Search) -> RunStages:
    """``run_stages(root, table, store=None, **sections)``: all stages on a table; sections complete the scope spec."""

    def run(root: Path, table: pd.DataFrame, *, store: Path | None = None, **sections: Any) -> StageRun:
        found = StageRun(root, root / "train.csv")
        root.mkdir(parents=True, exist_ok=True)
        table.to_csv(found.table, index=False)
        small: dict[str, Any] = {
            "validation": {"folds": 3},
            "budget": {"evaluations": 60},
            "pipeline": {"branches": 1, "outer_steps": 1, "inner_steps": 2},
        }
        rows = search(root, str(found.table), store=store, **small | sections)
        step = {**rows, "branch": 0, "step": 1}
        judged = {**rows, "holdout_dir": found.holdout, "model_dir": found.model, "verdict_dir": found.verdict}
        run_stage("ablate", {**step, "candidates_dir": found.candidates, "ablated_dir": found.ablated})
        run_stage("refine", {**step, "candidates_dir": found.ablated, "refined_dir": found.refined})
        run_stage("ensemble", {**rows, "branch_dirs": [found.refined], "model_dir": found.model})
        run_stage("validate", judged)
        run_stage("finalize", {**judged, "final_dir": found.final})
        return found

    return run
