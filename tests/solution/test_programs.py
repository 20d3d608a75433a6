"""Rendered programs: they read back as the solution that they were made from, and run on their own."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer

from mlestar.data.infer import infer_task
from mlestar.data.sources import read_table
from mlestar.data.task import Column, Task
from mlestar.errors import SolutionError
from mlestar.recipes import catalogue, find_recipe
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice, Integer, Real
from mlestar.solution import MEMBER_KINDS, Block, Solution, chain, read_program, render
from mlestar.spec import parse_scope

TASK = Task(
    name="example",
    type="binary",
    targets=("y",),
    metric="f1",
    classes=("no", "yes"),
    columns=(
        Column(name="amount", storage="number", role="numeric"),
        Column(name='a "quoted"\nname', storage="string", role="categorical"),
        Column(name="y", storage="string", role="target"),
    ),
    rows=100,
    splitter="stratified",
    folds=3,
)
RECIPES = [recipe for recipe in catalogue() if not recipe.unavailable]
WITHOUT_MLESTAR = """
import runpy, sys
sys.modules["mlestar"] = None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def _value(parameter: Integer | Real | Choice) -> st.SearchStrategy[object]:
    if isinstance(parameter, Choice):
        return st.sampled_from(parameter.values)
    if isinstance(parameter, Integer):
        return st.integers(parameter.low, parameter.high)
    return st.floats(parameter.low, parameter.high)


@st.composite
def blocks(draw: st.DrawFn, kind: str) -> Block:
    recipe: Recipe = draw(st.sampled_from([each for each in RECIPES if each.kind == kind]))
    settings_ = draw(st.fixed_dictionaries({}, optional={name: _value(each) for name, each in recipe.space.items()}))
    return recipe.block(settings_)


@st.composite
def solutions(draw: st.DrawFn) -> Solution:
    members = tuple(
        {
            kind: draw(blocks(kind))
            for kind in MEMBER_KINDS
            if kind in ("clean", "encode", "model") or draw(st.booleans())
        }
        for _ in range(draw(st.integers(1, 3)))
    )
    combine = draw(blocks("combine") if len(members) > 1 else st.none() | blocks("combine"))
    solution = Solution(members, combine, draw(st.none() | blocks("postprocess")))
    repeats = combine is not None and not solution.needs_out_of_fold and draw(st.booleans())
    return replace(solution, fits=3) if repeats else solution


@settings(max_examples=60)
@given(solutions())
def test_a_program_reads_back_as_its_solution(solution: Solution) -> None:
    program = render(solution, TASK)
    found = read_program(program)
    assert found == solution
    assert found.digest == solution.digest
    assert render(found, TASK) == program
    assert [[block.name for block in member.values()] for member in found.members] == [
        [block.name for block in member.values()] for member in solution.members
    ]


@settings(max_examples=30)
@given(solutions())
def test_a_program_is_valid_python_without_unused_or_missing_names(solution: Solution) -> None:
    program = render(solution, TASK)
    found = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--line-length=120", "--select=E,F,I,W", "-q", "-"],
        input=program,
        text=True,
        capture_output=True,
        check=False,
    )
    assert found.returncode == 0, found.stdout


def test_layout_comments_and_docstrings_do_not_change_what_a_block_means() -> None:
    block = find_recipe("model", "lightgbm").block()
    text = block.source.replace('"""LightGBM', '"""Changed: LightGBM').replace(
        "    settings = ", "    # why\n    settings = "
    )
    assert Block("model", text) == block
    assert Block("model", text.replace("verbose=-1", "verbose=0")) != block


def test_helpers_of_one_name_and_two_meanings_live_side_by_side() -> None:
    def member(factor: int) -> dict[str, Block]:
        source = (
            "from sklearn.preprocessing import FunctionTransformer\n\n"
            f"def scale(X):\n    return X * {factor}\n\n"
            "def features(ctx):\n    return FunctionTransformer(scale)\n"
        )
        return {
            "clean": find_recipe("clean", "minimal").block(),
            "features": Block("features", source),
            "encode": find_recipe("encode", "ordinal").block(),
            "model": find_recipe("model", "logistic").block(),
        }

    solution = Solution((member(2), member(3)), find_recipe("combine", "weighted").block({"weights": (0.5, 0.5)}))
    program = render(solution, TASK)
    assert "return X * 2" in program
    assert "return X * 3" in program
    assert read_program(program) == solution


