"""Under a budget of evaluations a run comes to the same, whatever the machine and whatever is in the store."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes

from mlestar.data.tables import read_arrow
from mlestar.evaluation import EvaluationStore, Harness, Limits, Record, connect, start_server
from mlestar.recipes import RecipeProposer, find_recipe
from mlestar.solution import FIT_THREADS, Block, Solution, render
from mlestar.stages import run_stage
from mlestar.stages.environment import WORKERS
from mlestar.stages.model import fit_and_save
from mlestar.stages.scoped import Scoped

LIMITS = Limits(seconds=600.0, memory_mb=2000.0)
SMALLER = Limits(seconds=0.5, memory_mb=20.0)
STATES = ("kept", "absent", "truncated", "of another", "timeout", "out_of_memory")


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="the system cannot keep a process to one core")
def test_a_run_on_one_core_with_a_damaged_store_comes_to_the_same(
    project: Any, undisturbed: Any, assert_same: Callable[[Any], None]
) -> None:
    project = dataclasses.replace(project, store=project.folder / "store")
    shutil.copytree(undisturbed.store, project.store)
    for number, path in enumerate(sorted(project.store.rglob("*.npz"))):
        if number % 3 == 0:
            path.unlink()
        elif number % 3 == 1:
            path.write_bytes(path.read_bytes()[:-7])
    done = project.run("taskset", "--cpu-list", str(min(os.sched_getaffinity(0))))
    assert done.returncode in (0, 1), done.stderr
    assert_same(project)


@pytest.fixture(scope="module")
def workers_address() -> Iterator[str]:
    with start_server(3) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv(WORKERS, server.address)
        yield server.address


def scoped(folder: Path, table: pd.DataFrame, store: Path, **sections: Any) -> Path:
    """A folder in which scope has run on a table; ``sections`` complete the spec."""
    table.to_csv(folder / "train.csv", index=False)
    spec = {
        **{"apiVersion": "mlestar/v1", "kind": "Scope", "name": "example"},
        **{"data": {"train": str(folder / "train.csv")}, "validation": {"folds": 3}, "budget": {"evaluations": 60}},
        **sections,
    }
    directories = {f"{name}_dir": str(folder / name) for name in ("scope", "train", "holdout")}
    run_stage("scope", {"spec": json.dumps(spec), "fingerprint": "0", "store": str(store), **directories})
    return folder


class _Delayed(EvaluationStore):
    """A store that takes its time, which decides in which order the folds are done."""

    def __init__(self, uri: str, delays: list[float]) -> None:
        super().__init__(uri)
        self._delays = delays

    def get(self, key: str, limits: Limits) -> Record | None:
        time.sleep(self._delays[int(key, 16) % len(self._delays)])
        return super().get(key, limits)


@pytest.fixture(scope="module")
def folder(workers_address: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("cancer")
    table = load_breast_cancer(as_frame=True).frame.iloc[:150, [0, 1, 2, -1]]
    task = {"target": "target", "metric": "f1"}
    return scoped(root, table, root / "another", task=task, validation={"folds": 4})


FAILING_ON_ONE_FOLD = """
import numpy as np
from sklearn.dummy import DummyClassifier


class Picky(DummyClassifier):
    def fit(self, X, y):
        if np.max(np.asarray(X)[:, 0]) < LARGEST:
            raise ValueError("without the largest value")
        return super().fit(X, y)


def model(ctx):
    return Picky(strategy="constant", constant=1)
"""
HOPELESS = """
from sklearn.dummy import DummyClassifier


def model(ctx):
    return DummyClassifier(strategy="constant", constant=0)
