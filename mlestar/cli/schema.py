"""``mlestar schema``: the JSON Schema of the scope spec, by which editors complete and check the YAML."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

__all__ = ["schema"]

STALE = 1


def schema(
    check: Annotated[
        bool, typer.Option("--check", metavar="", help="Write nothing; exit status 1 if the file is stale.")
    ] = False,
) -> None:
    """Write specs/scope.schema.json from the models of the spec."""
    from mlestar.spec import schema_text

    path = Path(str(files("mlestar.specs"))) / "scope.schema.json"
    if not check:
        path.write_text(schema_text(), encoding="utf-8")
        typer.echo(f"wrote {path}")
    elif not path.is_file() or path.read_text(encoding="utf-8") != schema_text():
        typer.echo(f"{path}: stale; run: mlestar schema", err=True)
        raise typer.Exit(STALE)
