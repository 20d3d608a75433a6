"""Who watches a run: a person at a terminal, a log, a machine, or nobody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.live import Live

from mlestar.cli.live import LiveView
from mlestar.cli.output import say, voice
from mlestar.cli.plain import PlainView

if TYPE_CHECKING:
    from mlestar.spec import Scope

__all__ = ["JsonView", "SilentView", "View", "open_view"]

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
    elif not console.is_terminal:
        yield PlainView(console, started)
    else:
        view = LiveView(scope.name, started, seconds=scope.budget.wall_clock, evaluations=scope.budget.evaluations)
        with Live(view, console=console, refresh_per_second=REFRESHES, vertical_overflow="crop"):
            yield view
