"""How the program speaks on standard output: to people, to machines (``--json``), or only by its exit status."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

__all__ = ["Json", "Quiet", "Voice", "say", "tell", "voice"]


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
        callback=_use_json,
        help="Print JSON lines: the events as they come, last the outcome; nothing else.",
        show_default=False,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option(
        "--quiet",
        "-q",
        callback=_be_quiet,
        help="Print errors only; with --json, the outcome only.",
        show_default=False,
    ),
]


def say(event: Mapping[str, Any]) -> None:
    """Print a line of JSON."""
    typer.echo(json.dumps(event, default=str))


def tell(text: str, **outcome: Any) -> None:
    """Say what a command has come to: ``text`` to people, ``outcome`` to machines."""
    if voice.json:
        say({"event": "outcome", **outcome})
    elif not voice.quiet:
        typer.echo(text)
