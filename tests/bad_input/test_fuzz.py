"""Whatever spec and file hold, the first stage ends in a scope or in one clear line."""

from __future__ import annotations

import csv
import io
import itertools
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlestar.data.metric_names import METRICS
from mlestar.data.preflight import check_test, check_train
from mlestar.errors import MlestarError
from mlestar.files import read_json
from mlestar.spec import load_scope

ScopeStage = Callable[[Path, Mapping[str, Any]], None]

NUMBERS = ["0", "1", "-1", "1.5", "007", "1e9", "1e308", "inf", "-inf", "3,5", "9" * 40]
WORDS = [
    "",
    " ",
    "NA",
    "yes",
    "no",
    "True",
    "a",
    "b",
    "\u00e9",
    "a\nb",
    'say "hi"',
    "a few words, with a comma",
    "x" * 300,
]
DATES = ["2020-01-01", "2020-02-30", "1/2/03", "2021-05-05T10:00:00+02:00", "9999-12-31", "10:30"]
NAMES = ["y", "a", "b", "", "id", "time", "group", "target", "prediction", "Unnamed: 0", "a\nb", "x" * 1000]

metrics = st.sampled_from(sorted(set(itertools.chain(*METRICS.values())))) | st.text(max_size=5)
cells = st.sampled_from(NUMBERS + WORDS + DATES) | st.text(st.characters(codec="utf-8"), max_size=4)


@st.composite
def columns(draw: st.DrawFn, rows: int, kinds: list[str]) -> list[str]:
    """The values of a column: of one kind, or of any."""
    kind = draw(st.sampled_from(kinds))
    random = np.random.default_rng(draw(st.integers(0, 100)))
    if kind == "number":
        return [f"{value:.3f}" for value in random.normal(size=rows)]
    if kind == "class":
        return list(random.choice(draw(st.sampled_from([["yes", "no"], ["0", "1"], ["a", "b", "c"]])), rows))
    if kind == "count":
        return [str(row) for row in range(rows)]
    if kind == "day":
        return [str(day) for day in np.datetime64("2020-01-01") + np.arange(rows)]
    return list(random.choice(draw(st.lists(cells, min_size=1, max_size=1 if kind == "same" else 6)), rows))


@st.composite
def tables(draw: st.DrawFn, row_numbers: list[int]) -> tuple[list[str], list[list[str]]]:
    """Column names, the first of which is mostly the target, and rows."""
    rows = draw(st.sampled_from(row_numbers))
    others = st.sampled_from(NAMES[1:]) | st.text(st.characters(codec="utf-8"), max_size=3)
    names = ["y", *draw(st.lists(others, min_size=1, max_size=4, unique=draw(st.integers(0, 9)) > 0))]
    target = draw(columns(rows, ["number", "class", "class", "count", "any"]))
    features = [draw(columns(rows, ["number", "class", "count", "day", "any", "any", "same"])) for _ in names[1:]]
    return names, [list(row) for row in zip(target, *features, strict=True)]


def written(names: list[str], rows: list[list[str]], delimiter: str = ",") -> str:
    """A table as the text of a CSV file."""
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows([names, *rows])
    return text.getvalue()


@st.composite
def files(draw: st.DrawFn, names: list[str], rows: list[list[str]]) -> bytes:
    """A CSV file of the table, sometimes with another delimiter or encoding, or damaged."""
    content = written(names, rows, draw(st.sampled_from(",,,,,,,,;\t"))).encode(
        draw(st.sampled_from(["utf-8"] * 8 + ["utf-8-sig", "utf-16"]))
    )
    if draw(st.integers(0, 4)):
        return content
    position = draw(st.integers(0, len(content)))
    inserted = draw(st.sampled_from([b"", b'"', b",", b"\n", b"\r", b"\x00", b"\xff", b"\xef\xbb\xbf"]))
    return content[:position] + inserted + content[position + draw(st.sampled_from([0, 1, len(content)])) :]