def test_helpers_of_one_name_and_two_meanings_live_side_by_side_in_a_chain() -> None:
    def block(name: str) -> Block:
        helper = f"def change(X):\n    return X.assign({name}=1.0)\n\n"
        own = "def features(ctx):\n    return FunctionTransformer(change)\n"
        return Block("features", f"from sklearn.preprocessing import FunctionTransformer\n\n{helper}{own}", name)

    both = chain([block("one"), block("two")])
    namespace: dict[str, Any] = {}
    exec(both.source, namespace)
    assert list(namespace["features"](None).fit_transform(pd.DataFrame({"x": [0.0]}))) == ["x", "one", "two"]


def test_a_helper_may_be_called_as_another_block_is() -> None:
    source = (
        "from sklearn.preprocessing import FunctionTransformer\n\n"
        "def clean(X):\n    return X.fillna(0)\n\n"
        "def features(ctx):\n    return FunctionTransformer(clean)\n"
    )
    member = {**_member("logistic", "ordinal"), "features": Block("features", source)}
    program = render(Solution((member,)), TASK)
    assert program.count("\ndef clean(") == 1
    assert read_program(program).digest == read_program(render(read_program(program), TASK)).digest


def test_a_chain_has_the_parameters_of_its_parts() -> None:
    parts = [find_recipe("features", "arithmetic").block(), find_recipe("features", "dates").block()]
    together = chain(parts)
    assert set(together.parameters) == {name for part in parts for name in part.parameters}


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("def model(ctx):\n  return (", "not valid Python"),
        ("print('hello')\ndef model(ctx):\n    return 1", "only imports and defines"),
        ("def other(ctx):\n    return 1", "no function 'model'"),
        ("def model(X):\n    return 1", "define `def model"),
        ("def model(ctx, depth):\n    return depth", "define `def model"),
        ("def model(ctx, *, depth=len([])):\n    return depth", "literal default"),
        ("from mlestar.spec import Scope\n\ndef model(ctx):\n    return Scope", "without mlestar"),
        ("from os import *\n\ndef model(ctx):\n    return getcwd()", "one by one"),
    ],
)
def test_a_block_that_breaks_the_contract_is_refused_with_the_remedy(source: str, problem: str) -> None:
    with pytest.raises(SolutionError, match=problem):
        Block("model", source)


def _member(model: str, encode: str, **parameters: object) -> dict[str, Block]:
    return {
        "clean": find_recipe("clean", "standard").block(),
        "encode": find_recipe("encode", encode).block(),
        "model": find_recipe("model", model).block(parameters),
    }


@pytest.fixture
def churn(bench_data: Path) -> Task:
    """Telco churn, judged by labels rather than probabilities."""
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "telco",
        "data": {"train": str(bench_data / "telco-churn" / "train.csv")},
        "task": {"target": "Churn", "metric": "f1"},
    }
    scope = parse_scope(json.dumps(spec)).scope
    return infer_task(scope, read_table(scope.data.train))[0]


def test_fit_and_predict_run_without_mlestar(churn: Task, bench_data: Path, tmp_path: Path) -> None:
    """An ensemble with a threshold: everything that fit has to reproduce is in the file."""
    data = bench_data / "telco-churn"
    members = (_member("lightgbm", "ordinal", n_estimators=30), _member("logistic", "onehot"))
    combine = find_recipe("combine", "weighted").block({"weights": (0.7, 0.3)})
    solution = Solution(members, combine, find_recipe("postprocess", "threshold").block())
    (tmp_path / "solution.py").write_text(render(solution, churn), encoding="utf-8")

    def run(*arguments: str) -> None:
        subprocess.run([sys.executable, "-c", WITHOUT_MLESTAR, "solution.py", *arguments], cwd=tmp_path, check=True)

    run("fit", str(data / "train.csv"), "--model", "m")
    run("fit", str(data / "train.csv"), "--model", "again")
    run("predict", str(data / "test.csv"), "--model", "m", "--out", "one.csv")
    run("predict", str(data / "test.csv"), "--model", "again", "--out", "two.csv")
    predictions = pd.read_csv(tmp_path / "one.csv")
    assert list(predictions) == ["customerID", "prediction", "probability_0", "probability_1"]
    assert np.allclose(predictions["probability_0"] + predictions["probability_1"], 1)
    assert predictions.equals(pd.read_csv(tmp_path / "two.csv"))


