"""A session fits, predicts, saves and loads as the program would by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from mlestar.data.tables import write_arrow
from mlestar.evaluation import CandidateFailure, Limits, Workers
from mlestar.evaluation.session import WorkersLost, connect

LIMITS = Limits(seconds=60, memory_mb=1000)

LOGISTIC = {
    "classes": ("malignant", "benign"),
    "helpers": """
        from sklearn.linear_model import LogisticRegression
        from sklearn.pipeline import make_pipeline
        from sklearn.preprocessing import StandardScaler
    """,
    "fit": "self.pipeline_ = make_pipeline(StandardScaler(), LogisticRegression()).fit(X, y == 'benign')",
    "predict_proba": "return self.pipeline_.predict_proba(X)",
    "predict": "return np.array(CLASSES, dtype=object)[self.predict_proba(X).argmax(axis=1)]",
}


@pytest.fixture(scope="module")
def cancer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Training and validation files of the breast cancer data; every third row validates."""
    folder = tmp_path_factory.mktemp("cancer")
    features, target = load_breast_cancer(return_X_y=True, as_frame=True)
    rows = np.arange(len(features))
    for name, chosen in (("train", rows % 3 > 0), ("valid", rows % 3 == 0)):
        write_arrow(features, folder / f"{name}.arrow", rows=chosen)
        write_arrow(pd.DataFrame({"target": target}), folder / f"{name}_target.arrow", rows=chosen)
    return folder


def test_predictions_are_those_of_the_model_itself(any_workers: Workers, program: Callable[..., str], cancer: Path):
    features, target = load_breast_cancer(return_X_y=True, as_frame=True)
    valid = np.arange(len(features)) % 3 == 0
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(features[~valid], target[~valid])
    with any_workers.session(program(**LOGISTIC), seed=0, threads=1, limits=LIMITS) as session:
        session.fit(cancer / "train.arrow", cancer / "train_target.arrow")
        predictions = session.predict(cancer / "valid.arrow")
    np.testing.assert_allclose(predictions.values, model.predict_proba(features[valid]), rtol=1e-6)
    assert predictions.labels is not None
    np.testing.assert_array_equal(predictions.labels, model.predict(features[valid]))


def test_a_saved_model_predicts_the_same(
    any_workers: Workers, program: Callable[..., str], cancer: Path, tmp_path: Path
):
    with any_workers.session(program(**LOGISTIC), seed=0, threads=1, limits=LIMITS) as session:
        session.fit(cancer / "train.arrow", cancer / "train_target.arrow")
        fitted = session.predict(cancer / "valid.arrow")
        session.save(tmp_path / "model.skops")
    with any_workers.session(program(**LOGISTIC), seed=0, threads=1, limits=LIMITS) as session:
        session.load(tmp_path / "model.skops")
        loaded = session.predict(cancer / "valid.arrow")
    np.testing.assert_array_equal(loaded.values, fitted.values)


def test_combine_fits_on_one_stack_and_predicts_for_another(
    workers: Workers, program: Callable[..., str], tmp_path: Path
):
    members = np.random.default_rng(0).normal(size=(40, 2, 1))
    np.save(tmp_path / "known.npy", members[:30])
    np.save(tmp_path / "new.npy", members[30:])
    write_arrow(pd.DataFrame({"target": members[:30] @ [1.0] @ [0.25, 0.75]}), tmp_path / "target.arrow")
    combination = """
        class Weights:
            def predict(self, stack):
                return np.tensordot(stack, self.weights, (1, 0)), None

        weights = Weights()
        weights.weights = np.linalg.lstsq(stack[:, :, 0], y)[0]
        return weights
    """
    with workers.session(program(combine=combination), seed=0, threads=1, limits=LIMITS) as session:
        predictions = session.combine(tmp_path / "known.npy", tmp_path / "target.arrow", tmp_path / "new.npy")
    np.testing.assert_allclose(predictions.values[:, 0], members[30:, :, 0] @ [0.25, 0.75])


