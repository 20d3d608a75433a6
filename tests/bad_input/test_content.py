"""Data from which nothing can be learnt is refused by the first stage, in one line with the place and the remedy.

In what a line must contain, ``...`` stands for whatever is between.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pytest

Change: TypeAlias = dict[str, str]  # of the spec: what is replaced by what
Spoil: TypeAlias = Callable[[pd.DataFrame], pd.DataFrame]
Refused: TypeAlias = Callable[..., None]

SAME: Change = {}
DAYS = pd.date_range("2020-01-01", periods=240).astype(str)
BIRDS = [f"bird {row}" for row in range(240)]


def task(line: str, target: str = "species") -> Change:
    """The spec with another target, and another line in ``task``, its eighth."""
    return {"target: species": f"target: {target}\n  {line}"}


def mass(line: str) -> Change:
    """The spec with a number as its target, and another line in ``task``, its eighth."""
    return task(line, "body_mass_g")


MASS: Change = {"target: species": "target: body_mass_g"}


def put(column: str, value: Any, *rows: int) -> Spoil:
    """The table with a value in some rows, or with values in all."""

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        if not rows:
            return table.assign(**{column: value})
        table[column] = table[column].astype(object)
        table.loc[list(rows), column] = value
        return table

    return spoil


def only(rows: int, *columns: str, **values: Any) -> Spoil:
    """The table with its first rows and some columns, all by default."""
    return lambda table: table.head(rows)[list(columns) or list(table)].assign(**values)


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("species").assign(day=DAYS)


def adelie_first(table: pd.DataFrame) -> pd.DataFrame:
    is_adelie = table["species"] == "Adelie"
    others = table[~is_adelie].sample(frac=1, random_state=0)
    return pd.concat([table[is_adelie], others]).assign(day=DAYS)


ONES_FIRST = [1.0] * 150 + [float(row) for row in range(90)]

# case: what becomes of the table, what is changed in the spec, what the line says
TABLES: dict[str, tuple[Spoil, Change, str]] = {
    "target all missing": (put("species", None), SAME, "target 'species' has no value in any row; is it the right"),
    "target constant": (put("species", "Gentoo"), SAME, "target 'species' has the same value in every row; name a"),
    "class of one row": (put("species", "Emperor", 7), SAME, "class 'Emperor' of 'species' has 1 rows, ...; merge it"),
    "every row a class": (put("species", BIRDS), SAME, "class ... of 'species' has 1 rows, too few ...; merge it"),
    "target infinite": (put("body_mass_g", float("inf"), 7), MASS, "'body_mass_g' holds infinite values; correct"),
    "target huge": (put("body_mass_g", 1e200, 7), MASS, "'body_mass_g' holds values beyond 1e+100; rescale it"),
    "target mixed": (put("body_mass_g", "heavy", 7), MASS, "reads as numbers but for ... 'heavy'; correct these"),
    "decimal comma": (put("body_mass_g", "3,5", 7), MASS, "reads as numbers but for ... '3,5'; correct these"),
    "target of dates": (put("species", DAYS), SAME, "target 'species' holds dates; predict a number made of them"),
    "mark for missing": (put("body_mass_g", "?", 7), mass("type: regression"), "is not numeric, it holds '?'; correct"),
    "regression of names": (put("sex", "x"), task("type: regression"), "'species' is not numeric, it holds 'Adelie'"),
    "binary of three": (put("sex", "x"), task("type: binary"), "has 3 values, a binary task has 2; set task.type"),
    "metric that does not fit": (put("sex", "x"), task("metric: f1"), ":8: task.metric: f1 does not fit a multiclass"),
    "rmsle of negatives": (put("body_mass_g", -3, 7), mass("metric: rmsle"), ":8: ... least is -3; use rmse or mae"),
    "mape of zero": (put("body_mass_g", 0, 7), mass("metric: mape"), ":8: ... is 0 in 1 of 239 rows; use mae or rmse"),
    "text of numbers": (put("sex", "x"), task("text: [body_mass_g]"), ":8: task.text: 'body_mass_g' holds no text but"),
    "positive class": (put("sex", ["a", "b"] * 120), task("positive: c", "sex"), ":8: ... 'c' is not in ... use 'a'"),
    "id like a prediction": (put("prediction", DAYS), task("id: prediction"), ":8: task.id: ...; rename it"),
    "one group": (put("island", "Dream"), task("group: island"), "'island' has 1 groups, too few ...; name another"),
    "row without a group": (put("island", None, 7), task("group: island"), "'island': 1 rows have no group; complete"),
    "no time": (put("island", "soon"), task("time: island"), "'island': 240 rows ... such as 'soon'; complete"),
    "one time": (put("island", "2020-01-01"), task("time: island"), "all rows have the same time; name a time column"),
    "class in the holdout": (in_order, task("time: day"), "the holdout has rows of class 'Gentoo' only; write fewer"),
    "class in a fold": (adelie_first, task("time: day"), "fold 1 trains on rows of class 'Adelie' only; write fewer"),
    "value in a fold": (
        put("body_mass_g", ONES_FIRST),
        mass("metric: r2\n  time: day"),
        "fold 1 is judged by rows of one value only, for which r2 is not defined; write fewer validation.folds",
    ),
    "gap": (only(240), task("time: day") | {"folds: 2": "gap: 500"}, "a gap of 500 rows; ... a smaller validation.gap"),
    "target alone": (only(240, "species"), SAME, "no column is left to predict from; add columns"),
    "nothing that differs": (only(240, "species", a=1, b="x", c=None), SAME, "every feature has the same value in all"),
    "five rows": (only(5), SAME, "train.csv: 5 rows have a target; add data, there must be 20"),
    "folds for few rows": (only(22), MASS | {"folds: 2": "folds: 20"}, ":9: ... 22 rows, too few ... 17 or less"),
    "classes for few rows": (only(24, species=[*"abcdefgh"] * 3), SAME, "5 rows cannot hold all 8 classes; write"),
}  # fmt: skip


@pytest.mark.parametrize(("spoil", "change", "expected"), TABLES.values(), ids=TABLES)
def test_table(folder: Path, scope_refused: Refused, spoil: Spoil, change: Change, expected: str) -> None:
    spoil(pd.read_csv(folder / "train.csv").assign(day=DAYS)).to_csv(folder / "train.csv", index=False)
    spec = folder / "penguins.yaml"
    text = spec.read_text()
    for before, after in change.items():
        text = text.replace(before, after)
    spec.write_text(text)
    scope_refused(expected)


# case: what follows the rows of the training file, what the line says
ROWS: dict[str, tuple[bytes, str]] = {
    "short": (b"Adelie,Dream\n", "train.csv:242: 2 field(s) where the header has 7; complete the row, or quote"),
    "long": (b"Adelie,Dream,1,2,3,4,MALE,8\n", "train.csv:242: 8 field(s) where the header has 7; complete the row"),
    "open quote": (b'Adelie,"Dream,1,2,3,4,MALE\n', "train.csv:242: a quotation mark is left open in this row; close"),
    "not UTF-8": (b"Adelie,caf\xe9,1,2,3,4,MALE\n", "train.csv:242: byte 11 of the line (0xe9) is not UTF-8; convert"),
    "NUL bytes": (b"\0" * 512, "train.csv:242: 1 field(s) where the header has 7; complete the row"),
}


@pytest.mark.parametrize(("row", "expected"), ROWS.values(), ids=ROWS)
def test_row(folder: Path, scope_refused: Refused, row: bytes, expected: str) -> None:
    with (folder / "train.csv").open("ab") as file:
        file.write(row)
    scope_refused(expected)


def test_gzip_that_is_cut_off(folder: Path, scope_refused: Refused) -> None:
    packed = gzip.compress((folder / "train.csv").read_bytes())
    (folder / "train.csv.gz").write_bytes(packed[: len(packed) // 2])
    spec = folder / "penguins.yaml"
    spec.write_text(spec.read_text().replace("train.csv", "train.csv.gz"))
    scope_refused("train.csv.gz: cannot be read to its end ...; copy or compress it again")


def five_rows(folder: Path) -> None:
    only(5)(pd.read_csv(folder / "train.csv")).to_csv(folder / "train.csv", index=False)


def unknown_key(folder: Path) -> None:
    (folder / "penguins.yaml").write_text("metric: f1\n" + (folder / "penguins.yaml").read_text())


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        pytest.param(unknown_key, "penguins.yaml:1: unknown key 'metric'; did you mean 'task.metric'?", id="at once"),
        pytest.param(five_rows, "train.csv: 5 rows have a target; add data", id="by a stage", marks=pytest.mark.slow),
    ],
)
def test_process(folder: Path, process_refused: Refused, spoil: Callable[[Path], None], expected: str) -> None:
    """What the program says in a process of its own is the same, and it takes back all that it has begun."""
    spoil(folder)
    process_refused(expected)
