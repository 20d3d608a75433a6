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


RunStages = Callable[..., StageRun]


@pytest.fixture(scope="session")
def run_stages(workers_address: str) -> Iterator[RunStages]:
    """``run_stages(root, table, store=None, **sections)``: all stages on a table; sections complete the scope spec."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(WORKERS, workers_address)
        yield _run_stages


def _run_stages(root: Path, table: pd.DataFrame, *, store: Path | None = None, **sections: Any) -> StageRun:
    run = StageRun(root, root / "train.csv")
    root.mkdir(parents=True, exist_ok=True)
    table.to_csv(run.table, index=False)
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "example",
        "data": {"train": str(run.table)},
        "validation": {"folds": 3},
        "budget": {"evaluations": 60},
        "pipeline": {"branches": 1, "outer_steps": 1, "inner_steps": 2},
        **sections,
    }
    rows = {"scope_dir": run.scope, "train_dir": run.train, "store": str(store or run.store)}
    judged = {**rows, "holdout_dir": run.holdout, "model_dir": run.model, "verdict_dir": run.verdict}
    run_stage(
        "scope",
        {**rows, "spec": json.dumps(spec), "fingerprint": fingerprint(str(run.table)), "holdout_dir": run.holdout},
    )
    run_stage("search", {**rows, "candidates_dir": run.candidates, "branch": 0})
    run_stage("ablate", {**rows, "candidates_dir": run.candidates, "ablated_dir": run.ablated, "branch": 0, "step": 1})
    run_stage("refine", {**rows, "candidates_dir": run.ablated, "refined_dir": run.refined, "branch": 0, "step": 1})
    run_stage("ensemble", {**rows, "branch_dirs": [run.refined], "model_dir": run.model})
    run_stage("validate", judged)
    run_stage("finalize", {**judged, "final_dir": run.final})
    return run
