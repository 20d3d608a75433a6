"""``mlestar run``: a scope spec and data in, a validated model and its program out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlestar.cli.clock import process_start
from mlestar.cli.options import Overrides, Spec, Unblessed
from mlestar.cli.output import Json, Quiet, remark
from mlestar.errors import SpecError

if TYPE_CHECKING:
    from mlestar.spec import Source

__all__ = ["run"]

NOT_BLESSED = 1


def run(
    spec: Spec,
    overrides: Overrides,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FOLDER", help="Folder of the run; runs/<name> by default.")
    ] = None,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URI", help="Evaluation store, a folder or a bucket; in the folder of the run by default."
        ),
    ] = None,
    unblessed: Unblessed = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the STAR pipeline on this machine: a validated model, its program and a report.

    They are in the folder of the run; the same command again repeats nothing that is done. Exit status 0: the model is
    blessed, 1: validation refused it, 2: there is something for you to mend, 3: mlestar failed, 130:
    you stopped it at once.

    Ctrl-C ends the run early, with the best so far; the same command then goes on from there. Ctrl-C twice stops at
    once. Where there is no terminal, or NO_COLOR is set, progress is told in plain lines.
    """
    from mlestar.cli.interrupts import ending_on_interrupt
    from mlestar.cli.summary import summarize
    from mlestar.cli.view import open_view
    from mlestar.engines import local
    from mlestar.spec import load_scope

    loaded, started = load_scope(spec, overrides), process_start()
    scope = loaded.scope
    try:
        with open_view(scope, started) as view, ending_on_interrupt() as ending:
            outcome = local.run(
                scope,
                out or Path("runs") / scope.name,
                store=store,
                unblessed=unblessed,
                started=started,
                listener=view.apply,
                ending=ending,
            )
    except SpecError as error:
        raise _located(error, loaded.source) from None
    except KeyboardInterrupt:
        remark("Stopped; the same command goes on from there.")
        raise
    status = 0 if outcome.blessed else NOT_BLESSED
    summarize(outcome, status)
    if status:
        raise typer.Exit(status)


def _located(error: SpecError, source: Source) -> SpecError:
    """The error with the line of the user's file: the engine is given the scope without its lines."""
    name, colon, rest = str(error).partition(": ")
    path, separator, message = rest.partition(": ")
    return source.error(path, message) if colon and separator and name == type(source).name else error
