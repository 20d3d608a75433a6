"""Bad input that names, headers and files show is refused in one line, before anything is started.

In what a line must contain, ``...`` stands for whatever is between.
"""

from __future__ import annotations

import gzip
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
import pytest

Replacement: TypeAlias = tuple[str, str]
Refused: TypeAlias = Callable[..., None]

BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n"


def task(line: str) -> Replacement:
    """The spec with another line in ``task``, its eighth."""
    return ("species\n", f"species\n  {line}\n")


def section(line: str) -> Replacement:
    """The spec with another section, on its tenth line."""
    return ("budget:", f"{line}\nbudget:")


# case: what is changed in the spec, what the line says
SPECS: dict[str, tuple[Replacement, str]] = {
    "unknown key": (task("metrik: f1"), ":8: unknown key 'metrik' in task; did you mean 'metric'?"),
    "key elsewhere": (section("metric: f1"), ":10: unknown key 'metric'; did you mean 'task.metric'?"),
    "wrong type": (("folds: 2", "folds: five"), ":9: validation.folds: expected a whole number, not 'five'"),
    "yes for a number": (("folds: 2", "folds: true"), ":9: validation.folds: expected a whole number, not true"),
    "value for a section": (("\n  folds: 2", " 2"), ":8: validation: expected a mapping (key: value), not 2"),
    "number for a name": (("target: species", "target: 5"), ":7: task.target: expected text ..., not 5; quote it: '5'"),
    "text for a list": (task("text: island"), ":8: task.text: expected a list, not 'island'; write ['island']"),
    "no YAML": (("target: species", "target: [species"), ":8:...: this is not YAML, ...; check indentation"),
    "colon in a value": (("name: penguins", "name: a: b"), ":3:8: this is not YAML, ...; check indentation"),
    "tab": (("  target:", "\ttarget:"), ":7:1: this is not YAML, ...; indent with spaces"),
    "key twice": (task("target: island"), ":8:3: duplicate key 'target', first on line 7; keep one"),
    "anchor bomb": (section(BOMB), ":11:8: an alias (*name) is not supported; write the value out"),
    "Python tag": (task("id: !!python/name:os.system x"), ":8:7: the tag ... is not supported; write a plain value"),
    "apiVersion": (("mlestar/v1", "mlestar/v9"), ":1: apiVersion: expected 'mlestar/v1', not 'mlestar/v9'"),
    "kind": (("kind: Scope", "kind: Pod"), ":2: kind: expected 'Scope', not 'Pod'"),
    "name that is a path": (("name: penguins", "name: ../pen/guins"), ":3: name: ... not a name ... write 'pen-guins'"),
    "no holdout": (("folds: 2", "holdout: 0"), ":9: validation.holdout: expected at least 0.05, not 0"),
    "only holdout": (("folds: 2", "holdout: 1.5"), ":9: validation.holdout: expected at most 0.5, not 1.5"),
    "one fold": (("folds: 2", "folds: 1"), ":9: validation.folds: expected at least 2, not 1"),
    "500 folds": (("folds: 2", "folds: 500"), ":9: validation.folds: expected at most 20, not 500"),
    "negative gap": (("folds: 2", "gap: -1"), ":9: validation.gap: expected at least 0, not -1"),
    "unknown check": (("folds: 2", "checks: {latncy: off}"), ":9: validation.checks.latncy: ...mean 'latency'?"),
    "severity": (("folds: 2", "checks: {latency: maybe}"), ":9: ...checks.latency: expected 'error', 'warn' or 'off'"),
    "no time": (("evaluations: 6", "wall_clock: 0"), ":11: budget.wall_clock: 0 s is too short ... write 20s or more"),
    "negative time": (("evaluations: 6", "wall_clock: -5"), ":11: budget.wall_clock: -5 s is too short ... write 20s"),
    "no duration": (("evaluations: 6", "wall_clock: soon"), ":11: ...wall_clock: 'soon' is not a duration; write 90s"),
    "absurd time": (("evaluations: 6", "wall_clock: 1e12"), ":11: budget.wall_clock: ... write at most 720h"),
    "infinite time": (("evaluations: 6", "wall_clock: .inf"), ":11: ...: '.inf' is not a duration; write 90s"),
    "no evaluations": (("evaluations: 6", "evaluations: 0"), ":11: budget.evaluations: expected at least 1, not 0"),
    "negative evaluations": (("evaluations: 6", "evaluations: -6"), ":11: budget.evaluations: expected at least 1"),
    "half an evaluation": (("evaluations: 6", "evaluations: 0.5"), ":11: budget.evaluations: expected a whole number"),
    "absurd evaluations": (("evaluations: 6", "evaluations: 9000000000"), ":11: ...: expected at most 1000000"),
    "no branches": (section("pipeline: {branches: 0}"), ":10: pipeline.branches: expected at least 1, not 0"),
    "no size": (section("constraints: {model_mb: .inf}"), ":10: constraints.model_mb: expected a number, not '.inf'"),
    "seed": (section("seed: -1"), ":10: seed: expected at least 0, not -1"),
    "empty task": (("  target: species\n", ""), ":6: task: is missing; add it, such as task: {target: Churn}"),
    "target missing": (("target: species", "metric: f1"), ":6: task.target: is missing; add it, such as target: Churn"),
    "no task": (("task:\n  target: species\n", ""), ":1: task: is missing; add it, such as task: {target: Churn}"),
    "target not in data": (("target: species", "target: specie"), ":7: task.target: ...'specie'; ... mean 'species'?"),
    "empty target": (("target: species", 'target: ""'), ":7: task.target: expected text that is not empty..., not ''"),
    "classes in two targets": (("target: species", "target: [sex, island]\n  type: binary"), ":8: ... name one target"),
    "target is the id": (task("id: species"), ":8: task.id: 'species' is the target; name another column"),
    "target is the group": (task("group: species"), ":8: task.group: 'species' is the target; name another column"),
    "target forbidden": (section("constraints: {forbidden_features: [species]}"), ":10: ... is the target; remove it"),
    "forbidden not there": (section("constraints: {forbidden_features: [wing]}"), ":10: ...'wing'; the columns are"),
    "id not in data": (task("id: number"), ":8: task.id: the data has no column 'number'; the columns are"),
    "text not in data": (task("text: [islan]"), ":8: task.text: ...no column 'islan'; did you mean 'island'?"),
    "time and group": (task("time: island\n  group: sex"), ":9: task.group: ...by time and by group at once; keep"),
    "too long": (section(f"constraints: {{forbidden_features: [{'wing' * 30_000}]}}"), ": comes to 12... take columns"),
    "unknown metric": (task("metric: profit"), ":8: task.metric: there is no metric 'profit'; use roc_auc, log_loss"),
    "misspelt metric": (task("metric: auc"), ":8: task.metric: there is no metric 'auc'; did you mean 'roc_auc'?"),
    "metric of another task": (task("type: binary\n  metric: rmse"), ":9: ...: rmse does not fit a binary task; use"),
    "positive number": (task("type: regression\n  positive: 3"), ":9: ... has no positive class; remove it"),
    "data set": (("train.csv", "sklearn:irises"), ":5: data.train: ...irises: no such data set; did you mean 'iris'?"),
    "file not there": (("train.csv", "trian.csv"), ":5: ...trian.csv: no such file; did you mean 'train.csv'?"),
    "folder": (("train.csv", "."), ":5: data.train: ...: is a folder; name a file in it"),
    "device": (("train.csv", "/dev/zero"), ":5: data.train: /dev/zero: is not a regular file; save the data in one"),
    "kind of file": (("train.csv", "penguins.yaml"), "penguins.yaml: not a known kind of file; use .csv"),
    "line break in a path": (("train.csv", r'"train\n.csv"'), ":5: data.train: 'train\\n.csv' holds a line break"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "expected"), SPECS.values(), ids=SPECS)
