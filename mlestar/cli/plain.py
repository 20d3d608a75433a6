"""What a run says where nobody watches a terminal: lines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rich.console import Console

from mlestar.cli.words import BEST, ENDING_EARLY, score_text, stage_label

__all__ = ["PlainView"]


@dataclass
class _Tally:
    """What a stage of a branch has tried."""

    best_before: float | None
    candidates: int = 0
    best: float | None = None
    improved: bool = False

    def text(self) -> str:
        """For example ``4 tried, best cross-validated 0.981, improved from 0.978``."""
        if not self.candidates:
            return "no new candidate"
        tried = f"{self.candidates} tried"
        if self.best is None:
            return tried
        tried += f", {BEST} {score_text(self.best)}"
        if not self.improved:
            return f"{tried}, not improved"
        return tried if self.best_before is None else f"{tried}, improved from {score_text(self.best_before)}"


class PlainView:
    """A line per stage that starts or ends, and per candidate that beats those before it in its branch.

    Parameters
    ----------
    console
        Where to print.
    started
        The instant (``time.monotonic()``) from which times count.
    """

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
            case "ending_early":
                self._print(ENDING_EARLY)

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