def test_several_targets_and_groups_reach_the_program(workers: Workers, program: Callable[..., str], tmp_path: Path):
    target = pd.DataFrame({"target_0": [1.0, 2.0], "target_1": [3.0, 5.0], "group": ["a", "b"]})
    write_arrow(target, tmp_path / "target.arrow")
    write_arrow(pd.DataFrame({"number": [0.0, 1.0]}), tmp_path / "features.arrow")
    code = program(fit="self.y_ = y * [[10], [1]] if list(groups) == ['a', 'b'] else y", predict="return self.y_")
    with workers.session(code, seed=0, threads=1, limits=LIMITS) as session:
        session.fit(tmp_path / "features.arrow", tmp_path / "target.arrow")
        predictions = session.predict(tmp_path / "features.arrow")
    np.testing.assert_array_equal(predictions.values, [[10.0, 30.0], [2.0, 5.0]])


def test_seed_and_threads_reach_the_program(workers: Workers, program: Callable[..., str], tables: tuple[Path, Path]):
    code = program(
        helpers="from threadpoolctl import threadpool_info\nimport random",
        predict="""
            found = [CONTEXT.seed, CONTEXT.threads, max(pool["num_threads"] for pool in threadpool_info())]
            return np.array(found + [random.random(), np.random.random()] + [0] * (len(X) - 5))
        """,
    )

    def run(seed: int) -> list[float]:
        with workers.session(code, seed=seed, threads=2, limits=LIMITS) as session:
            session.fit(*tables)
            return list(session.predict(tables[0]).values[:5, 0])

    first = run(7)
    assert first[:3] == [7, 2, 2]
    assert run(7) == first
    assert run(8)[3:] != first[3:]


def test_a_program_may_change_its_tables(workers: Workers, program: Callable[..., str], tables: tuple[Path, Path]):
    code = program(predict="X['number'] += 1; X.loc[0, 'number'] = 0; return X['number']")
    with workers.session(code, seed=0, threads=1, limits=LIMITS) as session:
        session.fit(*tables)
        first, second = session.predict(tables[0]), session.predict(tables[0])
    np.testing.assert_array_equal(first.values, second.values)


def test_sessions_beyond_the_cores_wait_and_then_run(
    workers: Workers, program: Callable[..., str], tables: tuple[Path, Path]
):
    at_work: list[int] = []
    both = threading.Barrier(2)

    def run(number: int) -> float:
        with workers.session(
            program(predict=f"return np.full(len(X), {number})"), seed=0, threads=1, limits=LIMITS
        ) as s:
            at_work.append(number)
            if len(at_work) <= 2:
                both.wait(30)  # the server has two cores
            s.fit(*tables)
            value = s.predict(tables[0]).values[0, 0]
            at_work.remove(number)
            return float(value)

    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(run, range(6))) == [0, 1, 2, 3, 4, 5]


def test_measured_time_and_memory_are_those_of_the_phase(
    workers: Workers, program: Callable[..., str], tables: tuple[Path, Path]
):
    with workers.session(
        program(fit="self.x_ = np.ones(25_000_000); time.sleep(0.3)"), seed=0, threads=1, limits=LIMITS
    ) as session:
        phase = session.fit(*tables)
    assert phase.seconds >= 0.3
    assert 200 <= phase.peak_mb < 300


def test_a_failing_program_is_named_with_its_line(
    workers: Workers, program: Callable[..., str], tables: tuple[Path, Path]
):
    code = program(fit="missing = X['colour']")
    with workers.session(code, seed=0, threads=1, limits=LIMITS) as session:
        with pytest.raises(
            CandidateFailure, match=r"KeyError: 'colour'.*line \d+, in fit: missing = X\['colour'\]"
        ) as e:
            session.fit(*tables)
        assert e.value.status == "failed"
        with pytest.raises(CandidateFailure, match="colour"):
            session.predict(tables[0])


def test_a_file_that_is_not_there_is_the_callers_mistake(workers: Workers, program: Callable[..., str], tmp_path: Path):
    with (
        workers.session(program(), seed=0, threads=1, limits=LIMITS) as session,
        pytest.raises(FileNotFoundError, match=r"absent\.arrow"),
    ):
        session.fit(tmp_path / "absent.arrow", tmp_path / "absent.arrow")


def test_an_address_without_a_server(program: Callable[..., str], tmp_path: Path):
    with (
        pytest.raises(WorkersLost, match="does not answer"),
        connect(str(tmp_path / "socket")).session(program(), seed=0, threads=1, limits=LIMITS),
    ):
        pass
