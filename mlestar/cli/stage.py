"""``mlestar stage``: one stage of the pipeline, for containers and other orchestrators."""

from __future__ import annotations

import json
from typing import Annotated

import typer

__all__ = ["stage"]

WHOLE_NUMBERS = ("branch", "step")


def _stages() -> list[str]:
    from mlestar.stages import STAGES

    return list(STAGES)


def stage(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Argument(
            metavar="STAGE",
            help="scope, search, ablate, refine, ensemble, validate or finalize.",
            autocompletion=_stages,
            show_default=False,
        ),
    ],
) -> None:
    """Run one stage of the pipeline on directories, for containers and other orchestrators.

    Every argument of the stage is an option, with hyphens; one that takes several values (--branch-dirs) is repeated.
    Prints what the stage returns as JSON.
    """
    from mlestar.stages import run_stage

    typer.echo(json.dumps(run_stage(name, _arguments(context.args))))


def _arguments(options: list[str]) -> dict[str, str | int | list[str]]:
    """The stage's keyword arguments from ``--name value`` or ``--name=value``."""
    from mlestar.errors import MlestarError

    arguments: dict[str, str | int | list[str]] = {}
    rest = iter(options)
    for option in rest:
        name, equals, value = option.partition("=")
        if not equals:
            value = next(rest, "")
        if not name.startswith("--") or not value:
            raise MlestarError(f"{option!r}: is not an option with a value; write --argument value")
        key = name[2:].replace("-", "_")
        if key.endswith("_dirs"):
            arguments[key] = [*arguments.get(key, []), value]  # type: ignore[misc]
        elif key in WHOLE_NUMBERS:
            if not value.isdecimal():
                raise MlestarError(f"{name} {value}: is not a whole number; write for example {name} 1")
            arguments[key] = int(value)
        else:
            arguments[key] = value
    return arguments
