"""``mlestar report``: the report of a run, written again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["report"]


def report(out: Annotated[Path, typer.Argument(help="Folder of a run.", show_default=False)]) -> None:
    """Write the HTML report of a finished run again, for example after an update."""
    from mlestar.engines.local import RunFolder
    from mlestar.report import Run, render

    folder = RunFolder(out.absolute())
    outputs = folder.finished()
    final = outputs["final"]
    run = Run.read(
        scope=Path(outputs["scope"]),
        model=Path(outputs["model"]),
        verdict=Path(outputs["evidence"]),
        final=Path(final) if final else None,
    )
    folder.report.write_text(render(run), encoding="utf-8")
    typer.echo(f"wrote {folder.report}")
