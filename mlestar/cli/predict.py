"""``mlestar predict``: predictions of a model for new data."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mlestar.cli.options import Unblessed
from mlestar.cli.output import Json, Quiet, tell

__all__ = ["predict"]


def predict(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="Model directory, or the folder of a run.", show_default=False)
    ],
    data: Annotated[str, typer.Argument(metavar="TABLE", help="Table to predict, a path or URI.", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="CSV file to write.", show_default=False)],
    unblessed: Unblessed = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write id, prediction and, for classes, their probabilities for every row of a table."""
    from mlestar.engines.local.prediction import predict as predict_table
    from mlestar.errors import MlestarError
    from mlestar.evaluation import connect, start_server

    if out.is_dir():
        raise MlestarError(f"{out}: is a folder; name the file to write, such as {out / 'predictions.csv'}")
    with start_server(1) as server:
        done = predict_table(_model_directory(model), data, out, connect(server.address), unblessed=unblessed)
    if out.is_file() and not out.is_symlink():
        told = "\n".join([*done.notes, f"wrote {done.rows} predictions to {out}"])
        tell(told, rows=done.rows, notes=list(done.notes), places={"predictions": out.absolute()})
    else:  # it may be standard output, where predictions stand alone
        for note in done.notes:
            typer.echo(note, err=True)


def _model_directory(path: Path) -> Path:
    from mlestar.errors import ModelError

    for directory in (path, path / "model"):
        if (directory / "model.json").is_file():
            return directory
    raise ModelError(f"{path}: holds no model.json; name a model directory, or the folder of a finished run")
