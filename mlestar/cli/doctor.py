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
    """A table in a terminal; elsewhere lines that are not broken."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for each in findings:
        table.add_row(Text(each.status, _STYLES[each.status]), each.title, Text(each.summary))
        if each.remedy:
            table.add_row("", "", Text(f"-> {each.remedy}", "cyan"))
    if console.is_interactive:
        console.print(table)
    else:
        for each in findings:
            remedy = f" -> {each.remedy}" if each.remedy else ""
            console.print(f"{each.status:<8} {each.title:<10} {each.summary}{remedy}", markup=False, soft_wrap=True)
    failed = [each.title for each in findings if each.status == "fail"]
    console.print(f"No run is possible: see {', '.join(failed)}." if failed else "A run is possible.", soft_wrap=True)
