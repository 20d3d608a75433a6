"""The program ``mlestar``: its commands, and what it does about errors."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from mlestar import __version__
from mlestar.cli.compile import compile_assets
from mlestar.cli.doctor import doctor
from mlestar.cli.init import init
from mlestar.cli.output import say, voice
from mlestar.cli.predict import predict
from mlestar.cli.report import report
from mlestar.cli.run import run
from mlestar.cli.schema import schema
from mlestar.cli.stage import stage
from mlestar.errors import MlestarError

__all__ = ["app", "main"]

USER_MISTAKE, OUR_FAILURE, INTERRUPTED, TERMINATED = 2, 3, 130, 143

app = typer.Typer(name="mlestar", no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode="rich")


def _examples(*lines: str) -> str:
    # The empty line in front keeps the others indented: what all but the first have in common is cut off.
    return "\n".join(("", "Examples:", *(f"  {line}" for line in lines)))


def _add(name: str, function: Callable[..., None], *examples: str, **settings: bool) -> None:
    """Make a command of a function, whose docstring is the help."""
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    text = "\n\n".join(" ".join(each.split()) for each in paragraphs)  # to be broken as the terminal is wide
    app.command(name, help=text, epilog=_examples(*examples), context_settings=settings)(function)


_add("init", init, "mlestar init train.csv --target Churn", "mlestar init train.csv --test test.csv -o churn.yaml")
_add("run", run, "mlestar run churn.yaml", "mlestar run churn.yaml --set budget.wall_clock=5m --out runs/quick")
_add("predict", predict, "mlestar predict runs/churn customers.csv --out predictions.csv")
_add("report", report, "mlestar report runs/churn")
_add("doctor", doctor, "mlestar doctor", "mlestar doctor --store gs://bucket/evaluations")
_add(
    "stage",
    stage,
    "mlestar stage validate --scope-dir scope --train-dir train \\",
    "  --holdout-dir holdout --model-dir model \\",
    "  --verdict-dir verdict --store store",
    allow_extra_args=True,
    ignore_unknown_options=True,
)
_add("compile", compile_assets, "mlestar compile", "mlestar compile --set pipeline.outer_steps=3 --out star.yaml")
_add("schema", schema, "mlestar schema --check")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mlestar {__version__}")
        raise typer.Exit


@app.callback(
    epilog=_examples(
        "mlestar doctor                            # what this machine can do",
        "mlestar init train.csv --target COLUMN    # writes a spec to look through",
        "mlestar run SPEC                          # makes the model",
    )
)
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
    line on standard error; 3 a failure of ours, with the place of the log; 130 interrupted, 143 terminated. Whatever
    happens, with ``--json`` the last line of standard output is the outcome.
    """
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(TERMINATED))  # so that what was started is ended
    if os.environ.get("NO_COLOR"):
        os.environ["TERM"] = "dumb"  # rich would still write bold and dim, and move the cursor
    voice.json, voice.quiet = "--json" in sys.argv[1:], False  # also where the arguments turn out to be wrong
    try:
        status = app(prog_name="mlestar", standalone_mode=False)
    except MlestarError as error:
        _complain(error, str(error), USER_MISTAKE)
    except typer.TyperException as error:
        _complain(error, _misuse(error), USER_MISTAKE)
    except Exception as error:
        _complain(error, f"failed: {error or type(error).__name__}; the log is {_log_of(error)}", OUR_FAILURE)
    except SystemExit as error:
        if error.code == TERMINATED:
            _fail("SystemExit", "terminated", TERMINATED)
        raise
    if status == INTERRUPTED:
        _fail("KeyboardInterrupt", "interrupted", INTERRUPTED)
    sys.exit(status)


def _misuse(error: typer.TyperException) -> str:
    """What is wrong with the arguments, and where one can read what they may be."""
    context: typer.Context | None = getattr(error, "ctx", None)
    message = " ".join(error.format_message().split()).rstrip(".")
    if not message:  # the help was shown in its place
        sys.exit(USER_MISTAKE)
    command = context.command_path if context else "mlestar"
    return message if message.endswith("?") else f"{message}; see {command} --help"


def _complain(error: Exception, message: str, status: int) -> None:
    _fail(type(error).__name__, message, status)
    typer.echo(f"mlestar: {message}", err=True)
    sys.exit(status)


def _fail(kind: str, message: str, status: int) -> None:
    """Tell machines that nothing came out."""
    if voice.json:
        say({"event": "outcome", "error": kind, "message": message, "exit_status": status})


def _log_of(error: Exception) -> Path:
    """The log that the error names, or a new one with its traceback."""
    log = getattr(error, "log", None)
    if isinstance(log, Path):
        return log
    with tempfile.NamedTemporaryFile("w", prefix="mlestar-", suffix=".log", delete=False) as file:
        file.write("".join(traceback.format_exception(error)))
    return Path(file.name)
