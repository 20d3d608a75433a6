"""``mlestar init``: a first scope spec for a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mlestar.cli.output import Json, Quiet, tell

if TYPE_CHECKING:
    from mlestar.data.suggested_spec import SuggestedSpec

__all__ = ["init"]


def init(
    train: Annotated[
        str, typer.Argument(metavar="TABLE", help="Table with the target, a path or URI.", show_default=False)
    ],
    target: Annotated[
        list[str],
        typer.Option(
            "--target",
            "-t",
            metavar="COLUMN",
            help="Column to predict; repeatable. By default the likeliest one.",
            default_factory=list,
            show_default=False,
        ),
    ],
    test: Annotated[
        str | None, typer.Option(metavar="TABLE", help="Table to predict, a path or URI.", show_default=False)
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="File to write; <name>.yaml by default.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", metavar="", help="Overwrite the file.", show_default=False)] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Write a scope spec for your data: what was inferred and why, and everything that can be set.

    It runs as it is. The comments say what to look at first, such as columns that may leak the target.
    """
    from importlib.resources import files

    from mlestar.data.suggested_spec import scope_name, suggest_spec
    from mlestar.errors import MlestarError
    from mlestar.files import write_bytes

    path = out or Path(f"{scope_name(train)}.yaml")
    if path.exists() and not force:
        raise MlestarError(f"{path}: is there already; name another file with --out, or overwrite it with --force")
    schema = str(files("mlestar.specs") / "scope.schema.json")
    name = scope_name(out.name) if out else scope_name(train)  # the folder of its runs is called like that
    suggested = suggest_spec(train, targets=target, test=test, name=name, folder=path.parent, schema=schema)
    write_bytes(path, suggested.text.encode())
    task = suggested.task
    tell(
        "\n".join(_told(path, suggested)),
        places={"spec": path.absolute()},
        target=list(task.targets),
        guessed=bool(suggested.target_reason),
        type=task.type,
        metric=task.metric,
        others=suggested.others,
        warnings=suggested.warnings,
    )


def _told(path: Path, suggested: SuggestedSpec) -> Iterator[str]:
    task = suggested.task
    targets, count = ", ".join(task.targets), len(task.features)
    yield f"wrote {path}: predict {targets} ({task.type}, {task.metric}) from {count} column{'s' * (count > 1)}"
    if suggested.target_reason:
        others = f"; it could also be {' or '.join(suggested.others)}" if suggested.others else ""
        yield f"{targets} is a guess: {suggested.target_reason}{others}; --target names another"
    yield from (f"look at this: {warning}" for warning in suggested.warnings)
    yield f"next: mlestar run {path}"