def test_spec(folder: Path, run_refused: Refused, change: Replacement, expected: str) -> None:
    spec = (folder / "penguins.yaml").read_text()
    assert change[0] in spec
    (folder / "penguins.yaml").write_text(spec.replace(*change))
    run_refused(expected)


# case: what the file of the spec holds, what the line says
NO_SPECS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "penguins.yaml: is empty; begin with 'apiVersion: mlestar/v1'"),
    "comments only": (b"# to do\n", "penguins.yaml: is empty; begin with 'apiVersion: mlestar/v1'"),
    "list": (b"- a\n- b\n", "penguins.yaml: a list is at the top level; write keys and values"),
    "single value": (b"42", "penguins.yaml: a single value is at the top level; write keys and values"),
    "not UTF-8": (b"name: caf\xe9\n", ":1: the byte 0xe9 is not UTF-8; save the file as UTF-8"),
    "UTF-16": ("name: a\n".encode("utf-16"), ":1: the byte 0xff is not UTF-8; save the file as UTF-8"),
    "NUL byte": (b"name: a\x00b\n", ":1:8: the character U+0000 is not allowed; remove it"),
    "nested without end": (b"[" * 100_000, "penguins.yaml: is nested too deeply; write it flat"),
    "table": (b"species,island\nAdelie,Dream\n", "penguins.yaml: a single value is at the top level; write keys"),
}  # fmt: skip


