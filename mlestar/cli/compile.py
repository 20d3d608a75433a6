"""``mlestar compile``: the pipeline and the components as the YAML that orchestrators read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlestar.cli.options import Overrides

__all__ = ["compile_assets"]

STALE = 1
OUTER_STEPS = "pipeline.outer_steps"


def compile_assets(
    overrides: Overrides,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="Write only the pipeline, to this file.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", metavar="", help="Write nothing; exit status 1 if a file is stale.")
    ] = False,
) -> None:
    """Compile the pipeline and the components.

    Only --set pipeline.outer_steps=N has an effect: the rounds of ablate and refine are nodes of the compiled
    pipeline. The environment variable MLESTAR_IMAGE names another container image than the project's.
    """
    from mlestar.engines.compiling import compile_pipeline, compiled_assets, stale_assets

    outer_steps = _outer_steps(overrides)
    if check:
        stale = stale_assets(outer_steps)
        for path in stale:
            typer.echo(f"{path}: stale; run: mlestar compile", err=True)
        raise typer.Exit(STALE if stale else 0)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        compile_pipeline(out, outer_steps)
        typer.echo(f"wrote {out}")
        return
    for path, text in compiled_assets(outer_steps).items():
        path.write_text(text, encoding="utf-8")
        typer.echo(f"wrote {path}")


def _outer_steps(overrides: list[str]) -> int:
    """The number that the last override gives, or the default of the spec."""
    from pydantic import ValidationError

    from mlestar.errors import SpecError
    from mlestar.spec import Pipeline

    outer_steps: int = Pipeline().outer_steps
    for override in overrides:
        field, _, value = override.partition("=")
        if field.strip() != OUTER_STEPS or not value.strip().isdecimal():
            raise SpecError(f"--set {override}: has no effect on what is compiled; write --set {OUTER_STEPS}=3")
        try:
            outer_steps = Pipeline(outer_steps=int(value)).outer_steps
        except ValidationError:
            raise SpecError(f"--set {override}: no spec has so many; write a number from 1 to 6") from None
    return outer_steps
