"""What a run shows: a table in a terminal, lines elsewhere."""

from __future__ import annotations

import io
import subprocess
import sys
import time
from typing import Any

import pytest
from rich.console import Console

from mlestar.cli.clock import process_start
from mlestar.cli.view import LiveView, PlainView

EVENTS: list[dict[str, Any]] = [
    {"event": "stage_started", "stage": "search", "branch": 1, "step": None},
    {
        "event": "evaluated",
        "stage": "search",
        "branch": 1,
        "name": "LightGBM",
        "score": 0.98,
        "best": 0.98,
        "candidates": 1,
    },
    {
        "event": "evaluated",
        "stage": "search",
        "branch": 1,
        "name": "logistic",
        "score": 0.9,
        "best": 0.98,
        "candidates": 2,
    },
    {"event": "stage_finished", "stage": "search", "branch": 1, "step": None, "seconds": 3.25},
    {"event": "note", "message": "column 'id' looks like an [identifier]"},
    {"event": "stage_started", "stage": "ablate", "branch": 1, "step": 2},
]


def test_table_has_a_row_per_stage_with_its_candidates_and_best_score() -> None:
    view = LiveView("cancer", time.monotonic(), 90.0)
    for event in EVENTS:
        view.apply(event)
    console = Console(file=io.StringIO(), width=100, record=True)
    console.print(view.render())
    lines = console.export_text().splitlines()
    assert lines[0].startswith("cancer: 0 s, 90 s left") or lines[0].startswith("cancer: 0 s, 89 s left")
    [search] = [line for line in lines if "search, branch 1" in line]
    assert search.split() == ["search,", "branch", "1", "3.2", "2", "0.98"]
    assert any("ablate 2, branch 1" in line for line in lines)
    assert any("[identifier]" in line for line in lines)


def told(events: list[dict[str, Any]]) -> list[str]:
    """The lines for ``events``, without the time."""
    file = io.StringIO()
    view = PlainView(Console(file=file, width=200, highlight=False), time.monotonic())
    for event in events:
        view.apply(event)
    return [line.partition("] ")[2] for line in file.getvalue().splitlines()]


def test_lines_tell_stages_and_new_bests_only() -> None:
    assert told(EVENTS) == [
        "search, branch 1: started",
        "search, branch 1: best cross-validated so far 0.98, LightGBM",
        "search, branch 1: finished after 3.2 s; 2 tried, best cross-validated 0.98",
        "column 'id' looks like an [identifier]",
        "ablate 2, branch 1: started",
    ]


def refinement(*scores: float, best: float) -> list[dict[str, Any]]:
    """The events of a stage that tries candidates with these scores, ``best`` being that of the branch before."""
    place = {"stage": "refine", "branch": 1, "step": 1}
    tried = [
        {"event": "evaluated", **place, "name": f"plan {number}", "score": score, "best": max(best, *scores[:number])}
        for number, score in enumerate(scores, start=1)
    ]
    return [{"event": "stage_started", **place}, *tried, {"event": "stage_finished", **place, "seconds": 2.0}]


def test_end_of_a_stage_tells_what_it_improved() -> None:
    assert told([*EVENTS[:4], *refinement(0.97, 0.985, best=0.98)])[-1] == (
        "refine 1, branch 1: finished after 2.0 s; 2 tried, best cross-validated 0.985, improved from 0.98"
    )


@pytest.mark.parametrize("before", [EVENTS[:4], []], ids=["", "after stages that were reused"])
def test_end_of_a_stage_tells_that_it_improved_nothing(before: list[dict[str, Any]]) -> None:
    assert told([*before, *refinement(0.97, 0.96, best=0.98)])[-1] == (
        "refine 1, branch 1: finished after 2.0 s; 2 tried, best cross-validated 0.98, not improved"
    )


def test_budget_counts_from_the_start_of_the_process() -> None:
    code = "from mlestar.cli.clock import process_start; print(process_start())"
    before = time.monotonic()
    started = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    tick = 0.02  # seconds to which the kernel knows it
    assert before - tick <= started <= time.monotonic()
    assert process_start() < before
