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
import os, sys
sys.modules["mlestar"] = None  # so that an import of it fails
import pytest
for folder in sys.argv[1:]:
    os.chdir(folder)
    for name in ("solution", "test_solution"):
        sys.modules.pop(name, None)
    print("folder", folder)
    pytest.main(["-rA", "--tb=no", "-p", "no:cacheprovider", "test_solution.py"])
"""

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")

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
KNOWS_THE_PLACE_OF_A_ROW = """
from sklearn.preprocessing import FunctionTransformer

def add_place(X):
    return X.assign(place=X.index.astype(float))

def features(ctx):
    return FunctionTransformer(add_place)
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
IS_CONSTANT = """
from sklearn.dummy import DummyClassifier

def model(ctx):
    return DummyClassifier()
"""
FORGETS_WHEN_SAVED = """
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler
from sklearn.pipeline import make_pipeline

class Forgetful(LogisticRegression):
    def __getstate__(self):
        return super().__getstate__() | {"intercept_": self.intercept_ * 0}

def model(ctx):
    return make_pipeline(StandardScaler(with_mean=False), Forgetful())
"""
STAYS_LOGARITHMIC = """
import numpy as np
from sklearn.preprocessing import FunctionTransformer

def target(ctx):
    return FunctionTransformer(np.log1p)
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


def prepared(folder: Path, train: str, rows: int = 6000, **task_section: Any) -> Prepared:
    document = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "example",
        "data": {"train": train},
        "task": task_section,
    }
    scope = parse_scope(json.dumps(document)).scope
    frame = read_table(scope.data.train).head(rows)
    task, _, _ = infer_task(scope, frame)
    frame = typed(frame, task.storage)
    groups = frame[task.group].to_numpy() if task.group else None
    write_arrow(frame[list(task.features)], folder / "train" / "features.arrow")
    write_arrow(target_frame(target_values(frame, task), groups), folder / "train" / "target.arrow")
    return Prepared(task, folder / "train")


def blocks(task: Task | None = None, **names: str) -> dict[str, Block]:
    return {kind: find_recipe(kind, name).block(task=task) for kind, name in names.items()}


@pytest.fixture(scope="module")
def ship(workers: Workers) -> Callable[..., str]:
    """``ship(folder, solution, data)``: the program, its tests and their sample; returns the text of the tests."""

    def write(folder: Path, solution: Solution, data: Prepared, *, seconds: float = 600.0) -> str:
        program = render(solution, data.task)
        (folder / "solution.py").write_text(program, encoding="utf-8")
        write_tests(folder, program, data.task, train_dir=data.train_dir, checks={}, workers=workers, seconds=seconds)
        return (folder / "test_solution.py").read_text(encoding="utf-8")

    return write


def run_tests(*folders: Path) -> list[Result]:
    """What the generated tests say in each of the folders."""
    done = subprocess.run(
        [sys.executable, "-c", PYTEST_WITHOUT_MLESTAR, *map(str, folders)],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"} | ONE_THREAD,
        capture_output=True,
        text=True,
        check=False,
    )
    found = []
    for output in re.split(r"^folder .*$", done.stdout, flags=re.MULTILINE)[1:]:
        named = {
            status: frozenset(re.findall(rf"^{status} test_solution\.py::(\S+)", output, re.MULTILINE))
            for status in ("PASSED", "FAILED", "ERROR")
        }
        assert any(named.values()), output + done.stderr
        found.append(Result(named["PASSED"], named["FAILED"] | named["ERROR"]))
    assert len(found) == len(folders), done.stdout + done.stderr
    return found


CHURN = Solution.of(blocks(clean="minimal", encode="onehot", model="logistic"))


@pytest.fixture(scope="module")
def churn(bench_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Telco churn."""
    train = str(bench_data / "telco-churn" / "train.csv")
    return prepared(tmp_path_factory.mktemp("data"), train, target="Churn", metric="roc_auc")


