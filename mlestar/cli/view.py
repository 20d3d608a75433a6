"""What a terminal shows while a run goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from rich.box import SIMPLE
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from mlestar.spec import Scope

__all__ = ["LiveView", "PlainView", "View", "open_view"]

BEST = "best cross-validated"  # scores of validate, and of the summary, are of the holdout


class View(Protocol):
    """Shows the events of :mod:`mlestar.progress` as they come."""

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in."""


@contextmanager
def open_view(scope: Scope, started: float) -> Iterator[View]:
    """A table that is kept up to date in a terminal, lines elsewhere.

    Parameters
    ----------
    scope
        The scope that runs.
    started
        The instant (``time.monotonic()``) from which its budget counts.
    """
    console = Console(highlight=False)
    budget = scope.budget.wall_clock if scope.budget.evaluations is None else None
    if not console.is_terminal:
        yield PlainView(console, started)
        return
    view = LiveView(scope.name, started, budget)
    with Live(get_renderable=view.render, console=console, refresh_per_second=4):
        yield view


@dataclass
class _StageRow:
    label: str
    started: float
    seconds: float | None = None
    candidates: int = 0
    best: float | None = None


@dataclass
class _Tally:
    """What a stage of a branch has tried."""

    best_before: float | None
    candidates: int = 0
    best: float | None = None
    improved: bool = False

    def text(self) -> str:
        """For example ``4 tried, best cross-validated 0.981, improved from 0.978``."""
        tried = f"{self.candidates} tried"
        if self.best is None:
            return tried
        tried += f", {BEST} {score_text(self.best)}"
        if not self.improved:
            return f"{tried}, not improved"
        return tried if self.best_before is None else f"{tried}, improved from {score_text(self.best_before)}"


class LiveView:
    """A table of the stages, with the time that is left.

    Parameters
    ----------
    name
        Name of the scope.
    started
        The instant from which the budget counts.
    budget
        Seconds that the run may take; None when it counts evaluations instead.
    """

    def __init__(self, name: str, started: float, budget: float | None) -> None:
        self._name, self._started, self._budget = name, started, budget
        self._rows: dict[str, _StageRow] = {}
        self._note = ""

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in."""
        kind = event["event"]
        if kind == "note":
            self._note = str(event["message"])
        if "stage" not in event:
            return
        label = stage_label(event)
        row = self._rows.setdefault(label, _StageRow(label, time.monotonic()))
        if kind == "evaluated":
            row.candidates += 1
            row.best = event.get("best", row.best)
        elif kind == "stage_finished":
            row.seconds = event["seconds"]

    def render(self) -> Table:
        """The table as of now."""
        now = time.monotonic()
        elapsed = now - self._started
        left = f", {max(self._budget - elapsed, 0):.0f} s left" if self._budget else ""
        table = Table(
            title=f"{self._name}: {elapsed:.0f} s{left}", title_justify="left", box=SIMPLE, caption=Text(self._note)
        )
        table.add_column("stage", min_width=20)
        for heading in ("seconds", "candidates", BEST):
            table.add_column(heading, justify="right", min_width=10)
        for row in self._rows.values():
            running = row.seconds is None
            table.add_row(
                row.label,
                f"{now - row.started if row.seconds is None else row.seconds:.1f}",
                str(row.candidates or ""),
                score_text(row.best),
                style="bold" if running else "",
            )
        return table


class PlainView:
    """A line per stage that starts or ends, and per candidate that beats those before it in its branch."""

    def __init__(self, console: Console, started: float) -> None:
        self._console, self._started = console, started
        self._best: dict[int | None, float] = {}
        self._tallies: dict[str, _Tally] = {}

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in."""
        match event["event"]:
            case "stage_started":
                self._tallies[stage_label(event)] = _Tally(self._best.get(event.get("branch")))
                self._print(f"{stage_label(event)}: started")
            case "stage_finished":
                tally = self._tallies[stage_label(event)]
                searched = event.get("branch") is not None or tally.candidates > 0
                tried = f"; {tally.text()}" if searched else ""
                self._print(f"{stage_label(event)}: finished after {event['seconds']:.1f} s{tried}")
            case "evaluated":
                self._count(event)
            case "note":
                self._print(event["message"])

    def _count(self, event: Mapping[str, Any]) -> None:
        tally, best = self._tallies[stage_label(event)], event.get("best")
        tally.candidates += 1
        if best is None:
            return
        branch = event.get("branch")
        # After stages that were reused, the best may be one that this view has not seen: then the score is another.
        if event["score"] == best != self._best.get(branch):
            tally.improved = True
            self._print(f"{stage_label(event)}: {BEST} so far {score_text(best)}, {event['name']}")
        tally.best = self._best[branch] = best

    def _print(self, message: str) -> None:
        self._console.print(f"[{time.monotonic() - self._started:6.1f} s] {message}", markup=False, soft_wrap=True)


def stage_label(event: Mapping[str, Any]) -> str:
    """How a stage of a branch is called: ``refine 1, branch 0``."""
    step, branch = event.get("step"), event.get("branch")
    return f"{event['stage']}{f' {step}' if step else ''}{f', branch {branch}' if branch is not None else ''}"


def score_text(score: float | None) -> str:
    """A score to five significant digits; empty when there is none."""
    return "" if score is None else f"{score:.5g}"
