"""A run in a terminal: one row per stage and branch, kept up to date."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, ConsoleOptions, RenderResult
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mlestar.cli.words import ENDING_EARLY, clock_text, score_text
from mlestar.progress import STAGES

__all__ = ["LiveView"]

_WIDE = 72  # columns from which there is room for all that is known of a stage
_AROUND = 6  # lines of the header and the footer
_ALMOST = 0.99  # a stage is not done before it says so
_SPINNER, _ASCII_SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"


@dataclass
class _Row:
    """A stage of a branch."""

    stage: str
    step: int | None
    branch: int | None
    started: float = field(default_factory=time.monotonic)
    seconds: float | None = None  # that it took, from when it is done
    planned: float | None = None  # seconds
    evaluations: float | None = None  # planned
    share: float = 0.0  # of what was planned that was spent at the instant `told`
    told: float = 0.0
    tried: int = 0
    best: float | None = None
    trying: str = ""

    @property
    def done(self) -> bool:
        return self.seconds is not None

    def progress(self, now: float) -> float | None:
        """From 0 to 1; None when nobody knows."""
        if self.done:
            return 1.0
        if self.planned is not None:
            return min(self.share + (now - self.told) / max(self.planned, 0.1), _ALMOST)
        return min(self.share, _ALMOST) if self.evaluations else None

    def place(self) -> tuple[int, int]:
        """Where it stands among the others: as the pipeline runs them, the rounds of a branch one after the other."""
        order = STAGES.index(self.stage)
        in_round = self.stage in ("ablate", "refine")
        return (order + 2 * ((self.step or 1) - 1) if in_round else order + (100 if order > 3 else 0), self.branch or 0)


class LiveView:
    """A renderable that shows the events of a run.

    Parameters
    ----------
    name
        Of the scope.
    started
        The instant (``time.monotonic()``) from which the budget counts.
    seconds
        That the run may take.
    evaluations
        Where the run counts fits instead: how many it may use.
    """

    def __init__(self, name: str, started: float, *, seconds: float, evaluations: int | None = None) -> None:
        self._name, self._started = name, started
        self._seconds, self._evaluations = seconds, evaluations
        self._rows: dict[tuple[str, int | None, int | None], _Row] = {}
        self._ending = self._ended = False

    def end(self) -> None:
        """Note that the run is over."""
        self._ending, self._ended = False, True

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in."""
        match event["event"]:
            case "ending_early":
                self._ending = True
            case "checked":
                for row in self._rows.values():
                    row.tried += row.stage == "validate" and not row.done
            case _:
                self._apply_to_row(event)

    def _apply_to_row(self, event: Mapping[str, Any]) -> None:
        key = (event["stage"], event.get("step") or None, event.get("branch"))
        if key not in self._rows:
            rows = {**self._rows, key: _Row(*key)}
            self._rows = dict(
                sorted(rows.items(), key=lambda item: item[1].place())
            )  # as a whole: another thread draws
        row = self._rows[key]
        if "share" in event:
            row.share, row.told = event["share"], time.monotonic()
        match event["event"]:
            case "budgeted":
                row.planned, row.evaluations = event.get("seconds"), event.get("evaluations")
                row.told = time.monotonic()
            case "evaluating":
                row.trying = event["name"]
            case "evaluated":
                row.tried, row.trying = row.tried + 1, ""
                row.best = event.get("best", row.best)
            case "stage_finished":
                row.seconds, row.trying = event["seconds"], ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        now, is_wide = time.monotonic(), options.max_width >= _WIDE
        yield self._header(now, is_wide)
        yield ""
        shown, folded = self._folded(console.size.height - _AROUND)
        if shown:
            yield _table(shown, folded, now, is_wide=is_wide, ascii_only=options.ascii_only)
        else:
            yield Text("starting: importing libraries", "dim")
        yield ""
        if not is_wide and (trying := [row.trying for row in shown if row.trying]):
            yield Text(trying[-1], "dim", no_wrap=True, overflow="ellipsis")
        if self._ending:
            yield Text(ENDING_EARLY, "bold yellow")

    def _header(self, now: float, is_wide: bool) -> Table:
        """The name, and how much of the budget is used."""
        elapsed = now - self._started
        if self._evaluations is None:
            total, used, left = self._seconds, elapsed, f"{clock_text(self._seconds - elapsed)} left"
            told = f"{clock_text(elapsed)} of {clock_text(self._seconds)}, {left}" if is_wide else left
        else:
            total = float(self._evaluations)
            used = sum(row.share * (row.evaluations or 0.0) for row in self._rows.values())
            told = f"{used:.0f} of {total:.0f} evaluations, " * is_wide + clock_text(elapsed)
        if self._ended:
            told = f"done after {clock_text(elapsed)}"
        header = Table.grid(padding=(0, 2, 0, 0), expand=True)
        header.add_column(no_wrap=True, overflow="ellipsis", max_width=28 if is_wide else 12, style="bold")
        header.add_column(ratio=1)
        header.add_column(no_wrap=True, justify="right")
        header.add_row(
            Text(self._name), ProgressBar(total=total, completed=min(used, total), complete_style="cyan"), Text(told)
        )
        return header

    def _folded(self, room: int) -> tuple[Sequence[_Row], int]:
        """The rows that there is room for, and how many others, which are done, are left out."""
        rows = list(self._rows.values())
        if len(rows) <= max(room, 1):
            return rows, 0
        folded = [row for row in rows if row.done][: len(rows) - room + 1]
        return [row for row in rows if not any(row is other for other in folded)], len(folded)


def _table(rows: Sequence[_Row], folded: int, now: float, *, is_wide: bool, ascii_only: bool) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0), expand=is_wide, header_style="dim")
    table.add_column(width=1)
    table.add_column("stage", width=9, no_wrap=True)
    table.add_column("branch" if is_wide else "br", justify="right", no_wrap=True)
    table.add_column("progress", width=14 if is_wide else 8)
    if is_wide:
        table.add_column("time", justify="right", width=7, no_wrap=True)
        table.add_column("tried", justify="right", width=5, no_wrap=True)
    table.add_column("best CV score" if is_wide else "best CV", justify="right", no_wrap=True)
    if is_wide:
        table.add_column("trying", ratio=1, no_wrap=True, overflow="ellipsis")
    if folded:
        table.add_row("", f"{folded} done", style="dim")
    for row in rows:
        table.add_row(*_cells(row, now, is_wide=is_wide, ascii_only=ascii_only))
    return table


def _cells(row: _Row, now: float, *, is_wide: bool, ascii_only: bool) -> Iterator[Text | ProgressBar]:
    style = "" if row.done else "bold"
    spinner = _ASCII_SPINNER if ascii_only else _SPINNER
    done_mark = "+" if ascii_only else "✓"
    yield Text(done_mark, "green") if row.done else Text(spinner[int(now * 8) % len(spinner)], "cyan")
    yield Text(f"{row.stage} {row.step}" if row.step else row.stage, style)
    yield Text("" if row.branch is None else str(row.branch), style)
    progress = row.progress(now)
    yield ProgressBar(None if progress is None else 1.0, progress or 0.0, complete_style="cyan")
    if is_wide:
        yield Text(clock_text(now - row.started if row.seconds is None else row.seconds), style)
        yield Text(str(row.tried or ""), style)
    yield Text(score_text(row.best), style)
    if is_wide:
        yield Text(row.trying, "dim")
