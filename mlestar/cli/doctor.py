"""``mlestar doctor``: what this machine can and cannot do."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlestar.cli.output import Json, Quiet, say, voice

if TYPE_CHECKING:
    from rich.console import Console

    from mlestar.cli.diagnosis import Finding

__all__ = ["doctor"]

NOT_POSSIBLE = 2

_STYLES = {"ok": "green", "optional": "dim", "warn": "bold yellow", "fail": "bold red"}


def doctor(
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FOLDER", help="Folder that the runs go to.")] = Path(
        "runs"
    ),
    store: Annotated[
        str | None,
        typer.Option(metavar="URI", help="Evaluation store to try, a folder or a bucket.", show_default=False),
    ] = None,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Say what this machine can and cannot do, and how to get what is missing.

    Takes some seconds, because it tries the sandbox. Exit status 0: a run is possible, 2: it is not.
    """
    from rich.console import Console

    from mlestar.cli.diagnosis import diagnose

    console = Console(highlight=False, quiet=voice.json or voice.quiet)
    with console.status("looking around") if console.is_interactive else nullcontext():
        findings = list(diagnose(out, store))
    status = NOT_POSSIBLE if any(each.status == "fail" for each in findings) else 0
    if voice.json:
        say({"event": "outcome", "findings": [vars(each) for each in findings], "exit_status": status})
    else:
        _print(console, findings)
    if status:
        raise typer.Exit(status)


def _print(console: Console, findings: Sequence[Finding]) -> None:
    from rich.text import Text

    from mlestar.cli.rows import print_rows

    rows = []
    for each in findings:
        text = Text(each.summary)
        if each.remedy:
            text.append(f"\n-> {each.remedy}", "cyan")
        rows.append([Text(each.status, _STYLES[each.status]), Text(each.title, "bold"), text])
    print_rows(console, rows)
    failed, weak = ([each.title for each in findings if each.status == status] for status in ("fail", "warn"))
    if failed:
        console.print(f"No run is possible: see {', '.join(failed)}.")
    else:
        console.print("A run is possible." if not weak else f"A run is possible, but see {', '.join(weak)}.")