def test_ids_and_classes_are_read_as_they_are_written(tmp_path: Path) -> None:
    table = load_breast_cancer(as_frame=True).frame[["mean radius", "mean texture", "target"]]
    table["target"] = np.where(table["target"] == 1, "TRUE", "FALSE")  # as R writes them
    table.insert(0, "entry_id", [f"{number:05d}" for number in range(len(table))])
    table.to_csv(tmp_path / "train.csv", index=False)
    spec = {"apiVersion": "mlestar/v1", "kind": "Scope", "name": "example", "data": {"train": "train.csv"}}
    scope = parse_scope(json.dumps({**spec, "task": {"target": "target", "id": "entry_id"}})).scope
    task, _, _ = infer_task(scope, read_table(str(tmp_path / "train.csv")))
    assert task.classes == ("FALSE", "TRUE")
    (tmp_path / "solution.py").write_text(render(Solution((_member("logistic", "onehot"),)), task), encoding="utf-8")
    for arguments in ("fit train.csv --model m", "predict train.csv --model m --out predictions.csv"):
        subprocess.run([sys.executable, "solution.py", *arguments.split()], cwd=tmp_path, check=True)
    predictions = pd.read_csv(tmp_path / "predictions.csv", dtype=str)
    assert predictions["entry_id"].tolist() == table["entry_id"].tolist()
    assert (predictions["prediction"] == table["target"]).mean() > 0.85


