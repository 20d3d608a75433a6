"""A spec and a table that are right, for tests to spoil; and what a user sees of it."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mlestar.cli import main
from mlestar.engines.local.prediction import predict
from mlestar.evaluation import connect, start_server
from mlestar.stages import run_stage
from mlestar.stages.environment import WORKERS

SPEC = """\
apiVersion: mlestar/v1
kind: Scope
name: penguins
data:
  train: train.csv
task:
  target: species
validation:
  folds: 2
budget:
  evaluations: 6
"""


@pytest.fixture
def folder(tmp_path: Path, bench_data: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory: ``penguins.yaml`` beside ``train.csv``, which is real."""
    (tmp_path / "train.csv").write_bytes((bench_data / "penguins" / "train.csv").read_bytes())
    (tmp_path / "penguins.yaml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@dataclass(frozen=True)
class Ended:
    """How the program ended: its status, and the lines that it wrote to standard error."""

    status: object
    complaints: list[str]


@pytest.fixture
def mlestar(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Ended]]:
    """``mlestar ARGUMENTS``, in this process."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def run(*arguments: str | Path) -> Ended:
        monkeypatch.setattr(sys, "argv", ["mlestar", *map(str, arguments)])
        with redirect_stderr(io.StringIO()) as complaints, pytest.raises(SystemExit) as ended:
            main()
        return Ended(ended.value.code, complaints.getvalue().splitlines())

    yield run
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def run_refused(folder: Path, mlestar: Callable[..., Ended]) -> Callable[..., None]:
    """``run_refused(expected, *options)``: ``mlestar run penguins.yaml`` says this in one line, and leaves nothing."""

    def check(expected: str, *options: str) -> None:
        before = _files(folder)
        _refused(mlestar("run", "penguins.yaml", *options), expected)
        assert _files(folder) == before

    return check


@pytest.fixture
def scope_refused(folder: Path, mlestar: Callable[..., Ended]) -> Callable[[str], None]:
    """``scope_refused(expected)``: the stage that reads the data says this in one line, and leaves nothing."""

    def check(expected: str) -> None:
        before = _files(folder)
        spec = (folder / "penguins.yaml").read_text()
        parts = [each for part in ("scope", "train", "holdout") for each in (f"--{part}-dir", folder / part)]
        _refused(mlestar("stage", "scope", "--spec", spec, "--fingerprint", "0", "--store", "store", *parts), expected)
        assert _files(folder) == before

    return check


@pytest.fixture
def process_refused(folder: Path) -> Callable[[str], None]:
    """``process_refused(expected)``: the same for ``mlestar run penguins.yaml`` in a process of its own."""

    def check(expected: str) -> None:
        before = _files(folder)
        command = [sys.executable, "-m", "mlestar.cli", "run", "penguins.yaml"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        _refused(Ended(done.returncode, done.stderr.splitlines()), expected)
        assert _files(folder) == before

    return check


def _refused(ended: Ended, expected: str) -> None:
    assert ended.status == 2, ended.complaints
    [line] = ended.complaints
    assert line.startswith("mlestar: ")
    assert re.search(".*".join(map(re.escape, expected.split("..."))), line), line
    assert len(line) < 1000


def _files(folder: Path) -> dict[Path, bytes | None]:
    return {
        path: path.read_bytes() if os.access(path, os.R_OK) and path.is_file() else None for path in folder.rglob("*")
    }


@pytest.fixture(scope="session")
def workers() -> Iterator[str]:
    """One worker server for all runs of stages."""
    with start_server(2) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv(WORKERS, server.address)
        yield server.address


@dataclass(frozen=True)
class Delivered:
    """What a run of all stages left in ``root``."""

    root: Path
    workers: str

    @property
    def model(self) -> Path:
        return self.root / "model"

    def predict(self, table: Path) -> str:
        """The predictions file for a table."""
        predict(self.model, str(table), self.root / "predictions.csv", connect(self.workers), unblessed=True)
        return (self.root / "predictions.csv").read_text()


@pytest.fixture(scope="session")
def scope_stage(workers: str) -> Callable[[Path, Mapping[str, Any]], None]:
    """``scope_stage(root, spec)``: the first stage, into folders in ``root``."""

    def run(root: Path, spec: Mapping[str, Any]) -> None:
        parts = {f"{name}_dir": root / name for name in ("scope", "train", "holdout")}
        run_stage("scope", {"spec": json.dumps(spec), "fingerprint": root.name, "store": str(root / "store"), **parts})

    return run


@pytest.fixture(scope="session")
def all_stages(workers: str, scope_stage: Any) -> Callable[[Path, Mapping[str, Any]], Delivered]:
    """``all_stages(root, spec)``: every stage, on one branch and without the checks that fit again."""

    def run(root: Path, spec: Mapping[str, Any]) -> Delivered:
        off = ("label_shuffle", "reproducibility", "latency")
        spec = {
            **spec,
            "pipeline": {"branches": 1, "outer_steps": 1, "inner_steps": 1},
            "objective": {"beat": []},  # so small a search may find less than gradient boosting
            "validation": {**spec.get("validation", {}), "checks": dict.fromkeys(off, "off")},
        }
        scope_stage(root, spec)
        rows = {"scope_dir": root / "scope", "train_dir": root / "train", "store": str(root / "store")}
        judged = {**rows, "holdout_dir": root / "holdout", "model_dir": root / "model", "verdict_dir": root / "verdict"}
        branch = {**rows, "branch": 0}
        run_stage("search", {**branch, "candidates_dir": root / "found"})
        run_stage("ablate", {**branch, "candidates_dir": root / "found", "ablated_dir": root / "ablated", "step": 1})
        run_stage("refine", {**branch, "candidates_dir": root / "ablated", "refined_dir": root / "refined", "step": 1})
        run_stage("ensemble", {**rows, "branch_dirs": [root / "refined"], "model_dir": root / "model"})
        run_stage("validate", judged)
        run_stage("finalize", {**judged, "final_dir": root / "final"})
        return Delivered(root, workers)

    return run
