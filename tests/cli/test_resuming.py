"""Runs that are ended in the middle leave nothing behind, and go on where they were."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.slow

Cli = Callable[..., "subprocess.CompletedProcess[str]"]

PATIENCE = 60  # seconds after which a process that should have ended counts as left behind

SPEC = """\
apiVersion: mlestar/v1
kind: Scope
name: cancer
data: {train: "sklearn:breast_cancer"}
task: {target: target, metric: roc_auc}
budget: {evaluations: 60}
pipeline: {outer_steps: 1}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "scope.yaml").write_text(SPEC)
    return tmp_path


@contextmanager
def run_in_the_middle(project: Path) -> Iterator[subprocess.Popen[str]]:
    """A run that has evaluated its first candidates."""
    command = [sys.executable, "-m", "mlestar.cli", "run", "scope.yaml", "--out", "out"]
    with subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "best cross-validated so far" in line:
                break
        yield process
        process.kill()


def assert_all_end(processes: list[psutil.Process]) -> None:
    assert len(processes) > 3
    _, alive = psutil.wait_procs(processes, PATIENCE)
    assert alive == []


def test_interrupt_ends_everything(project: Path) -> None:
    with run_in_the_middle(project) as process:
        processes = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode, errors) == (130, "")
        assert_all_end(processes)


def test_killed_run_leaves_no_process_and_the_next_goes_on_where_it_was(cli: Cli, project: Path) -> None:
    with run_in_the_middle(project) as process:
        processes = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        assert_all_end(processes)
    done = cli("run", "scope.yaml", "--out", "out", cwd=project)
    assert done.returncode == 0, done.stderr
    assert "scope: started" not in done.stdout
    events = [json.loads(line) for line in (project / "out" / "logs" / "events.jsonl").read_text().splitlines()]
    assert [event["event"] for event in events if event.get("stage") == "scope"] == ["stage_started", "stage_finished"]


def test_run_in_another_folder_with_the_same_store_executes_nothing(cli: Cli, project: Path) -> None:
    programs, records = [], []
    for out in ("first", "second"):
        done = cli("run", "scope.yaml", "--out", out, "--store", project / "store", cwd=project)
        assert done.returncode == 0, done.stderr
        programs.append((project / out / "solution.py").read_bytes())
        records.append(sorted(path.name for path in (project / "store").rglob("*.npz")))
    assert programs[0] == programs[1]
    assert records[0] == records[1]
