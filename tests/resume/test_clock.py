"""A clock that is set while a run goes on changes nothing: budgets and deadlines do not read it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

DAY = 24 * 3600.0
JUMPING = f"""\
import time

read, jumps = time.time, iter(range(10**9))
time.time = lambda: read() + {DAY} * (next(jumps) % 3 - 1)  # a day late, right, a day early, and again
"""


@pytest.fixture
def jumping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(JUMPING)  # executed when a Python starts
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))


@pytest.mark.usefixtures("jumping")
def test_a_run_under_a_jumping_clock_ends_as_an_undisturbed_one(
    project: Any, assert_same: Callable[[Any], None]
) -> None:
    done = project.run()
    assert done.returncode in (0, 1), done.stderr
    times = [json.loads(line)["time"] for line in (project.out / "logs" / "events.jsonl").read_text().splitlines()]
    assert any(later - earlier < -DAY / 2 for earlier, later in pairwise(times))
    assert_same(project)


@pytest.mark.usefixtures("jumping")
def test_a_deadline_does_not_move_with_the_clock(project: Any) -> None:
    timed = ("--set", "budget.evaluations=null", "--set", "budget.wall_clock=40s")
    done = subprocess.run([*project.command(), *timed], cwd=project.folder, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    events = (project.out / "logs" / "events.jsonl").read_text()
    assert '"event": "evaluated"' in events.partition('"stage": "refine"')[2]  # its time was not taken for over