@pytest.mark.parametrize(("content", "expected"), NO_SPECS.values(), ids=NO_SPECS)
def test_file_that_is_no_spec(folder: Path, run_refused: Refused, content: bytes, expected: str) -> None:
    (folder / "penguins.yaml").write_bytes(content)
    run_refused(expected)


def test_spec_that_is_not_there(folder: Path, run_refused: Refused) -> None:
    (folder / "penguins.yaml").rename(folder / "penguin.yaml")
    run_refused("penguins.yaml: no such file; did you mean 'penguin.yaml'?")


def test_spec_that_is_a_folder(folder: Path, run_refused: Refused) -> None:
    (folder / "penguins.yaml").unlink()
    (folder / "penguins.yaml").mkdir()
    run_refused("penguins.yaml: cannot be read (Is a directory); give the path of a readable YAML file")


TABLE = b"species,sex\nA,B\n"

# case: name of the training file, what it holds, what the line says
FILES: dict[str, tuple[str, bytes, str]] = {
    "empty": ("train.csv", b"", "train.csv: the file is empty; its first line must hold the column names"),
    "blank lines": ("train.csv", b"\n  \n\n", "train.csv: the file is empty; its first line must hold"),
    "header only": ("train.csv", b"species,sex\n", "train.csv: has a header but no rows; is this the right file?"),
    "semicolons": ("train.csv", b"species;sex\nA;B\n", "train.csv:1: one column, ... semicolons? convert it, in"),
    "tabs": ("train.csv", b"species\tsex\nA\tB\n", "train.csv:1: one column, ... tabs? name the file .tsv"),
    "bars": ("train.csv", b"species|sex\nA|B\n", "train.csv:1: one column, ... bars? convert it"),
    "name twice": ("train.csv", b"species,sex,sex\nA,B,C\n", "train.csv:1: column 'sex' occurs twice; rename or"),
    "two empty names": ("train.csv", b"species,,\nA,B,C\n", "train.csv:1: column '' occurs twice; rename or remove"),
    "UTF-16": ("train.csv", TABLE.decode().encode("utf-16"), "train.csv:1: ...iconv -f utf-16 -t utf-8"),
    "UTF-16 unmarked": ("train.csv", TABLE.decode().encode("utf-16-le"), "train.csv:1: holds NUL bytes; ... -f utf-16"),
    "latin1": ("train.csv", b"species,se\xe9\nA,B\n", "train.csv:1: byte 11 of the line (0xe9) ...iconv -f latin1"),
    "open quote": ("train.csv", b'species,"sex\nA,B\n', "train.csv:1: a quotation mark is left open ...; close it"),
    "compressed": ("train.csv", gzip.compress(TABLE), "train.csv: is compressed with gzip; name it .csv.gz"),
    "spreadsheet": ("train.csv", b"PK\x03\x04\xff\xff", "train.csv: is a zip archive, ... Excel file; export it"),
    "Parquet as CSV": ("train.csv", b"PAR1\xff\xff", "train.csv: is a Parquet file; name it .parquet"),
    "no gzip": ("train.csv.gz", TABLE, "train.csv.gz: cannot be read to its end ...; copy or compress it again"),
    "no zip": ("train.csv.zip", TABLE, "train.csv.zip: cannot be read (File is not a zip file); name a file that can"),
    "no Parquet": ("train.parquet", b"PAR1....", "train.parquet: cannot be read as Parquet (...); write it again"),
    "empty Parquet": ("train.parquet", b"", "train.parquet: cannot be read as Parquet (...); write it again"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "content", "expected"), FILES.values(), ids=FILES)
