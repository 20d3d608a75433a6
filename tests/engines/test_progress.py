"""Events that several processes report at once are read whole, each once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from mlestar.engines.local.events import Events
from mlestar.progress import EVENTS, emit

REPORTERS, REPORTS = 4, 50


def test_events_come_in_the_order_in_which_they_were_emitted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(EVENTS, str(tmp_path / "events.jsonl"))
    emit("note", message="of a run before")
    events = Events(tmp_path / "events.jsonl")
    emit("stage_started", stage="search", branch=0, step=None)
    emit("stage_finished", stage="search", branch=0, step=None, seconds=1.5)
    assert [event["event"] for event in events.new()] == ["stage_started", "stage_finished"]
    assert list(events.new()) == []
    events.close()


def test_events_of_concurrent_stages_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    events = Events(path)
    code = f"""
from mlestar.progress import emit
for number in range({REPORTS}):
    emit("evaluated", name="x" * 3000, number=number)
"""
    reporters = [
        subprocess.Popen([sys.executable, "-c", code], env={"PYTHONPATH": ":".join(sys.path), EVENTS: str(path)})
        for _ in range(REPORTERS)
    ]
    seen = []
    while any([reporter.poll() is None for reporter in reporters]):  # a list: all of them are polled
        seen += events.new()
    seen += events.new()
    assert Counter(event["number"] for event in seen) == dict.fromkeys(range(REPORTS), REPORTERS)
    events.close()


def test_without_a_file_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(EVENTS, raising=False)
    monkeypatch.chdir(tmp_path)
    emit("note", message="nobody watches")
    assert list(tmp_path.iterdir()) == []
