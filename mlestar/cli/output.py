"""How the program speaks on standard output: to people, to machines (``--json``), or only by its exit status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

__all__ = ["Json", "Quiet", "Voice", "remark", "say", "tell", "voice"]


@dataclass
class Voice:
    """What the options of the command that runs ask for."""

    json: bool = False
    quiet: bool = False


voice = Voice()


def _use_json(value: bool) -> bool:
    voice.json = value
    return value


def _be_quiet(value: bool) -> bool:
    voice.quiet = value
    return value


Json = Annotated[
    bool,
    typer.Option(
        "--json",
        metavar="",
        callback=_use_json,
        help="Print lines of JSON instead: the events as they come, then the outcome.",
        show_default=False,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        metavar="",
        callback=_be_quiet,
        help="Print errors only; with --json, the outcome only.",
        show_default=False,
    ),
]


def say(event: Mapping[str, Any]) -> None:
    """Print a line of JSON."""
    typer.echo(json.dumps(event, default=str))


def tell(text: str, **outcome: Any) -> None:
    """Say what a command that did what it should has come to: ``text`` to people, ``outcome`` to machines."""
    if voice.json:
        say({"event": "outcome", **outcome, "exit_status": 0})
    remark(text)


def remark(text: str) -> None:
    """Say something to people, and nothing to machines."""
    if not (voice.json or voice.quiet):
        typer.echo(text)
