"""The tests that ship with a program: they pass without mlestar, and fail when a block is sabotaged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics

from mlestar.data.infer import infer_task
from mlestar.data.metric_names import METRICS
from mlestar.data.sources import read_table, typed
from mlestar.data.tables import write_arrow
from mlestar.data.target import target_frame, target_values
from mlestar.data.task import Task
from mlestar.evaluation import Workers, connect, get_metric, start_server
from mlestar.recipes import find_recipe
from mlestar.solution import Block, Solution, render
from mlestar.solution.program_tests import Evidence, Floor, render_tests
from mlestar.spec import parse_scope
from mlestar.stages.program_tests import write_tests

PYTEST_WITHOUT_MLESTAR = """
import sys
sys.modules["mlestar"] = None
import pytest
sys.exit(pytest.main(["-rA", "--tb=no", "-p", "no:cacheprovider", "test_solution.py"]))
"""

NOISE = """
import numpy as np
import pandas as pd
from sklearn.preprocessing import FunctionTransformer

def noise(X):
    values = np.random.default_rng(0).normal(size=X.shape)
    return pd.DataFrame(values, columns=X.columns, index=X.index)

def features(ctx):
    return FunctionTransformer(noise)
"""
DEPENDS_ON_THE_BATCH = """
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder

def center(X):
    return X - X.mean(axis=0)

def encode(ctx):
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=0.02, sparse_output=False)
    return make_pipeline(one_hot, FunctionTransformer(center))
"""
REFUSES_WHAT_IS_NEW = """
from sklearn.preprocessing import OneHotEncoder

def encode(ctx):
    return OneHotEncoder(handle_unknown="error")
"""
IGNORES_THE_SEED = """
from sklearn.ensemble import ExtraTreesClassifier

def model(ctx):
    return ExtraTreesClassifier(n_estimators=20)
"""
INVERTS_LABELS = """
from sklearn.base import BaseEstimator

class Inverted(BaseEstimator):
    def fit(self, predictions, y):
        return self

    def predict(self, predictions):
        return predictions.argmin(axis=1)

def postprocess(ctx):
    return Inverted()
"""


@dataclass(frozen=True)
class Prepared:
    """A task with its training rows, as scope leaves them."""

    task: Task
    train_dir: Path


@dataclass(frozen=True)
class Result:
    """Names of the generated tests, parameters included."""

    passed: frozenset[str]
    failed: frozenset[str]


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with start_server(1) as server:
        yield connect(server.address)


def prepared(folder: Path, train: str, rows: int | None = None, **task_section: Any) -> Prepared:
    document = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "example",
        "data": {"train": train},
        "task": task_section,
    }
    scope = parse_scope(json.dumps(document)).scope
    frame = read_table(scope.data.train).head(rows) if rows else read_table(scope.data.train)
    task, _, _ = infer_task(scope, frame)
    frame = typed(frame, task.storage)
    groups = frame[task.group].to_numpy() if task.group else None
    write_arrow(frame[list(task.features)], folder / "train" / "features.arrow")
    write_arrow(target_frame(target_values(frame, task), groups), folder / "train" / "target.arrow")
    return Prepared(task, folder / "train")


def blocks(**names: str) -> dict[str, Block]:
    return {kind: find_recipe(kind, name).block() for kind, name in names.items()}


@pytest.fixture(scope="module")
def ship(workers: Workers) -> Callable[..., str]:
    """``ship(folder, solution, data)``: the program, its tests and their sample; returns the text of the tests."""

    def write(folder: Path, solution: Solution, data: Prepared, *, seconds: float = 60.0) -> str:
        program = render(solution, data.task)
        (folder / "solution.py").write_text(program, encoding="utf-8")
        write_tests(folder, program, data.task, train_dir=data.train_dir, checks={}, workers=workers, seconds=seconds)
        return (folder / "test_solution.py").read_text(encoding="utf-8")

    return write


def run_tests(folder: Path) -> Result:
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(
        [sys.executable, "-c", PYTEST_WITHOUT_MLESTAR],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {
        status: frozenset(re.findall(rf"^{status} test_solution\.py::(\S+)", done.stdout, re.MULTILINE))
        for status in ("PASSED", "FAILED", "ERROR")
    }
    assert found["PASSED"] | found["FAILED"] | found["ERROR"], done.stdout + done.stderr
    return Result(found["PASSED"], found["FAILED"] | found["ERROR"])


CHURN = Solution.of(blocks(clean="standard", encode="onehot", model="logistic", postprocess="threshold"))


@pytest.fixture(scope="module")
def churn(bench_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Telco churn, judged by labels."""
    train = str(bench_data / "telco-churn" / "train.csv")
    return prepared(tmp_path_factory.mktemp("data"), train, target="Churn", metric="f1")


