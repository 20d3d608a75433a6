"""The tests that ship with a program: what holds for it on a sample of the rows, tried in a worker, written down."""

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mlestar.data.tables import write_arrow
from mlestar.data.task import Task
from mlestar.evaluation import (
    CandidateFailure,
    InvalidScore,
    Limits,
    Predictions,
    Session,
    Workers,
    connect,
    get_metric,
)
from mlestar.files import write_bytes
from mlestar.private_folders import private_folder
from mlestar.solution import FIT_THREADS, read_program
from mlestar.solution.input_changes import SAME_PREDICTIONS, STILL_PREDICTIONS
from mlestar.solution.program_tests import ROUNDING, SINGLE_ROWS, Evidence, Floor, render_tests
from mlestar.stages.sample import Sample, draw_sample
from mlestar.stages.scoped import memory_limit_mb
from mlestar.validation import trivial_predictions
from mlestar.validation.predictions import disagreement, joined, taken
from mlestar.validation.served import ServedModel

__all__ = ["SAMPLE_FILE", "TESTS_FILE", "write_tests"]

TESTS_FILE, SAMPLE_FILE = "test_solution.py", "sample.csv"

_LEAST_GAIN = 0.2  # of the way from the trivial score to the perfect one; what is less is noise on so few rows
_LONGEST_REASON = 200
_NO_TIME = "there was no time to try it"
_JUDGED_BY = {  # the check of the verdict that has asked the same of the judged model
    "reversed_columns": "column_order",
    "further_columns": "extra_columns",
    "some_values_missing": "missing_values",
    "all_values_missing": "missing_values",
    "unseen_values": "unseen_categories",
    "single_rows": "single_rows",
    "second_fit": "reproducibility",
}


def write_tests(
    directory: Path,
    program: str,
    task: Task,
    *,
    train_dir: Path,
    checks: Mapping[str, Mapping[str, Any]],
    workers: Workers,
    seconds: float,
) -> list[str]:
    """Write ``test_solution.py`` and its ``sample.csv``, and one of each auxiliary table, beside a program.

    The tests assert what holds here when the program is fitted on the sample, as they do.

    Parameters
    ----------
    directory : Path
    program : str
    task : Task
    train_dir : Path
        The training rows, of which the sample is drawn.
    checks : mapping
        The checks of the verdict by their ids; what the judged model failed is not asserted either.
    workers : Workers
    seconds : float
        What trying may take. What there was no time for is not asserted.

    Returns
    -------
    list of str
        The properties of the program that there was no time to try.
    """
    deadline = time.monotonic() + seconds
    solution = read_program(program)
    grouped = bool(task.group) and solution.needs_out_of_fold
    sample = draw_sample(task, train_dir, grouped=grouped, with_tables=solution.needs_tables)
    with private_folder() as scratch:
        failed = {
            name: checks[check]["summary"]
            for name, check in _JUDGED_BY.items()
            if check in checks and checks[check]["status"] == "fail"
        }
        trial = _Trial(program, task, sample, failed, workers, deadline, scratch)
        trial.run()
    write_bytes(directory / SAMPLE_FILE, sample.csv.encode())
    for name, text in sample.tables.items():
        write_bytes(directory / table_sample(name), text.encode())
    write_bytes(directory / TESTS_FILE, render_tests(task, trial.evidence).encode())
    return trial.untried


def table_sample(name: str) -> str:
    """The file with the rows of an auxiliary table that go with the sample."""
    return f"sample_{name}.csv"