"""


@pytest.fixture(scope="module")
def solutions(folder: Path) -> list[Solution]:
    """One that runs, one with a second level, one that fails on one of the folds, and one that is given up."""
    task = Scoped.read(folder / "scope").task
    wanted = (("clean", "minimal"), ("encode", "ordinal"), ("model", "logistic"), ("postprocess", "threshold"))
    blocks = {kind: find_recipe(kind, name).block(task=task) for kind, name in wanted}
    largest = read_arrow(folder / "train" / "features.arrow").iloc[:, 0].max()
    complete = Solution.of(blocks)
    runs = complete.replace("postprocess", None)
    failing = Block("model", FAILING_ON_ONE_FOLD.replace("LARGEST", str(largest)))
    return [runs, complete, runs.replace("model", failing), runs.replace("model", Block("model", HOPELESS))]


def outcomes(folder: Path, solutions: list[Solution], store: EvaluationStore, address: str, lanes: int) -> list[Any]:
    """All of the evaluations of some solutions that is not measured."""
    scoped = Scoped.read(folder / "scope")
    found = []
    with tempfile.TemporaryDirectory() as scratch:
        harness = Harness(
            scoped.task,
            folder / "train",
            data=scoped.data,
            store=store,
            workers=connect(address),
            scratch=Path(scratch),
            memory_mb=LIMITS.memory_mb,
            lanes=lanes,
        )
        for solution in solutions:
            each = harness.evaluate(
                solution,
                seconds=lambda: LIMITS.seconds,
                give_up=lambda scores: "hopeless" if max(scores) < 0.5 else None,
            )
            predictions = None if each.predictions is None else each.predictions.tobytes()
            found.append((each.status, each.reason, each.score, each.fold_scores, predictions, each.fits))
    return found


@pytest.fixture(scope="module")
def known(folder: Path, solutions: list[Solution], workers_address: str) -> tuple[list[Any], Path]:
    """What comes of the solutions with an empty store, on one lane; and the store that this leaves."""
    store = EvaluationStore(str(folder / "store"))
    found = outcomes(folder, solutions, store, workers_address, lanes=1)
    assert [status for status, *_ in found] == ["ok", "ok", "failed", "pruned"]
    return found, folder / "store"


def put_in_state(path: Path, state: str, other: bytes) -> None:
    """What may have become of a record."""
    if state == "absent":
        path.unlink()
    elif state == "truncated":
        path.write_bytes(path.read_bytes()[:-7])
    elif state == "of another":
        path.write_bytes(other)
    elif state in ("timeout", "out_of_memory"):
        EvaluationStore(str(path.parents[1])).put(path.stem, Record(state, SMALLER, "of a run with smaller limits"))


@pytest.mark.slow
@settings(max_examples=8, phases=[Phase.generate])  # shrinking would take minutes of fits
@given(
    data=st.data(), lanes=st.integers(1, 3), delays=st.lists(st.sampled_from([0.0, 0.01, 0.03]), min_size=5, max_size=5)
)
def test_what_is_stored_and_which_fold_is_done_first_change_nothing(
    folder: Path,
    solutions: list[Solution],
    known: tuple[list[Any], Path],
    workers_address: str,
    data: st.DataObject,
    lanes: int,
    delays: list[float],
) -> None:
    expected, full = known
    with tempfile.TemporaryDirectory() as place:
        store = Path(shutil.copytree(full, Path(place) / "store"))
        *records, last = sorted(store.rglob("*.npz"))
        for path in records:
            put_in_state(path, data.draw(st.sampled_from(STATES), label=path.stem[:8]), last.read_bytes())
        assert outcomes(folder, solutions, _Delayed(str(store), delays), workers_address, lanes) == expected
        assert {path.name for path in full.rglob("*.npz")} <= {path.name for path in store.rglob("*.npz")}


@pytest.mark.parametrize(
    "sections",
    [
        {"task": {"target": "other"}},
        {"task": {"target": "target"}, "constraints": {"forbidden_features": ["bmi"]}},
        {"task": {"target": "target", "metric": "mae"}},
    ],
    ids=["another target", "fewer features", "another metric"],
)
def test_records_of_another_task_on_the_same_data_are_not_taken(
    workers_address: str, tmp_path: Path, sections: dict[str, Any]
) -> None:
    table = load_diabetes(as_frame=True).frame.iloc[:100]
    table["other"] = table["target"].to_numpy()[::-1] + table["bmi"]
    plain = []
    for name in ("shared", "fresh"):
        store = tmp_path / name
        if name == "shared":
            (tmp_path / "first").mkdir()
            scoped(tmp_path / "first", table, store, task={"target": "target"})
        (tmp_path / f"second-{name}").mkdir()
        second = scoped(tmp_path / f"second-{name}", table, store, **sections)
        plain.append(Scoped.read(second / "scope").plain_score)
    assert plain[0] == plain[1]


@pytest.mark.parametrize("model", ["lightgbm", "catboost", "extra_trees", "hist_gradient_boosting", "logistic"])
def test_a_model_that_is_fitted_again_is_the_same_file(
    folder: Path, workers_address: str, tmp_path: Path, model: str
) -> None:
    task = Scoped.read(folder / "scope").task
    started = [each.solution for each in RecipeProposer(task).starts()]
    program = render(next(each for each in started if each.blocks["model"].name == model), task)
    files = [tmp_path / "first.skops", tmp_path / "second.skops"]
    for path in files:
        fit_and_save(connect(workers_address), program, task, folder / "train", path, LIMITS)
    assert files[0].read_bytes() == files[1].read_bytes()
    with connect(workers_address).session(program, seed=0, threads=FIT_THREADS, limits=LIMITS) as session:
        session.fit(folder / "train" / "features.arrow", folder / "train" / "target.arrow")
        fitted = session.predict(folder / "train" / "features.arrow")
    with connect(workers_address).session(program, seed=0, threads=FIT_THREADS, limits=LIMITS) as session:
        session.load(files[0])
        loaded = session.predict(folder / "train" / "features.arrow")
    assert np.array_equal(fitted.values, loaded.values)
