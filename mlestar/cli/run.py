"""``mlestar run``: a scope spec and data in, a validated model and its program out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlestar.cli.clock import process_start
from mlestar.cli.options import Overrides, Spec
from mlestar.cli.output import Json, Quiet
from mlestar.errors import SpecError

if TYPE_CHECKING:
    from mlestar.spec import Source

__all__ = ["run"]

NOT_BLESSED = 1


def run(
    spec: Spec,
    overrides: Overrides,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Folder of the run; runs/<name> by default.")] = None,
    store: Annotated[
        str | None, typer.Option(help="Evaluation store, a directory or a bucket URI; inside the folder by default.")
    ] = None,
    unblessed: Annotated[
        bool, typer.Option("--unblessed", help="Predict data.test even with a model that validation refused.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Run the STAR pipeline on this machine.

    The model, its program and the report are in the folder of the run; a second run of the same reuses whatever the
    first has finished. Exit status 0: the model is blessed, 1: it is not, 2: you can mend something, 3: we failed.

    Ctrl-C ends the run early with the best so far; the same command goes on from there. A second Ctrl-C stops at once.
    """
    from mlestar.cli.interrupts import ending_on_interrupt
    from mlestar.cli.summary import summarize
    from mlestar.cli.view import open_view
    from mlestar.engines import local
    from mlestar.spec import load_scope

    loaded, started = load_scope(spec, overrides), process_start()
    scope = loaded.scope
    with open_view(scope, started) as view, ending_on_interrupt() as ending:
        try:
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
    summarize(outcome)
    if not outcome.blessed:
        raise typer.Exit(NOT_BLESSED)


def _located(error: SpecError, source: Source) -> SpecError:
    """The error with the line of the user's file: the engine is given the scope without its lines."""
    name, colon, rest = str(error).partition(": ")
    path, separator, message = rest.partition(": ")
    return source.error(path, message) if colon and separator and name == type(source).name else error
