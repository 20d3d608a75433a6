"""Runs of the program that are watched and ended from outside, and what they leave behind."""

from __future__ import annotations

import contextlib
import hashlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

PATIENCE = 300  # seconds after which something that should have come counts as hanging

SPEC = """\
apiVersion: mlestar/v1
kind: Scope
name: wine
data: {train: "sklearn:wine"}
task: {target: target, metric: log_loss}
validation:
  folds: 2
  checks: {latency: off, single_rows: off, importance: off, label_shuffle: off, reproducibility: off}  # take seconds
budget: {evaluations: 48}
pipeline: {branches: 2, outer_steps: 1, inner_steps: 2}
"""

MEASURED = {"seconds", "fit_seconds", "seconds_per_evaluation", "elapsed", "peak_mb", "executed", "environment"}
MEASURING_CHECKS = {"model_size", "latency", "openings"}  # the last counts models that the store remembers
"""What docs/contracts.md says is measured, and so differs between equal runs."""


@dataclass(frozen=True)
class Project:
    """A folder with a scope spec, in which runs are started."""

    folder: Path
    store: Path

    @property
    def out(self) -> Path:
        return self.folder / "out"

    def command(self) -> list[str]:
        options = ["--out", str(self.out), "--store", str(self.store)]
        return [sys.executable, "-m", "mlestar.cli", "run", "scope.yaml", *options]

    def run(self, *prefix: str) -> subprocess.CompletedProcess[str]:
        """A run that nobody disturbs; the words of ``prefix`` stand before the command."""
        command = [*prefix, *self.command()]
        return subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)

    def start(self) -> Running:
        """A run to disturb."""
        offset = self.events.stat().st_size if self.events.exists() else 0
        process = subprocess.Popen(
            self.command(),
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        return Running(self, process, offset)

    @property
    def events(self) -> Path:
        return self.out / "logs" / "events.jsonl"

    def records(self) -> dict[str, tuple[int, int]]:
        """The evaluations in the store, and what changes when one is written again."""
        found = [path for path in self.store.rglob("*.npz") if not path.name.startswith(".")]
        return {path.name: (path.stat().st_ino, path.stat().st_mtime_ns) for path in found}

    def result(self) -> dict[str, Any]:
        """All that was delivered, but for what is measured: JSON as it is, other files as digests."""
        outputs = json.loads((self.out / "pipeline" / "outputs.json").read_text())
        found: dict[str, Any] = {"verdict": outputs["verdict"], "score": outputs["score"]}
        for part in ("scope", "model", "evidence", "final"):
            folder = Path(outputs[part])
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.name not in ("report.html", "metrics.json"):
                    found[f"{part}/{path.relative_to(folder)}"] = _content(path)
        found["solution.py"] = (self.out / "solution.py").read_text()
        return found


def _content(path: Path) -> Any:
    if path.suffix == ".json":
        return _without_measurements(json.loads(path.read_text()))
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _without_measurements(content: Any) -> Any:
    if isinstance(content, dict) and content.get("id") in MEASURING_CHECKS:
        return content["status"]
    if isinstance(content, dict):
        return {name: _without_measurements(value) for name, value in content.items() if name not in MEASURED}
    return [_without_measurements(each) for each in content] if isinstance(content, list) else content


@dataclass
class Running:
    """A run that is watched."""

    project: Project
    process: subprocess.Popen[str]
    offset: int

    def wait_for(self, event: str, **fields: Any) -> None:
        """Wait until the run has reported an event of this kind since it was started."""
        for found in self._events():
            if found["event"] == event and all(found.get(name) == value for name, value in fields.items()):
                return

    def _events(self) -> Iterator[Mapping[str, Any]]:
        patience, rest = time.monotonic() + PATIENCE, b""
        while time.monotonic() < patience:
            ended = self.process.poll() is not None
            if self.project.events.exists():
                with self.project.events.open("rb") as file:
                    file.seek(self.offset)
                    new = file.read()
                self.offset += len(new)
                *lines, rest = (rest + new).split(b"\n")
                yield from map(json.loads, lines)
            if ended:
                break
            time.sleep(0.01)
        raise AssertionError(f"the event did not come; {self.process.poll()=}")

    def processes(self) -> list[psutil.Process]:
        """All that belongs to the run, itself first."""
        top = psutil.Process(self.process.pid)
        return [top, *top.children(recursive=True)]

    def find(self, module: str) -> psutil.Process:
        """The process that runs a module."""
        return next(each for each in self.processes() if _runs(each, module))

    def kill(self, *, everything: bool) -> None:
        """Kill the process that was started, or all of the run; return when no process is left."""
        processes = self.processes()
        assert len(processes) > 3
        for process in processes if everything else processes[:1]:
            with contextlib.suppress(psutil.NoSuchProcess):  # its fit had just ended
                process.kill()
        self.process.communicate()
        self.assert_all_end(processes)

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit status, and what was said on standard error."""
        processes = self.processes()
        _, errors = self.process.communicate(timeout=PATIENCE)
        self.assert_all_end(processes)
        return self.process.returncode, errors

    @staticmethod
    def assert_all_end(processes: list[psutil.Process]) -> None:
        _, alive = psutil.wait_procs(processes, PATIENCE)
        assert [process.cmdline() for process in alive] == []


def _runs(process: psutil.Process, module: str) -> bool:
    try:
        return module in process.cmdline()
    except psutil.NoSuchProcess:  # it ended by itself; a zombie counts as such
        return False


def _project(folder: Path) -> Project:
    (folder / "scope.yaml").write_text(SPEC)
    return Project(folder, folder / "out" / "store")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return _project(tmp_path)


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The run that all others are to equal.

    KFP writes the path of its Python in the place of each "python3" of a command, and divides commands at spaces.
    """
    project = _project(tmp_path_factory.mktemp("python3 runs"))
    done = project.run()
    assert done.returncode in (0, 1), done.stderr
    return project


Same = Callable[[Project], None]


@pytest.fixture
def assert_same(undisturbed: Project) -> Same:
    """Fails unless a run delivered what the undisturbed one did, byte for byte where it is not measured."""

    def check(project: Project) -> None:
        assert project.result() == undisturbed.result()
        assert set(project.records()) == set(undisturbed.records())

    return check