def test_training_file(folder: Path, run_refused: Refused, name: str, content: bytes, expected: str) -> None:
    spec = (folder / "penguins.yaml").read_text()
    (folder / "penguins.yaml").write_text(spec.replace("train.csv", name))
    (folder / name).write_bytes(content)
    run_refused(expected)


@pytest.mark.parametrize("part", [0.1, 0.5, 0.9, 0.99])
def test_parquet_file_that_is_cut_off(folder: Path, run_refused: Refused, part: float) -> None:
    pd.read_csv(folder / "train.csv").to_parquet(folder / "train.parquet")
    content = (folder / "train.parquet").read_bytes()
    (folder / "train.parquet").write_bytes(content[: int(len(content) * part)])
    spec = (folder / "penguins.yaml").read_text()
    (folder / "penguins.yaml").write_text(spec.replace("train.csv", "train.parquet"))
    run_refused("train.parquet: cannot be read as Parquet")


def test_file_that_may_not_be_read(folder: Path, run_refused: Refused) -> None:
    (folder / "test.csv").write_bytes(TABLE)
    (folder / "test.csv").chmod(0)
    if os.access(folder / "test.csv", os.R_OK):
        pytest.skip("this user may read everything")
    spec = folder / "penguins.yaml"
    spec.write_text(spec.read_text().replace("train.csv", "test.csv"))
    run_refused("test.csv: cannot be read (Permission denied); name a file that can be read")


def test_pipe_keeps_nobody_waiting(folder: Path, run_refused: Refused) -> None:
    (folder / "train.csv").unlink()
    os.mkfifo(folder / "train.csv")
    run_refused(":5: data.train: ...train.csv: is not a regular file; save the data in one")


Spoilt: TypeAlias = Callable[[bytes, bytes], bytes]

# case: what the table to predict holds, made of header and rows of the training file; what the line says
TESTS: dict[str, tuple[Spoilt | None, str]] = {
    "not there": (None, ":6: data.test: ...test.csv: no such file"),
    "empty": (lambda header, rows: b"", "test.csv: the file is empty"),
    "header only": (lambda header, rows: header, "test.csv: has a header but no rows"),
    "ragged": (lambda header, rows: header + rows + b"A,B\n", "test.csv:242: 2 field(s) ...; complete the row"),
    "open quote": (lambda header, rows: header + rows + b'"A' + rows, "test.csv:242: a quotation mark is left open"),
    "not UTF-8": (lambda header, rows: header + rows + b"\xff", "test.csv:242: byte 1 of the line (0xff) is not UTF-8"),
    "semicolons": (lambda header, rows: header.replace(b",", b";") + b"1;2\n", "test.csv:1: ... semicolons?"),
    "other name": (lambda header, rows: header.replace(b"sex", b"gender") + rows, ":6: ... column 'sex', ... add it"),
    "like another": (lambda header, rows: header.replace(b"bill_depth_mm", b"x") + rows, "'bill_depth_mm', ...; add"),
    "misspelt name": (lambda header, rows: header.replace(b"sex", b"Sex_") + rows, ":6: ...'sex', ...mean 'Sex_'?"),
}  # fmt: skip


