"""Ctrl-C once ends a run early with the best so far, twice at once; either way the next run goes on."""

from __future__ import annotations

import json
import signal
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def test_interrupted_once_it_delivers_and_the_next_run_ends_as_an_undisturbed_one(
    project: Any, assert_same: Callable[[Any], None]
) -> None:
    running = project.start()
    running.wait_for("evaluated", stage="search")
    running.process.send_signal(signal.SIGINT)
    status, errors = running.end()
    assert (status in (0, 1), errors) == (True, "")
    assert (project.out / "solution.py").exists()
    early = json.loads((project.out / "model" / "candidates.json").read_text())["candidates"]
    executed = project.records()
    assert project.run().returncode in (0, 1)
    assert executed.items() <= project.records().items()
    assert len(json.loads((project.out / "model" / "candidates.json").read_text())["candidates"]) > len(early)
    assert_same(project)


def test_interrupted_twice_it_stops_at_once(project: Any) -> None:
    running = project.start()
    running.wait_for("evaluated", stage="search")
    running.process.send_signal(signal.SIGINT)
    running.wait_for("stage_finished", stage="search")
    running.process.send_signal(signal.SIGINT)
    status, errors = running.end()
    assert (status, errors) == (130, "")