@pytest.fixture(scope="module")
def shipped(churn: Prepared, ship: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("churn")
    ship(folder, CHURN, churn)
    return folder


def test_they_pass_where_there_is_no_mlestar(shipped: Path) -> None:
    (result,) = run_tests(shipped)
    assert not result.failed
    assert result.passed == {
        "test_the_sample_has_what_the_program_needs",
        "test_the_classes_are_in_this_order",
        "test_a_table_of_predictions_has_these_columns",
        "test_the_probabilities_of_a_row_sum_to_one",
        "test_roc_auc_on_new_rows",
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


SABOTAGED_BLOCKS = {
    "noise for features": ("features", NOISE, "test_balanced_accuracy_on_new_rows"),
    "place of the row": ("features", KNOWS_THE_PLACE_OF_A_ROW, "test_a_row_alone_is_predicted_as_among_others"),
    "batch": ("encode", DEPENDS_ON_THE_BATCH, "test_a_row_alone_is_predicted_as_among_others"),
    "unseen values": ("encode", REFUSES_WHAT_IS_NEW, "test_there_are_predictions_for[unseen_values]"),
    "seed": ("model", IGNORES_THE_SEED, "test_a_second_fit_gives_the_same_model"),
    "constant": ("model", IS_CONSTANT, "test_roc_auc_on_new_rows"),
    "saving": ("model", FORGETS_WHEN_SAVED, "test_a_saved_model_predicts_the_same"),
    "labels": ("postprocess", INVERTS_LABELS, "test_balanced_accuracy_on_new_rows"),
}
CHANGED_TEXT = {
    "columns by place": (
        "X[list(COLUMNS)]",
        "X.iloc[:, : len(COLUMNS)].set_axis(list(COLUMNS), axis=1)",
        "test_predictions_do_not_change_with[reversed_columns]",
    ),
    "classes swapped": ("CLASSES = (0, 1)", "CLASSES = (1, 0)", "test_the_classes_are_in_this_order"),
    "other headings": ('f"probability_{label}"', 'f"p_{label}"', "test_a_table_of_predictions_has_these_columns"),
}


@pytest.fixture(scope="module")
def sabotaged(shipped: Path, churn: Prepared, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What the tests of the shipped program say to programs that are broken in one place each."""
    text = (shipped / "solution.py").read_text(encoding="utf-8")
    programs = {
        name: render(CHURN.replace(kind, Block(kind, source)), churn.task)
        for name, (kind, source, _) in SABOTAGED_BLOCKS.items()
    }
    for name, (written, instead, _) in CHANGED_TEXT.items():
        assert written in text
        programs[name] = text.replace(written, instead)
    folders = [sabotage(shipped, tmp_path_factory.mktemp("sabotaged"), program) for program in programs.values()]
    return dict(zip(programs, run_tests(*folders), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sabotage", "test"), [(name, test) for name, (*_, test) in {**SABOTAGED_BLOCKS, **CHANGED_TEXT}.items()]
)
def test_a_sabotaged_program_makes_them_fail(sabotaged: dict[str, Result], sabotage: str, test: str) -> None:
    assert test in sabotaged[sabotage].failed
    assert sabotaged[sabotage].passed  # the program runs, it is only wrong


def sabotage(shipped: Path, folder: Path, program: str) -> Path:
    """The tests, with another program in the place of theirs."""
    for name in ("test_solution.py", "sample.csv"):
        (folder / name).write_bytes((shipped / name).read_bytes())
    (folder / "solution.py").write_text(program, encoding="utf-8")
    return folder


def test_what_does_not_hold_is_left_out_and_named(churn: Prepared, ship: Callable[..., str], tmp_path: Path) -> None:
    solution = CHURN.replace("encode", Block("encode", DEPENDS_ON_THE_BATCH))
    text = ship(tmp_path, solution.replace("model", Block("model", IGNORES_THE_SEED)), churn)
    assert re.search(r"^# - single_rows: \d+ of 10 rows are predicted differently$", text, re.MULTILINE)
    assert re.search(r"^# - second_fit: \d+ of 100 rows are predicted differently$", text, re.MULTILINE)
    assert "# - scores: not known to be the same after a second fit" in text
    (result,) = run_tests(tmp_path)
    assert not result.failed
    assert "test_a_saved_model_predicts_the_same" in result.passed
    assert not [name for name in result.passed if "second_fit" in name or "alone" in name]


def test_without_time_nothing_that_needs_a_fit_is_asserted(
    churn: Prepared, ship: Callable[..., str], tmp_path: Path
) -> None:
    text = ship(tmp_path, CHURN, churn, seconds=0.0)
    assert "# - all that needs a fit: there was no time to try it" in text
    (result,) = run_tests(tmp_path)
    assert not result.failed
    assert result.passed == {"test_the_sample_has_what_the_program_needs", "test_the_classes_are_in_this_order"}


TASKS: dict[str, tuple[str, dict[str, Any], list[dict[str, Any]]]] = {
    "multiclass": (
        "sklearn:wine",
        {"target": "target"},
        [{"clean": "standard", "encode": "ordinal", "model": "lightgbm"}],
    ),
    "text": (
        "sms-spam/train.csv",
        {"target": "type", "metric": "f1"},
        [{"clean": "standard", "encode": "tfidf", "model": "logistic", "postprocess": "threshold"}],
    ),
    "groups": (
        "diabetes-130/train.csv",
        {"target": "readmitted_30", "metric": "balanced_accuracy", "group": "patient_nbr"},
        [{"clean": "standard", "encode": "native", "model": "lightgbm", "postprocess": "threshold"}],
    ),
    "time": (
        "bike-sharing-hour/train.csv",
        {"target": "cnt", "metric": "mae", "type": "regression", "time": "dteday"},
        [{"clean": "standard", "features": "dates", "encode": "ordinal", "target": "log1p", "model": "lightgbm"}],
    ),
    "several targets": (
        "sklearn:linnerud",
        {"target": ["Weight", "Waist", "Pulse"], "type": "regression"},
        [{"clean": "minimal", "encode": "ordinal", "model": "extra_trees", "postprocess": "clip"}],
    ),
    "ensemble": (
        "california-housing-prices/train.csv",
        {"target": "median_house_value", "metric": "r2", "type": "regression"},
        [
            {"clean": "standard", "encode": "ordinal", "model": "lightgbm"},
            {"clean": "standard", "features": "arithmetic", "encode": "ordinal", "model": "catboost"},
            {"clean": "standard", "encode": "onehot", "model": "ridge", "target": "log1p"},
        ],
    ),
}


@dataclass(frozen=True)
class Delivered:
    """A program with its tests, and what they say."""

    folder: Path
    data: Prepared
    text: str
    result: Result


@pytest.fixture(scope="module")
def delivered(
    bench_data: Path, ship: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Delivered]:
    made = {}
    for name, (train, section, members) in TASKS.items():
        folder = tmp_path_factory.mktemp("delivered")
        data = prepared(folder, train if train.startswith("sklearn:") else str(bench_data / train), 2000, **section)
        text = ship(folder, solution_of(members, data.task), data)
        made[name] = (folder, data, text)
    results = run_tests(*(folder for folder, _, _ in made.values()))
    return {name: Delivered(*each, result) for (name, each), result in zip(made.items(), results, strict=True)}


def solution_of(members: list[dict[str, Any]], task: Task) -> Solution:
    single = [blocks(task, **{kind: name for kind, name in each.items() if kind != "postprocess"}) for each in members]
    weights = {"weights": (0.5, 0.3, 0.2)}
    combine = find_recipe("combine", "weighted").block(weights, task=task) if len(members) > 1 else None
    last = members[0].get("postprocess")
    return Solution(tuple(single), combine, find_recipe("postprocess", last).block(task=task) if last else None)


@pytest.mark.slow
@pytest.mark.parametrize("name", TASKS)
def test_they_pass_for_every_type_of_task(delivered: dict[str, Delivered], name: str) -> None:
    found = delivered[name]
    assert not found.result.failed
    assert "all that needs a fit" not in found.text
    assert "test_predictions_do_not_change_with[reversed_columns]" in found.result.passed
    if name not in {"several targets", "groups"}:  # which hardly any model predicts from so few rows
        assert f"test_{found.data.task.metric}_on_new_rows" in found.result.passed


@pytest.mark.slow
def test_groups_have_numbers_instead_of_their_names(delivered: dict[str, Delivered]) -> None:
    sample = pd.read_csv(delivered["groups"].folder / "sample.csv")
    assert sorted(set(sample["patient_nbr"])) == list(range(sample["patient_nbr"].nunique()))


@pytest.mark.slow
def test_a_target_that_stays_logarithmic_makes_them_fail(delivered: dict[str, Delivered], tmp_path: Path) -> None:
    shipped, task = delivered["time"].folder, delivered["time"].data.task
    solution = solution_of(TASKS["time"][2], task).replace("target", Block("target", STAYS_LOGARITHMIC))
    (result,) = run_tests(sabotage(shipped, tmp_path, render(solution, task)))
    assert "test_mae_on_new_rows" in result.failed


@pytest.mark.slow
def test_programs_and_tests_are_formatted_and_free_of_what_linters_find(delivered: dict[str, Delivered]) -> None:
    files = [each.folder / name for each in delivered.values() for name in ("solution.py", "test_solution.py")]
    own = "--config=lint.isort.known-first-party=['solution']"
    for command in (["check", "--select=B0,E,F,I,PIE,RET,UP,W", own], ["format", "--diff"]):
        options = ["--isolated", "--line-length=120", "--no-cache"]
        checks = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *options, *map(str, files)],
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
    text = render_tests(task, Evidence(50, 0, False, frozenset({"predictions"}), (floor,), ()))
    ((needed, expression),) = re.findall(r"    (\w+) = .*\n    assert (.*) > LEAST_", text)
    names = {**vars(sklearn.metrics), "np": np, "y": y, "CLASSES": task.classes}
    written = eval(expression, names | {needed: labels if needed == "labels" else values})
    assert written == pytest.approx(get_metric(metric, kind).score(y, values, labels))