def _module(program: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A program as the module ``solution``."""
    path.write_text(program, encoding="utf-8")
    specification = importlib.util.spec_from_file_location("solution", path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "solution", module)
    specification.loader.exec_module(module)
    return module


def test_several_fits_of_a_member_are_averaged(
    churn: Task, bench_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = read_table(str(bench_data / "telco-churn" / "train.csv")).head(800)
    members = tuple(_member("lightgbm", encode, n_estimators=20) for encode in ("ordinal", "target"))
    combine = find_recipe("combine", "weighted").block({"weights": (0.7, 0.3)})

    def probabilities(solution: Solution, seed: int = 0) -> np.ndarray:
        task = churn.model_copy(update={"seed": seed})
        module = _module(render(solution, task), tmp_path / f"solution_{seed}_{solution.fits}.py", monkeypatch)
        return module.Solution().fit(table, table["Churn"]).predict_proba(table)

    once = [probabilities(Solution(members, combine), seed) for seed in range(3)]
    assert not np.allclose(once[0], once[1])
    assert np.allclose(probabilities(Solution(members, combine, fits=3)), np.mean(once, axis=0))


def test_a_program_cross_fits_on_few_groups_and_where_the_first_rows_are_of_one_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random, rows = np.random.default_rng(0), 240
    table = pd.DataFrame({"amount": random.normal(size=rows), "shop": np.arange(rows) // 80, "day": np.arange(rows)})
    table["y"] = np.where((table["amount"] > 0.5) & (table["day"] > 100), "yes", "no")
    columns = (
        Column(name="amount", storage="number", role="numeric"),
        Column(name="shop", storage="number", role="group"),
        Column(name="day", storage="number", role="numeric"),
        Column(name="y", storage="string", role="target"),
    )
    task = TASK.model_copy(update={"columns": columns, "folds": 5})
    solution = Solution(
        (_member("hist_gradient_boosting", "ordinal"),), None, find_recipe("postprocess", "threshold").block()
    )
    for update, groups in (
        ({"group": "shop", "splitter": "group"}, [table["shop"]]),
        ({"time": "day", "splitter": "time"}, []),
    ):
        program = render(solution, task.model_copy(update=update))
        module = _module(program, tmp_path / f"{update['splitter']}.py", monkeypatch)
        predicted = module.Solution().fit(table, table["y"], *groups).predict(table)
        assert (predicted == table["y"]).mean() > 0.9


def test_a_fit_leaves_the_threads_of_its_process_as_they_were(churn: Task, bench_data: Path, tmp_path: Path) -> None:
    members = tuple(_member("lightgbm", encode, n_estimators=5) for encode in ("ordinal", "target"))
    solution = Solution(members, find_recipe("combine", "weighted").block({"weights": (0.5, 0.5)}))
    (tmp_path / "solution.py").write_text(render(solution, churn), encoding="utf-8")
    read_table(str(bench_data / "telco-churn" / "train.csv")).head(300).to_csv(tmp_path / "train.csv", index=False)
    script = """
import solution
from threadpoolctl import threadpool_info
threads = lambda: sorted((pool["filepath"], pool["num_threads"]) for pool in threadpool_info())
before = threads()
solution.fit("train.csv")
assert threads() == before, (before, threads())
"""
    environment = {name: value for name, value in os.environ.items() if not name.endswith("_NUM_THREADS")}
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, check=True)


def _complaints(program: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """``complaint(*arguments)``: the one line that the program ends with when it is called like this."""
    module = _module(program, folder / "solution.py", monkeypatch)
    monkeypatch.chdir(folder)

    def complaint(*arguments: object) -> str:
        monkeypatch.setattr(sys, "argv", ["solution.py", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            module.main()
        assert ended.value.code == 2
        (line,) = capsys.readouterr().err.splitlines()
        return line

    return complaint


def test_mistakes_of_its_user_get_one_line(
    churn: Task, bench_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bench_data / "telco-churn"
    complaint = _complaints(render(Solution((_member("logistic", "onehot"),)), churn), tmp_path, monkeypatch, capsys)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.skops").write_text("no model", encoding="utf-8")
    (tmp_path / "empty.csv").touch()
    train = pd.read_csv(data / "train.csv")
    train.drop(columns="tenure").to_csv(tmp_path / "narrow.csv", index=False)
    train.assign(tenure=train["tenure"].map("{} months".format)).to_csv(tmp_path / "months.csv", index=False)
    train[train["Churn"] == 0].to_csv(tmp_path / "same.csv", index=False)
    train.head(0).to_csv(tmp_path / "header.csv", index=False)
    train.head(9).to_csv(tmp_path / "text.parquet", index=False)
    table = pa.Table.from_pandas(train.head(9))
    notes = table.schema.metadata[b"pandas"].replace(b'"numpy_type"', b'"nmupy_type"')
    pq.write_table(table.replace_schema_metadata({b"pandas": notes}), tmp_path / "notes.parquet")

    def fit_complaint(file: object, model: str = "m") -> str:
        return complaint("fit", file, "--model", model)

    def predict_complaint(model: str, out: str = "p.csv") -> str:
        return complaint("predict", data / "test.csv", "--model", model, "--out", out)

    assert fit_complaint("absent.csv") == "absent.csv: No such file or directory"
    assert fit_complaint("folder") == "folder: Is a directory"
    assert "empty.csv: is no table" in fit_complaint("empty.csv")
    assert "text.parquet: is no table" in fit_complaint("text.parquet")
    assert "notes.parquet: is no table" in fit_complaint("notes.parquet")
    assert fit_complaint("header.csv") == "header.csv: has no rows"
    assert "lacks 1 of the columns that are needed: 'tenure'" in fit_complaint("narrow.csv")
    assert "lacks 1 of the columns that are needed: 'Churn'" in fit_complaint(data / "test.csv")
    assert "months.csv: column 'tenure' holds nothing that can be read, such as '" in fit_complaint("months.csv")
    assert "'Churn' holds fewer than two classes" in fit_complaint("same.csv")
    assert "folder: cannot be written" in fit_complaint(data / "train.csv", "folder")
    assert predict_complaint("absent.skops") == "absent.skops: No such file or directory"
    assert predict_complaint("folder") == "folder: Is a directory"
    assert "text.skops: is no model" in predict_complaint("text.skops")
    assert "nowhere/p.csv: cannot be written" in predict_complaint("text.skops", "nowhere/p.csv")
    assert not (tmp_path / "m").exists()


def test_a_target_that_cannot_be_learned_gets_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = _complaints(render(Solution((_member("logistic", "onehot"),)), TASK), tmp_path, monkeypatch, capsys)
    table = pd.DataFrame({"amount": [1.0, 2.0, 3.0], TASK.features[1]: ["a", "b", "a"], "y": ["no", "yes", "perhaps"]})
    table.to_csv(tmp_path / "strange.csv", index=False)
    assert classes("fit", "strange.csv", "--model", "m") == (
        "'y' holds 'perhaps', which is none of the classes ('no', 'yes')"
    )
    regression = TASK.model_copy(update={"type": "regression", "metric": "rmse", "classes": (), "splitter": "kfold"})
    values = _complaints(render(Solution((_member("ridge", "onehot"),)), regression), tmp_path, monkeypatch, capsys)
    assert "strange.csv: the target has to be a number" in values("fit", "strange.csv", "--model", "m")
    table.assign(y=None).to_csv(tmp_path / "unknown.csv", index=False)
    assert values("fit", "unknown.csv", "--model", "m") == "unknown.csv: no row has a target"
