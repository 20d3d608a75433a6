"""``mlestar report``: the report of a run, written again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlestar.cli.output import Json, Quiet, tell

__all__ = ["report"]


def report(
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder of a run.", show_default=False)],
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write the HTML report of a finished run again, for example after an update."""
    from mlestar.engines.local import RunFolder
    from mlestar.files import write_bytes
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
    write_bytes(folder.report, render(run).encode())
    tell(f"wrote {folder.report}", places={"report": folder.report})