@pytest.mark.parametrize(("spoilt", "expected"), TESTS.values(), ids=TESTS)
def test_table_to_predict(folder: Path, run_refused: Refused, spoilt: Spoilt | None, expected: str) -> None:
    """What would fail after the whole run is refused before it."""
    header, _, rows = (folder / "train.csv").read_bytes().partition(b"\n")
    if spoilt:
        (folder / "test.csv").write_bytes(spoilt(header + b"\n", rows))
    spec = (folder / "penguins.yaml").read_text()
    (folder / "penguins.yaml").write_text(spec.replace("train.csv", "train.csv\n  test: test.csv"))
    run_refused(expected)


OTHER = '{"schema_version": 1, "scope": {"name": "prices"}}'

# case: arguments of the command, files that are there already, what the line says
OUTPUTS: dict[str, tuple[str, dict[str, str], str]] = {
    "of another spec": ("out", {"out/run.json": OTHER}, "out: holds a run of 'prices', not of 'penguins'; ... --out"),
    "of something else": ("out", {"out/thesis.tex": ""}, "out: is not empty and holds no run; ... --out"),
    "file": ("out", {"out": ""}, "out: is a file; name a folder with --out"),
}  # fmt: skip


@pytest.mark.parametrize(("out", "files", "expected"), OUTPUTS.values(), ids=OUTPUTS)
def test_output_folder(folder: Path, run_refused: Refused, out: str, files: dict[str, str], expected: str) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(content)
    run_refused(expected, "--out", out)


# case: value of --set, what the line says
SETTINGS: dict[str, tuple[str, str]] = {
    "no value": ("seed", "--set 'seed': is not of the form field=value; write e.g. budget.wall_clock=60s"),
    "unknown key": ("budget.wallclock=60s", "--set budget.wallclock: unknown key ... 'wall_clock'?"),
    "no duration": ("budget.wall_clock=1:30", "--set budget.wall_clock: '1:30' is not a duration; write 90s"),
    "column": ("task.group=islnd", "--set task.group: the data has no column 'islnd'; did you mean 'island'?"),
    "metric": ("task.metric=auc", "--set task.metric: there is no metric 'auc'; did you mean 'roc_auc'?"),
    "file": ("data.train=trian.csv", "--set data.train: ...trian.csv: no such file; did you mean 'train.csv'?"),
}  # fmt: skip


@pytest.mark.parametrize(("setting", "expected"), SETTINGS.values(), ids=SETTINGS)
def test_setting(folder: Path, run_refused: Refused, setting: str, expected: str) -> None:
    run_refused(expected, "--set", setting)


class OfflineError(Exception):
    """What a package for remote files raises: an exception of its own, over several lines."""


def offline(*arguments: Any, **options: Any) -> None:
    raise OfflineError("no credentials\nfor this bucket")


# case: where the training data is said to be, what the line says
PLACES: dict[str, tuple[str, str]] = {
    "package missing": ("gs://a/t.csv", "gs://a/t.csv: needs a package ...; install it by pip install 'mlestar[gcs]'"),
    "unknown protocol": ("carrierpigeon://a/t.csv", "carrierpigeon://a/t.csv: Protocol not known: ...; use a local"),
    "nobody answers": ("ftp://127.0.0.1:1/t.csv", "ftp://127.0.0.1:1/t.csv: cannot be read (...refused); name a file"),
    "no access": ("memory://t.csv", "memory://t.csv: cannot be read (no credentials for this bucket); check"),
}  # fmt: skip


@pytest.mark.parametrize(("uri", "expected"), PLACES.values(), ids=PLACES)
def test_place_that_cannot_be_reached(
    folder: Path, scope_refused: Refused, monkeypatch: pytest.MonkeyPatch, uri: str, expected: str
) -> None:
    monkeypatch.setitem(sys.modules, "gcsfs", None)  # not installed
    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem._open", offline)
    spec = folder / "penguins.yaml"
    spec.write_text(spec.read_text().replace("train.csv", uri))
    scope_refused(expected)