@pytest.fixture(scope="module")
def shipped(churn: Prepared, ship: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("churn")
    ship(folder, CHURN, churn)
    return folder


def test_they_pass_where_there_is_no_mlestar(shipped: Path) -> None:
    result = run_tests(shipped)
    assert not result.failed
    assert result.passed == {
        "test_the_sample_has_what_the_program_needs",
        "test_the_classes_are_in_this_order",
        "test_a_table_of_predictions_has_these_columns",
        "test_the_probabilities_of_a_row_sum_to_one",
        "test_f1_on_new_rows",
        "test_balanced_accuracy_on_new_rows",
        "test_predictions_do_not_change_with[reversed_columns]",
        "test_predictions_do_not_change_with[further_columns]",
        "test_there_are_predictions_for[some_values_missing]",
        "test_there_are_predictions_for[all_values_missing]",
        "test_there_are_predictions_for[unseen_values]",
        "test_a_row_alone_is_predicted_as_among_others",
        "test_a_second_fit_gives_the_same_model",
        "test_a_saved_model_predicts_the_same",
    }


def test_the_sample_is_small_and_holds_no_ids(shipped: Path, churn: Prepared) -> None:
    sample = pd.read_csv(shipped / "sample.csv")
    assert list(sample) == [*churn.task.features, "Churn"]
    assert len(sample) == 300
    assert sample["Churn"].nunique() == 2
    assert (shipped / "sample.csv").stat().st_size < 100_000


@pytest.mark.parametrize(
    ("kind", "source", "test"),
    [
        ("features", NOISE, "test_balanced_accuracy_on_new_rows"),
        ("encode", DEPENDS_ON_THE_BATCH, "test_a_row_alone_is_predicted_as_among_others"),
        ("encode", REFUSES_WHAT_IS_NEW, "test_there_are_predictions_for[unseen_values]"),
        ("model", IGNORES_THE_SEED, "test_a_second_fit_gives_the_same_model"),
        ("postprocess", INVERTS_LABELS, "test_f1_on_new_rows"),
    ],
    ids=["noise", "batch", "unseen", "seed", "labels"],
)
def test_a_sabotaged_block_makes_them_fail(
    shipped: Path, churn: Prepared, tmp_path: Path, kind: str, source: str, test: str
) -> None:
    sabotaged = render(CHURN.replace(kind, Block(kind, source)), churn.task)
    assert test in sabotage(shipped, tmp_path, sabotaged).failed


@pytest.mark.parametrize(
    ("written", "instead", "test"),
    [
        (
            "X[list(COLUMNS)]",
            "X.iloc[:, : len(COLUMNS)].set_axis(list(COLUMNS), axis=1)",
            "test_predictions_do_not_change_with[reversed_columns]",
        ),
        ('CLASSES = ("No", "Yes")', 'CLASSES = ("Yes", "No")', "test_the_classes_are_in_this_order"),
    ],
    ids=["columns by place", "classes"],
)
def test_a_change_of_what_holds_the_blocks_makes_them_fail(
    shipped: Path, tmp_path: Path, written: str, instead: str, test: str
) -> None:
    program = (shipped / "solution.py").read_text(encoding="utf-8")
    assert written in program
    assert test in sabotage(shipped, tmp_path, program.replace(written, instead)).failed


def sabotage(shipped: Path, folder: Path, program: str) -> Result:
    """What the tests say when another program is in the place of theirs."""
    for name in ("test_solution.py", "sample.csv"):
        (folder / name).write_bytes((shipped / name).read_bytes())
    (folder / "solution.py").write_text(program, encoding="utf-8")
    return run_tests(folder)


def test_what_does_not_hold_is_left_out_and_named(churn: Prepared, ship: Callable[..., str], tmp_path: Path) -> None:
    solution = CHURN.replace("encode", Block("encode", DEPENDS_ON_THE_BATCH))
    text = ship(tmp_path, solution.replace("model", Block("model", IGNORES_THE_SEED)), churn)
    assert re.search(r"^# - single_rows: \d+ of 10 rows are predicted differently$", text, re.MULTILINE)
    assert re.search(r"^# - second_fit: \d+ of 100 rows are predicted differently$", text, re.MULTILINE)
    result = run_tests(tmp_path)
    assert not result.failed
    assert "test_a_saved_model_predicts_the_same" in result.passed
    assert not [name for name in result.passed if "second_fit" in name or "alone" in name]


def test_without_time_nothing_that_needs_a_fit_is_asserted(
    churn: Prepared, ship: Callable[..., str], tmp_path: Path
) -> None:
    text = ship(tmp_path, CHURN, churn, seconds=0.0)
    assert "# - all that needs a fit: there was no time to try it" in text
    result = run_tests(tmp_path)
    assert not result.failed
    assert result.passed == {"test_the_sample_has_what_the_program_needs", "test_the_classes_are_in_this_order"}


@pytest.mark.parametrize(
    ("train", "section", "recipes"),
    [
        (
            "sklearn:wine",
            {"target": "target"},
            {"clean": "standard", "encode": "native", "model": "lightgbm"},
        ),
        (
            "sklearn:diabetes",
            {"target": "target", "metric": "r2", "type": "regression", "group": "age"},
            {"clean": "minimal", "encode": "ordinal", "model": "extra_trees", "postprocess": "clip"},
        ),
        (
            "bike-sharing-hour/train.csv",
            {"target": "cnt", "metric": "mae", "type": "regression", "time": "dteday"},
            {"clean": "standard", "features": "dates", "encode": "ordinal", "target": "log1p", "model": "lightgbm"},
        ),
    ],
    ids=["multiclass", "groups", "time"],
)
def test_they_pass_for_every_type_of_task(
    train: str,
    section: dict[str, Any],
    recipes: dict[str, str],
    bench_data: Path,
    ship: Callable[..., str],
    tmp_path: Path,
) -> None:
    uri = train if train.startswith("sklearn:") else str(bench_data / train)
    data = prepared(tmp_path, uri, rows=2000, **section)
    text = ship(tmp_path, Solution.of(blocks(**recipes)), data)
    result = run_tests(tmp_path)
    assert not result.failed
    assert f"test_{data.task.metric}_on_new_rows" in result.passed
    assert "What was not is left out" not in text


def test_they_are_clean_code(shipped: Path) -> None:
    checks = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--isolated",
            "--line-length=120",
            "--select=E,F,I,W",
            "test_solution.py",
        ],
        cwd=shipped,
        capture_output=True,
        text=True,
        check=False,
    )
    assert checks.returncode == 0, checks.stdout + checks.stderr