@st.composite
def specs(draw: st.DrawFn, names: list[str]) -> dict[str, Any]:
    """The sections of a spec, whose values are of the right type and mostly fit the table."""
    known = [name or f"Unnamed: {position}" for position, name in enumerate(names)]
    name = st.sampled_from(known[1:]) if draw(st.integers(0, 4)) else st.sampled_from(known + NAMES)
    fields = {
        "type": st.sampled_from(["binary", "multiclass", "regression"]),
        "metric": metrics,
        "positive": st.sampled_from(["yes", 1, True, "a", 2.5]),
        "id": name,
        "time": name,
        "group": name,
        "text": st.lists(name, max_size=2, unique=True),
    }
    task = {field: draw(fields[field]) for field in draw(st.sets(st.sampled_from(sorted(fields)), max_size=2))}
    validation: dict[str, Any] = {"folds": draw(st.sampled_from([2, 2, 2, 3, 20]))}
    if draw(st.booleans()):
        validation |= {"holdout": draw(st.floats(0.05, 0.5)), "gap": draw(st.integers(0, 20))}
    return {
        "task": {"target": "y" if draw(st.integers(0, 4)) else draw(name), **task},
        "budget": {"evaluations": 6},
        "validation": validation,
        "constraints": {"forbidden_features": draw(st.lists(name, max_size=1))},
    }


@st.composite
def folders(draw: st.DrawFn, *, may_be_damaged: bool = True) -> dict[str, bytes]:
    """The files of a folder that a run may be started in."""
    names, rows = draw(tables([30, 40, 60, 60, 60, 0, 1, 5, 21] if may_be_damaged else [60]))
    spec = {"apiVersion": "mlestar/v1", "kind": "Scope", "name": "fuzz", "data": {"train": "train.csv"}}
    found = {"train.csv": draw(files(names, rows)) if may_be_damaged else written(names, rows).encode()}
    if may_be_damaged and draw(st.integers(0, 4)) == 0:
        spec["data"] = {"train": "train.csv", "test": "test.csv"}
        found["test.csv"] = draw(files(names[1:], [row[1:] for row in rows]))
    return found | {"spec.yaml": yaml.safe_dump({**spec, **draw(specs(names))}, allow_unicode=True).encode()}


def run(root: Path, folder: Mapping[str, bytes], stages: ScopeStage) -> bool:
    """Run the checks that come before everything else, and then the stages; False when that ended in a clear line."""
    shutil.rmtree(root)
    root.mkdir()
    for name, content in folder.items():
        (root / name).write_bytes(content)
    try:
        loaded = load_scope(root / "spec.yaml")
        check_train(loaded.scope, loaded.source)
        check_test(loaded.scope, loaded.source)
        stages(root, loaded.scope.model_dump(mode="json", by_alias=True, exclude_none=True))
    except MlestarError as error:
        for line in str(error).splitlines():
            assert line.isprintable()
            assert len(line.replace(str(root), "")) < 600
            assert ";" in line or line.endswith("?") or ": expected " in line  # the remedy
        return False
    return True


@settings(max_examples=25, derandomize=True, suppress_health_check=list(HealthCheck))
@given(folder=folders())
def test_scope_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, scope_stage: ScopeStage, folder: dict[str, bytes]
) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    if run(root, folder, scope_stage):
        scope = read_json(root / "scope" / "scope.json")
        assert all(warning.isprintable() for warning in scope["warnings"])
    else:
        assert not (root / "train").exists()


@pytest.mark.slow
@settings(max_examples=12, derandomize=True, suppress_health_check=list(HealthCheck))
@given(folder=folders(may_be_damaged=False))
def test_model_or_one_clear_line(
    tmp_path_factory: pytest.TempPathFactory, all_stages: ScopeStage, folder: dict[str, bytes]
) -> None:
    root = tmp_path_factory.mktemp("fuzz")
    if run(root, folder, all_stages):
        assert (root / "model" / "model.json").is_file()
