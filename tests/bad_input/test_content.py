"""Data from which nothing can be learnt: the first stage says so in one line with the place and the remedy."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pytest

Replacement: TypeAlias = tuple[str, str]
Spoil: TypeAlias = Callable[[pd.DataFrame], pd.DataFrame]
Refused: TypeAlias = Callable[[str], None]

SAME: Replacement = ("", "")
MASS: Replacement = ("target: species", "target: body_mass_g")
DAYS = pd.date_range("2020-01-01", periods=240).astype(str)


def task(line: str, target: str = "species") -> Replacement:
    """The spec with another target and another line in ``task``."""
    return ("target: species", f"target: {target}\n  {line}")


def put(column: str, value: Any, *rows: int) -> Spoil:
    """The table with a value in some rows, or with values in all."""

    def spoil(table: pd.DataFrame) -> pd.DataFrame:
        if not rows:
            return table.assign(**{column: value})
        table[column] = table[column].astype(object)
        table.loc[list(rows), column] = value
        return table

    return spoil


def in_order(table: pd.DataFrame) -> pd.DataFrame:
    return table.sort_values("species").assign(day=DAYS)


def adelie_first(table: pd.DataFrame) -> pd.DataFrame:
    is_adelie = table["species"] == "Adelie"
    others = table[~is_adelie].sample(frac=1, random_state=0)
    return pd.concat([table[is_adelie], others]).assign(day=DAYS)


@pytest.mark.parametrize(
    ("spoil", "change", "pattern"),
    [
        (put("species", None), SAME, "target 'species' has no value in any row; is it the right column"),
        (put("species", "Gentoo"), SAME, "target 'species' has the same value in every row; name a column that differs"),
        (put("species", "Emperor", 7), SAME, "class 'Emperor' of 'species' has 1 rows, too few for 2 folds .*; merge it"),
        (put("body_mass_g", float("inf"), 7), MASS, "target 'body_mass_g' holds infinite values; correct or remove"),
        (put("body_mass_g", 1e200, 7), MASS, r"target 'body_mass_g' holds values beyond 1e\+100; rescale it"),
        (put("body_mass_g", "heavy", 7), MASS, "target 'body_mass_g' reads as numbers but for .* 'heavy'; correct these"),
        (put("body_mass_g", "3,5", 7), MASS, "target 'body_mass_g' reads as numbers but for .* '3,5'; correct these"),
        (put("body_mass_g", "?", 7), task("type: regression", "body_mass_g"), r"is not numeric, it holds '\?'; correct it"),
        (put("sex", "x"), task("type: regression"), "target 'species' is not numeric, it holds 'Adelie'"),
        (put("sex", "x"), task("type: binary"), "target 'species' has 3 values, a binary task has 2; set task.type"),
        (put("sex", "x"), task("metric: f1"), "8: task.metric: f1 does not fit a multiclass task; use log_loss"),
        (put("sex", "x"), task("text: [body_mass_g]"), "8: task.text: 'body_mass_g' holds no text but a number; remove"),
        (put("sex", ["yes", "no"] * 120), task("positive: ja", "sex"), "8: task.positive: 'ja' is not in .* use 'no' or"),
        (put("island", "Dream"), task("group: island"), "'island' has 1 groups, too few .*; name another column"),
        (put("island", None, 7), task("group: island"), "group column 'island': 1 rows have no group; complete or remove"),
        (put("island", "soon"), task("time: island"), "time column 'island': 240 rows .* such as 'soon'; complete"),
        (put("island", "2020-01-01"), task("time: island"), "all rows have the same time; name a time column"),
        (in_order, task("time: day"), "'species': the holdout has rows of class 'Gentoo' only; write fewer"),
        (adelie_first, task("time: day"), "'species': fold 1 trains on rows of class 'Adelie' only; write fewer"),
        (put("day", DAYS), ("species\nvalidation:", "species\n  time: day\nvalidation:\n  gap: 500"), "a smaller gap"),
        (lambda table: table[["species"]], SAME, "no column is left to predict from; add columns"),
        (lambda table: table[["species"]].assign(a=1, b="x", c=None), SAME, "every feature has the same value in all"),
        (lambda table: table.head(5), SAME, r"train\.csv: 5 rows have a target; add data, there must be 20"),
        (lambda table: table.head(22), ("2", "20"), "validation.folds: the data has 22 rows, too few .* write 17 or less"),
        (lambda table: table.head(24).assign(species=[*"abcdefgh"] * 3), SAME, "of 5 rows cannot hold all 8 classes"),
    ],
)  # fmt: skip
def test_table(folder: Path, scope_refused: Refused, spoil: Spoil, change: Replacement, pattern: str) -> None:
    table = spoil(pd.read_csv(folder / "train.csv"))
    table.to_csv(folder / "train.csv", index=False)
    spec = folder / "penguins.yaml"
    spec.write_text(spec.read_text().replace(*change) if change != ("2", "20") else _with_folds(spec, 20))
    scope_refused(pattern)


def _with_folds(spec: Path, folds: int) -> str:
    return spec.read_text().replace("target: species", "target: body_mass_g").replace("folds: 2", f"folds: {folds}")


@pytest.mark.parametrize(
    ("row", "pattern"),
    [
        (b"Adelie,Dream\n", r"train\.csv:242: 2 field\(s\) where the header has 7; complete the row, or quote"),
        (b"Adelie,Dream,1,2,3,4,MALE,8\n", r"train\.csv:242: 8 field\(s\) where the header has 7; complete the row"),
        (b'Adelie,"Dream,1,2,3,4,MALE\n', r"train\.csv:242: a quotation mark is left open in this row; close it"),
        (b"Adelie,caf\xe9,1,2,3,4,MALE\n", r"train\.csv:242: byte 11 of the line \(0xe9\) is not UTF-8; convert"),
    ],
)
def test_row(folder: Path, scope_refused: Refused, row: bytes, pattern: str) -> None:
    with (folder / "train.csv").open("ab") as file:
        file.write(row)
    scope_refused(pattern)


@pytest.mark.parametrize(
    ("uri", "pattern"),
    [
        ("gs://bucket/train.csv", r"gs://bucket/train\.csv: needs a package .*; install it by pip install 'mlestar\[gcs\]'"),
        ("carrierpigeon://loft/train.csv", r"carrierpigeon://loft/train\.csv: Protocol not known: .*; use a local file"),
    ],
)  # fmt: skip
def test_place_that_cannot_be_reached(
    folder: Path, scope_refused: Refused, monkeypatch: pytest.MonkeyPatch, uri: str, pattern: str
) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)  # not installed
    spec = folder / "penguins.yaml"
    spec.write_text(spec.read_text().replace("train.csv", uri))
    scope_refused(pattern)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("spoil", "pattern"),
    [
        (lambda table: table.head(5), r"^mlestar: .*train\.csv: 5 rows have a target; add data"),
        (put("species", "Emperor", 7), r"^mlestar: .*train\.csv: class 'Emperor' of 'species' has 1 rows"),
    ],
)
def test_whole_run(folder: Path, spoil: Spoil, pattern: str) -> None:
    """What the first stage finds, a run says in the same way, and takes back all that it has begun."""
    spoil(pd.read_csv(folder / "train.csv")).to_csv(folder / "train.csv", index=False)
    command = [sys.executable, "-m", "mlestar.cli", "run", "penguins.yaml"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert pytest.approx is not None and __import__("re").search(pattern, line), line
    assert sorted(path.name for path in folder.iterdir()) == ["penguins.yaml", "train.csv"]