class _Trial:
    """Fits a program on a sample, and notes what holds."""

    def __init__(
        self,
        program: str,
        task: Task,
        sample: Sample,
        failed: Mapping[str, str],
        workers: Workers,
        deadline: float,
        scratch: Path,
    ) -> None:
        self._program, self._task, self._sample, self._failed = program, task, sample, failed
        for name, table in sample.joined.items():
            write_arrow(table, scratch / "tables" / f"{name}.arrow")
        tables = {name: scratch / "tables" / f"{name}.arrow" for name in sample.joined}
        self._workers = connect(workers.address, workers.interrupted, tables)
        self._deadline, self._scratch = deadline, scratch
        self._new = sample.features.iloc[sample.fitted_rows :].reset_index(drop=True)
        self._held: set[str] = set()
        self._floors: list[Floor] = []
        self._left_out: list[str] = []

    @property
    def evidence(self) -> Evidence:
        """What was found."""
        return Evidence(
            rows=len(self._sample.features),
            fitted_rows=self._sample.fitted_rows,
            grouped="group" in self._sample.target,
            held=frozenset(self._held),
            floors=tuple(self._floors),
            left_out=tuple(self._left_out),
            tables={name: table_sample(name) for name in self._sample.tables},
        )

    @property
    def untried(self) -> list[str]:
        """The properties that there was no time for, in words."""
        found = (each.removesuffix(f": {_NO_TIME}") for each in self._left_out if each.endswith(_NO_TIME))
        return [each.replace("_", " ") for each in found]

    def run(self) -> None:
        """Try everything that there is time for."""
        seed, model = self._task.seed, self._scratch / "model.skops"
        write_arrow(self._sample.features.iloc[: self._sample.fitted_rows], self._scratch / "train.arrow")
        write_arrow(self._sample.target.iloc[: self._sample.fitted_rows], self._scratch / "target.arrow")
        write_arrow(self._new, self._scratch / "new.arrow")
        try:
            # One process for both fits: the second finds the global random state as the first has left it.
            with self._workers.session(self._program, seed=seed, threads=FIT_THREADS, limits=self._limits()) as session:
                expected = self._fitted(session)
                session.save(model)
                self._held.add("predictions")
                self._note("second_fit", lambda: self._fitted(session), expected)
        except CandidateFailure as failure:
            self._left_out.append(f"all that needs a fit: {_reason(failure)}")
            return
        self._note_scores(expected)
        served = ServedModel(
            self._workers,
            self._program,
            model,
            seed=seed,
            threads=FIT_THREADS,
            limits=self._limits,
            scratch=self._scratch,
        )
        with closing(served):
            self._note_served(served, expected)

    def _fitted(self, session: Session) -> Predictions:
        """Fit, and predict the rows that were not fitted on."""
        session.fit(self._scratch / "train.arrow", self._scratch / "target.arrow")
        return session.predict(self._scratch / "new.arrow")

    def _note_served(self, served: ServedModel, expected: Predictions) -> None:
        self._note("saved_model", lambda: served.predict(self._new), expected)
        for change in SAME_PREDICTIONS:
            self._note(change.__name__, partial(served.predict, change(self._new)), expected)
        for change in STILL_PREDICTIONS:
            self._note(change.__name__, partial(served.predict, change(self._new)))
        some = range(min(SINGLE_ROWS, len(self._new)))
        alone = (served.predict(self._new.iloc[[row]]) for row in some)
        self._note("single_rows", lambda: joined(list(alone)), taken(expected, slice(len(some))))

    def _note(self, name: str, predict: Callable[[], Predictions], expected: Predictions | None = None) -> None:
        """Whether there are predictions, and where others are ``expected``, the same."""
        if name in self._failed:
            self._left_out.append(f"{name}: of the judged model, validation says: {self._failed[name]}")
            return
        if time.monotonic() >= self._deadline:
            self._left_out.append(f"{name}: {_NO_TIME}")
            return
        try:
            found = predict()
        except CandidateFailure as failure:
            self._left_out.append(f"{name}: {_reason(failure)}")
            return
        differing = disagreement(expected, found)["rows_that_differ"] if expected else 0
        if differing:
            self._left_out.append(f"{name}: {differing} of {len(found.values)} rows are predicted differently")
        else:
            self._held.add(name)

    def _note_scores(self, expected: Predictions) -> None:
        """The metric of the task; of a classifier also its labels, which that need not judge."""
        names = [self._task.metric]
        if self._task.is_classification:
            self._note_probabilities(expected.values)
            names.append("balanced_accuracy")
        if "second_fit" not in self._held:  # its tests would fail at times, by chance
            self._left_out.append("scores: not known to be the same after a second fit")
            return
        for name in dict.fromkeys(names):
            self._note_score(name, expected)

    def _note_probabilities(self, values: np.ndarray) -> None:
        totals = values.sum(axis=1)
        if (values >= 0).all() and np.allclose(totals, 1, rtol=0, atol=ROUNDING):
            self._held.add("probabilities")
        else:
            self._left_out.append(f"probabilities: they sum to {totals.min():.6g} up to {totals.max():.6g}")

    def _note_score(self, name: str, expected: Predictions) -> None:
        metric = get_metric(name, self._task.type)
        fitted, truth = np.split(self._sample.y, [self._sample.fitted_rows])
        try:
            trivial = metric.score(truth, *trivial_predictions(self._task, fitted, len(truth)))
            score = metric.score(truth, expected.values, expected.labels)
        except InvalidScore as error:
            self._left_out.append(f"{name}: {error}")
            return
        if abs(score - trivial) >= _LEAST_GAIN * abs(metric.optimum - trivial) and metric.is_better(score, trivial):
            self._floors.append(Floor(name, score, trivial))
        else:
            reached = f"{score:.4g} on {len(truth)} rows, and the same prediction for every row {trivial:.4g}"
            self._left_out.append(f"{name}: the program reaches {reached}; too near for a bound")

    def _limits(self) -> Limits:
        return Limits(seconds=max(self._deadline - time.monotonic(), 0.0), memory_mb=memory_limit_mb())


def _reason(failure: CandidateFailure) -> str:
    if failure.status == "timeout":
        return _NO_TIME
    return f"{failure.status}, {textwrap.shorten(failure.reason, _LONGEST_REASON)}"
