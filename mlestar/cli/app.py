"""The program ``mlestar``: its commands, and what it does about errors."""

from __future__ import annotations

import signal
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Annotated

import typer

from mlestar import __version__
from mlestar.cli.compile import compile_assets
from mlestar.cli.init import init
from mlestar.cli.output import say, voice
from mlestar.cli.predict import predict
from mlestar.cli.report import report
from mlestar.cli.run import run
from mlestar.cli.schema import schema
from mlestar.cli.stage import stage
from mlestar.errors import MlestarError

__all__ = ["app", "main"]

USER_MISTAKE, OUR_FAILURE, TERMINATED = 2, 3, 143

app = typer.Typer(name="mlestar", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")


def _examples(*lines: str) -> str:
    return "\n".join(("Examples:", *(f"  {line}" for line in lines)))


app.command(
    "init",
    epilog=_examples("mlestar init train.csv --target Churn", "mlestar init train.csv --test test.csv -o churn.yaml"),
)(init)
app.command(
    "run",
    epilog=_examples("mlestar run churn.yaml", "mlestar run churn.yaml --set budget.wall_clock=5m --out runs/quick"),
)(run)
app.command("predict", epilog=_examples("mlestar predict runs/churn new_customers.csv --out predictions.csv"))(predict)
app.command("report", epilog=_examples("mlestar report runs/churn"))(report)
app.command(
    "stage",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    epilog=_examples("mlestar stage ensemble --scope-dir scope --train-dir train --branch-dirs a --branch-dirs b ..."),
)(stage)
app.command("compile", epilog=_examples("mlestar compile --set pipeline.outer_steps=3 --out star.yaml"))(compile_assets)
app.command("schema", epilog=_examples("mlestar schema --check"))(schema)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlestar {__version__}")
        raise typer.Exit


@app.callback(epilog="Begin with: mlestar init train.csv --target COLUMN, then mlestar run.")
def program(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version.", show_default=False),
    ] = False,
) -> None:
    """Turn a scope spec and data into a validated model and the readable program that made it."""


def main() -> None:
    """Run the command that the arguments name.

    Exit status: 0 done, and for ``run`` blessed; 1 not blessed, or a generated file is stale; 2 the user's mistake, one
    line on standard error; 3 a failure of ours, with the place of the log; 130 interrupted, 143 terminated.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))  # so that what was started is ended
    voice.json = voice.quiet = False
    try:
        app(prog_name="mlestar")
    except MlestarError as error:
        _complain(error, str(error), USER_MISTAKE)
    except Exception as error:
        _complain(error, f"failed: {error or type(error).__name__}; the log is {_log_of(error)}", OUR_FAILURE)


def _complain(error: Exception, message: str, status: int) -> None:
    if voice.json:
        say({"event": "outcome", "error": type(error).__name__, "message": message, "exit_status": status})
    typer.echo(f"mlestar: {message}", err=True)
    sys.exit(status)


def _log_of(error: Exception) -> Path:
    """The log that the error names, or a new one with its traceback."""
    log = getattr(error, "log", None)
    if isinstance(log, Path):
        return log
    with tempfile.NamedTemporaryFile("w", prefix="mlestar-", suffix=".log", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(file.name)