@pytest.mark.parametrize(("kind", "metric"), [(kind, metric) for kind in METRICS for metric in METRICS[kind]])
def test_metrics_are_written_as_the_harness_computes_them(kind: Any, metric: str) -> None:
    generator = np.random.default_rng(0)
    width = {"binary": 2, "multiclass": 4, "regression": 1}[kind]
    task = Task(
        name="example", type=kind, targets=("y",), metric=metric, classes=tuple(range(width if width > 1 else 0)),
        columns=(), rows=50, splitter="kfold", folds=3,
    )  # fmt: skip
    if kind == "regression":
        y, values, labels = generator.lognormal(size=50), generator.lognormal(size=50), None
    else:
        y, values = generator.integers(0, width - (width > 2), 50), generator.dirichlet(np.ones(width), 50)
        labels = generator.integers(0, width, 50)
    floor = Floor(metric, score=0.5, trivial=0.1)
    text = render_tests(task, Evidence(50, 0, frozenset({"predictions"}), (floor,), ()))
    (expression,) = re.findall(r"assert (.*) > LEAST_", text)
    names = {**vars(sklearn.metrics), "np": np, "y": y, "labels": labels, "CLASSES": task.classes}
    written = eval(expression, names | {"values": values, "probabilities": values})
    assert written == pytest.approx(get_metric(metric, kind).score(y, values, labels))
