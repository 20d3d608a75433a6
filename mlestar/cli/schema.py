"""``mlestar schema``: the JSON Schema of the scope spec, by which editors complete and check the YAML."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mlestar.validation.checks import Check

__all__ = ["published_schema", "schema"]

STALE = 1


def schema(
    check: Annotated[
        bool, typer.Option("--check", metavar="", help="Write nothing; exit status 1 if the file is stale.")
    ] = False,
) -> None:
    """Write specs/scope.schema.json from the models of the spec, with the metrics and the checks that there are."""
    path = Path(str(files("mlestar.specs"))) / "scope.schema.json"
    text = published_schema()
    if not check:
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path}")
    elif not path.is_file() or path.read_text(encoding="utf-8") != text:
        typer.echo(f"{path}: stale; run: mlestar schema", err=True)
        raise typer.Exit(STALE)


def published_schema() -> str:
    """What ``specs/scope.schema.json`` holds when it is up to date."""
    from mlestar.data.metric_names import METRICS
    from mlestar.spec import schema_text
    from mlestar.validation.checks import CHECKS

    metrics = dict.fromkeys(metric for names in METRICS.values() for metric in names)
    return schema_text(metrics=list(metrics), checks={check.id: _described(check) for check in CHECKS})


def _described(check: Check) -> str:
    question = (check.function.__doc__ or "").partition("\n")[0]
    return f"{check.title}: {question} By default: {check.severity}."
