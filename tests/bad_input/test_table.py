"""Bad input: one line with the place and the remedy, exit status 2, and nothing left behind."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pandas as pd
import pytest

Replacement: TypeAlias = tuple[str, str]
Refused: TypeAlias = Callable[[str], None]

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


def task(line: str) -> Replacement:
    """The spec with another line in ``task``."""
    return ("species\n", f"species\n  {line}\n")


def section(line: str) -> Replacement:
    """The spec with another section."""
    return ("budget:", f"{line}\nbudget:")


@pytest.mark.parametrize(
    ("change", "pattern"),
    [
        (task("metrik: f1"), r"penguins\.yaml:8: unknown key 'metrik' in task; did you mean 'metric'\?"),
        (("folds: 2", "folds: five"), r"penguins\.yaml:9: validation\.folds: expected a whole number, not 'five'"),
        (("target: species", "target: [species"), r"penguins\.yaml:8:\d+: this is not YAML, .*; check indentation"),
        (("  target:", "\ttarget:"), r"penguins\.yaml:7:1: this is not YAML, .*; indent with spaces"),
        (task("target: island"), r"penguins\.yaml:8:3: duplicate key 'target', first on line 7; keep one"),
        (section(BOMB), r"penguins\.yaml:11:8: an alias \(\*name\) is not supported; write the value out"),
        (("mlestar/v1", "mlestar/v9"), r"penguins\.yaml:1: apiVersion: expected 'mlestar/v1', not 'mlestar/v9'"),
        (("kind: Scope", "kind: Pod"), r"penguins\.yaml:2: kind: expected 'Scope', not 'Pod'"),
        (("name: penguins", "name: ../pen/guins"), r"penguins\.yaml:3: name: .* is not a name .*; write 'pen-guins'"),
        (("folds: 2", "holdout: 0"), r"penguins\.yaml:9: validation\.holdout: expected at least 0\.05, not 0"),
        (("folds: 2", "holdout: 1.5"), r"penguins\.yaml:9: validation\.holdout: expected at most 0\.5, not 1\.5"),
        (("folds: 2", "folds: 1"), r"penguins\.yaml:9: validation\.folds: expected at least 2, not 1"),
        (("folds: 2", "folds: 500"), r"penguins\.yaml:9: validation\.folds: expected at most 20, not 500"),
        (("folds: 2", "gap: -1"), r"penguins\.yaml:9: validation\.gap: expected at least 0, not -1"),
        (("folds: 2", "checks: {latncy: off}"), r":9: validation\.checks\.latncy: .* did you mean 'latency'\?"),
        (("folds: 2", "checks: {latency: maybe}"), r":9: validation\.checks\.latency: expected 'error', 'warn' or 'off'"),
        (("evaluations: 6", "wall_clock: 0"), r"penguins\.yaml:11: budget\.wall_clock: 0 s is too short .* write 20s"),
        (("evaluations: 6", "wall_clock: -5"), r"penguins\.yaml:11: budget\.wall_clock: -5 s is too short .* write 20s"),
        (("evaluations: 6", "wall_clock: soon"), r":11: budget\.wall_clock: 'soon' is not a duration; write 90s, 10m"),
        (("evaluations: 6", "wall_clock: 1e12"), r":11: budget\.wall_clock: 1e\+12 s is more than 30 days; write at most"),
        (("evaluations: 6", "evaluations: 0"), r":11: budget\.evaluations: expected at least 1, not 0"),
        (("evaluations: 6", "evaluations: 1e12"), r":11: budget\.evaluations: expected a whole number, not 1"),
        (("evaluations: 6", "evaluations: 9000000000"), r":11: budget\.evaluations: expected at most 1000000"),
        (section("pipeline: {branches: 0}"), r"penguins\.yaml:10: pipeline\.branches: expected at least 1, not 0"),
        (section("constraints: {forbidden_features: [species]}"), r":10: .*'species' is the target; remove it here"),
        (section("constraints: {forbidden_features: [wings]}"), r":10: .*no column 'wings'; the columns are 'species'"),
        (section("constraints: {model_mb: .inf}"), r":10: constraints\.model_mb: expected a number, not '\.inf'"),
        (section("seed: -1"), r"penguins\.yaml:10: seed: expected at least 0, not -1"),
        (("  target: species\n", ""), r"penguins\.yaml:6: task\.target: is missing; add it, such as target: Churn"),
        (("target: species", "target: specie"), r"penguins\.yaml:7: task\.target: .*'specie'; did you mean 'species'\?"),
        (("target: species", "target: [sex, island]\n  type: binary"), r":8: task\.type: .* name one target"),
        (task("id: species"), r"penguins\.yaml:8: task\.id: 'species' is the target; name another column"),
        (task("id: number"), r"penguins\.yaml:8: task\.id: the data has no column 'number'; the columns are"),
        (task("metric: auc"), r"penguins\.yaml:8: task\.metric: there is no metric 'auc'"),
        (task("type: binary\n  metric: rmse"), r":9: task\.metric: rmse does not fit a binary task; use roc_auc"),
        (task("type: regression\n  positive: Adelie"), r":9: task\.positive: a regression task has no positive class"),
        (task("time: island\n  group: sex"), r":9: task\.group: .*by time and by group at once; keep"),
        (("train.csv", "sklearn:irises"), r":5: data\.train: sklearn:irises: no such data set; did you mean 'iris'\?"),
        (("train.csv", "trian.csv"), r":5: data\.train: .*trian\.csv: no such file; did you mean 'train\.csv'\?"),
        (("train.csv", "."), r"penguins\.yaml:5: data\.train: .*: is a folder; name a file in it"),
        (("train.csv", "penguins.yaml"), r"penguins\.yaml: not a known kind of file; use \.csv"),
        (("train.csv", r'"train\n.csv"'), r"penguins\.yaml:5: data\.train: 'train\\n\.csv' holds a line break"),
        (("train.csv", "x" * 5000 + ".csv"), r"penguins\.yaml:5: data\.train: .*no such file; check the path"),
    ],
)  # fmt: skip
def test_spec(folder: Path, run_refused: Refused, change: Replacement, pattern: str) -> None:
    spec = (folder / "penguins.yaml").read_text()
    assert change[0] in spec
    (folder / "penguins.yaml").write_text(spec.replace(*change))
    run_refused(pattern)


@pytest.mark.parametrize(
    ("content", "pattern"),
    [
        (b"", r"penguins\.yaml: is empty; begin with 'apiVersion: mlestar/v1'"),
        (b"- a\n- b\n", r"penguins\.yaml: a list is at the top level; write keys and values"),
        (b"42", r"penguins\.yaml: a single value is at the top level; write keys and values"),
        (b"name: caf\xe9\n", r"penguins\.yaml:1: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
        (b"name: a\x00b\n", r"penguins\.yaml:1:8: the character U\+0000 is not allowed; remove it"),
        (b"[" * 100_000, r"penguins\.yaml: is nested too deeply; write it flat"),
    ],
)
def test_file_that_is_no_spec(folder: Path, run_refused: Refused, content: bytes, pattern: str) -> None:
    (folder / "penguins.yaml").write_bytes(content)
    run_refused(pattern)


@pytest.mark.parametrize(
    ("name", "content", "pattern"),
    [
        ("train.csv", b"", r"train\.csv: the file is empty; its first line must hold the column names"),
        ("train.csv", b"species,island\n", r"train\.csv: has a header but no rows; is this the right file\?"),
        ("train.csv", b"species;island\nA;B\n", r"train\.csv:1: one column, .* semicolons\? convert it, in pandas:"),
        ("train.csv", b"species\tisland\nA\tB\n", r"train\.csv:1: one column, .* tabs\? name the file \.tsv"),
        ("train.csv", b"species|island\nA|B\n", r"train\.csv:1: one column, .* bars\? convert it"),
        ("train.csv", b"species,sex,sex\nA,B,C\n", r"train\.csv:1: column 'sex' occurs twice; rename or remove one"),
        ("train.csv", "species,sex\nA,B\n".encode("utf-16"), r"train\.csv:1: .*iconv -f utf-16 -t utf-8"),
        ("train.csv", "species,sex\nA,B\n".encode("utf-16-le"), r"train\.csv:1: holds NUL bytes; .*iconv -f utf-16"),
        ("train.csv", b"species,se\xe9\nA,B\n", r"train\.csv:1: byte 11 of the line \(0xe9\) .*iconv -f latin1"),
        ("train.csv", b'species,"sex\nA,B\n', r"train\.csv:1: a quotation mark is left open in this row; close it"),
        ("train.csv.gz", b"species,sex\nA,B\n", r"train\.csv\.gz: cannot be read to its end .*; copy or compress it again"),
        ("train.csv.gz", gzip.compress(b"species,sex\n" * 99)[:40], r"train\.csv\.gz: cannot be read to its end"),
        ("train.parquet", b"PAR1....", r"train\.parquet: not a Parquet file \(.*\); write it again or use CSV"),
    ],
)  # fmt: skip
def test_training_file(folder: Path, run_refused: Refused, name: str, content: bytes, pattern: str) -> None:
    spec = (folder / "penguins.yaml").read_text()
    (folder / "penguins.yaml").write_text(spec.replace("train.csv", name))
    (folder / name).write_bytes(content)
    run_refused(pattern)


def test_parquet_file_that_is_cut_off(folder: Path, run_refused: Refused) -> None:
    pd.read_csv(folder / "train.csv").to_parquet(folder / "whole.parquet")
    (folder / "train.parquet").write_bytes((folder / "whole.parquet").read_bytes()[:3000])
    spec = (folder / "penguins.yaml").read_text()
    (folder / "penguins.yaml").write_text(spec.replace("train.csv", "train.parquet"))
    run_refused(r"train\.parquet: not a Parquet file")


@pytest.mark.parametrize(
    ("spoil", "pattern"),
    [
        (None, r"penguins\.yaml:6: data\.test: .*test\.csv: no such file"),
        (lambda header, rows: b"", r"test\.csv: the file is empty"),
        (lambda header, rows: header, r"test\.csv: has a header but no rows"),
        (lambda header, rows: header + rows + b"A,B\n", r"test\.csv:242: 2 field\(s\) where the header has 7; complete"),
        (lambda header, rows: header + rows + b'"A' + rows, r"test\.csv:242: a quotation mark is left open"),
        (lambda header, rows: header + rows + b"\xff", r"test\.csv:242: byte 1 of the line \(0xff\) is not UTF-8"),
        (lambda header, rows: header.replace(b"sex", b"gender") + rows, r":6: data\.test: .*no column 'sex', which"),
    ],
)  # fmt: skip
def test_table_to_predict(
    folder: Path, run_refused: Refused, spoil: Callable[[bytes, bytes], bytes] | None, pattern: str
) -> None:
    """What would fail after the whole run is refused before it."""
    header, _, rows = (folder / "train.csv").read_bytes().partition(b"\n")
    if spoil:
        (folder / "test.csv").write_bytes(spoil(header + b"\n", rows))
    spec = (folder / "penguins.yaml").read_text()
    (folder / "penguins.yaml").write_text(spec.replace("train.csv", "train.csv\n  test: test.csv"))
    run_refused(pattern)
