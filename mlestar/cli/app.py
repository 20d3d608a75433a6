"""The program ``mlestar``: its commands, and what it does about errors."""

from __future__ import annotations

import signal
import sys
import tempfile
import traceback
from pathlib import Path

import typer

from mlestar.cli.compile import compile_assets
from mlestar.cli.predict import predict
from mlestar.cli.report import report
from mlestar.cli.run import run
from mlestar.cli.schema import schema
from mlestar.cli.stage import stage
from mlestar.errors import MlestarError

__all__ = ["app", "main"]

USER_MISTAKE, OUR_FAILURE, TERMINATED = 2, 3, 143

app = typer.Typer(
    name="mlestar",
    help="Turn a scope spec and data into a validated model and the readable program that made it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("run")(run)
app.command("stage", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(stage)
app.command("compile")(compile_assets)
app.command("report")(report)
app.command("predict")(predict)
app.command("schema")(schema)


def main() -> None:
    """Run the command that the arguments name.

    Exit status: 0 done, and for ``run`` blessed; 1 not blessed, or a generated file is stale; 2 the user's mistake, one
    line on standard error; 3 a failure of ours, with the place of the log; 130 interrupted, 143 terminated.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))  # so that what was started is ended
    try:
        app(prog_name="mlestar")
    except MlestarError as error:
        _complain(f"mlestar: {error}", USER_MISTAKE)
    except Exception as error:
        _complain(f"mlestar: failed: {error or type(error).__name__}; the log is {_log_of(error)}", OUR_FAILURE)


def _complain(message: str, status: int) -> None:
    typer.echo(message, err=True)
    sys.exit(status)


def _log_of(error: Exception) -> Path:
    """The log that the error names, or a new one with its traceback."""
    log = getattr(error, "log", None)
    if isinstance(log, Path):
        return log
    with tempfile.NamedTemporaryFile("w", prefix="mlestar-", suffix=".log", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(file.name)
