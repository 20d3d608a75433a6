"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["Overrides", "Spec", "Unblessed"]

Spec = Annotated[Path, typer.Argument(metavar="SPEC", help="Scope spec, a YAML file.", show_default=False)]
Overrides = Annotated[
    list[str],
    typer.Option(
        "--set",
        metavar="FIELD=VALUE",
        help="Set a field, e.g. budget.wall_clock=60s; repeatable.",
        default_factory=list,
        show_default=False,
    ),
]
Unblessed = Annotated[
    bool,
    typer.Option(
        "--unblessed", metavar="", help="Predict even with a model that validation did not bless.", show_default=False
    ),
]
