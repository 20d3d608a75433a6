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
from mlestar.cli.live import LiveView
from mlestar.cli.plain import PlainView
from mlestar.cli.view import TerminalView

SEARCH = {"stage": "search", "branch": 1, "step": 0}
ABLATE = {"stage": "ablate", "branch": 1, "step": 2}
EVENTS: list[dict[str, Any]] = [
    {"event": "stage_started", **SEARCH},
    {"event": "budgeted", **SEARCH, "seconds": 40.0},
    {"event": "evaluating", **SEARCH, "name": "LightGBM", "share": 0.0},
    {"event": "evaluated", **SEARCH, "name": "LightGBM", "share": 0.2, "score": 0.98, "best": 0.98},
    {"event": "evaluating", **SEARCH, "name": "logistic", "share": 0.2},
    {"event": "evaluated", **SEARCH, "name": "logistic", "share": 0.5, "score": 0.9, "best": 0.98},
    {"event": "stage_finished", **SEARCH, "seconds": 33.25},
    {"event": "note", "message": "column 'id' looks like an [identifier]"},
    {"event": "stage_started", **ABLATE},
    {"event": "budgeted", **ABLATE, "seconds": 20.0},
    {"event": "evaluating", **ABLATE, "name": "without features", "share": 0.0},
]


def live(events: list[dict[str, Any]], **budget: Any) -> LiveView:
    view = LiveView("cancer", time.monotonic() - 3.0, **(budget or {"seconds": 90.0}))
    for event in events:
        view.apply(event)
    return view


def shown(view: LiveView, *, width: int = 100, height: int = 24) -> list[str]:
    """The lines on a terminal of this size."""
    console = Console(file=io.StringIO(), width=width, height=height, record=True, force_terminal=True)
    console.print(view)
    return [line.rstrip() for line in console.export_text().splitlines()]


def row(lines: list[str], *starts: str) -> list[str]:
    """The words of the only row for a stage."""
    [found] = [line.split() for line in lines if line.split()[1 : len(starts) + 1] == list(starts)]
    return [word for word in found if not set(word) <= set("━╸╺")]


def test_table_says_of_each_stage_what_it_took_tried_reached_and_tries() -> None:
    events = [event for event in EVENTS if event["event"] != "note"]
    lines = shown(live(events))
    assert lines[0].startswith("cancer") and lines[0].endswith("0:03 of 1:30, 1:26 left")
    assert row(lines, "search") == ["✓", "search", "1", "0:33", "2", "0.98"]
    assert row(lines, "ablate", "2")[1:] == ["ablate", "2", "1", "0:00", "without", "features"]


@pytest.mark.parametrize("width", [50, 80, 120])
def test_nothing_is_wider_than_the_terminal_and_scores_are_whole(width: int) -> None:
    lines = shown(live(EVENTS[:7] + EVENTS[8:]), width=width)
    assert max(map(len, lines)) <= width
    assert "0.98" in row(lines, "search")
    assert any("without features" in line for line in lines)


def test_bar_shows_the_share_of_the_budget_that_is_spent() -> None:
    def filled(share: float) -> int:
        events = [*EVENTS[:2], {"event": "evaluating", **SEARCH, "name": "LightGBM", "share": share}]
        console = Console(file=io.StringIO(), width=100, color_system=None)  # which draws nothing for the rest
        with console.capture() as capture:
            console.print(live(events, seconds=1000.0))
        [line] = [line for line in capture.get().splitlines() if "LightGBM" in line]
        return line.count("━")

    assert filled(0.1) < filled(0.5) < filled(0.9)


def test_stages_that_are_done_give_way_where_the_terminal_is_low() -> None:
    events = []
    for step in range(1, 11):
        place = {"stage": "refine", "branch": 0, "step": step}
        events += [{"event": "stage_started", **place}, {"event": "stage_finished", **place, "seconds": 1.0}]
    lines = shown(live(events + EVENTS[8:]), height=12)
    assert len(lines) <= 12
    assert any(line.split() == ["6", "done"] for line in lines)
    assert row(lines, "ablate", "2")


def test_budget_of_fits_is_counted_instead_of_time() -> None:
    events = [{**EVENTS[1], "evaluations": 40, "seconds": None}, *EVENTS[2:4]]
    assert shown(live(events, seconds=600.0, evaluations=200))[0].endswith("8 of 200 evaluations, 0:03")


def test_checks_are_counted_as_they_are_done() -> None:
    place = {"stage": "validate", "branch": None, "step": None}
    checks = [{"event": "checked", "id": name, "status": "pass"} for name in ("latency", "importance")]
    lines = shown(
        live([{"event": "stage_started", **place}, *checks, {**place, "event": "evaluating", "name": "label"}])
    )
    assert row(lines, "validate")[1:] == ["validate", "0:00", "2", "label"]


def test_end_that_was_asked_for_is_confirmed() -> None:
    assert any(
        "ending early with the best so far" in line for line in shown(live([*EVENTS[:4], {"event": "ending_early"}]))
    )


def test_note_is_printed_whole_and_stays() -> None:
    file = io.StringIO()
    TerminalView(Console(file=file, width=100), live([])).apply(EVENTS[7])
    assert file.getvalue() == "! column 'id' looks like an [identifier]\n"


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
        "search, branch 1: finished after 33.2 s; 2 tried, best cross-validated 0.98",
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
    assert told([*EVENTS[:7], *refinement(0.97, 0.985, best=0.98)])[-1] == (
        "refine 1, branch 1: finished after 2.0 s; 2 tried, best cross-validated 0.985, improved from 0.98"
    )


@pytest.mark.parametrize("before", [EVENTS[:7], []], ids=["", "after stages that were reused"])
def test_end_of_a_stage_tells_that_it_improved_nothing(before: list[dict[str, Any]]) -> None:
    assert told([*before, *refinement(0.97, 0.96, best=0.98)])[-1] == (
        "refine 1, branch 1: finished after 2.0 s; 2 tried, best cross-validated 0.98, not improved"
    )


def test_end_of_a_stage_tells_that_it_made_no_new_candidate() -> None:
    assert told([*EVENTS[:7], *refinement(best=0.98)])[-1] == (
        "refine 1, branch 1: finished after 2.0 s; no new candidate"
    )


def test_budget_counts_from_the_start_of_the_process() -> None:
    code = "from mlestar.cli.clock import process_start; print(process_start())"
    before = time.monotonic()
    started = float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
    tick = 0.02  # seconds to which the kernel knows it
    assert before - tick <= started <= time.monotonic()
    assert process_start() < before
