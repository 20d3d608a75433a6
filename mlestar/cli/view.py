"""Who watches a run: a person at a terminal, a log, a machine, or nobody."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.live import Live
from rich.text import Text

from mlestar.cli.live import LiveView
from mlestar.cli.output import say, voice
from mlestar.cli.plain import PlainView

if TYPE_CHECKING:
    from mlestar.spec import Scope

__all__ = ["JsonView", "SilentView", "TerminalView", "View", "open_view"]

REFRESHES = 5  # per second


class View(Protocol):
    """Shows the events of :mod:`mlestar.progress` as they come."""

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in."""


class JsonView:
    """A line of JSON per event."""

    def apply(self, event: Mapping[str, Any]) -> None:
        """Print the event."""
        say(event)


class SilentView:
    """Nothing."""

    def apply(self, event: Mapping[str, Any]) -> None:
        """Let the event pass."""


class TerminalView:
    """A table that is kept up to date; what there is to note goes above it, and stays.

    Parameters
    ----------
    console
        Where to print.
    table
        The renderable that is shown there.
    """

    def __init__(self, console: Console, table: LiveView) -> None:
        self._console, self._table = console, table

    def apply(self, event: Mapping[str, Any]) -> None:
        """Take one event in."""
        if event["event"] == "note":
            self._console.print(Text(f"! {event['message']}", "yellow"))
        else:
            self._table.apply(event)


@contextmanager
def open_view(scope: Scope, started: float) -> Iterator[View]:
    """What the options and the terminal ask for.

    Parameters
    ----------
    scope
        The scope that runs.
    started
        The instant (``time.monotonic()``) from which its budget counts.
    """
    console = Console(highlight=False)
    if voice.quiet:
        yield SilentView()
    elif voice.json:
        yield JsonView()
    elif not (console.is_interactive and sys.stdout.isatty()):  # rich takes FORCE_COLOR for a terminal
        yield PlainView(console, started)
    else:
        table = LiveView(scope.name, started, seconds=scope.budget.wall_clock, evaluations=scope.budget.evaluations)
        with Live(table, console=console, refresh_per_second=REFRESHES, vertical_overflow="crop"):
            yield TerminalView(console, table)
            table.end()
