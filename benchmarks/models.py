"""What the models of runs are worth: how far behind the best one, what they add to an average with it, what they took.

    python benchmarks/models.py runs/benchmark/*-mlestar-60s-0

Of every model, the best candidate that ran to its end on all folds is compared, by out-of-fold predictions; no test
label is read. Differences are in per cent of the best candidate's lead over the same prediction for every row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from mlestar.data import Task
from mlestar.data.tables import read_arrow
from mlestar.evaluation.folds import read_target
from mlestar.evaluation.metrics import get_metric
from mlestar.files import read_json
from mlestar.solution import Solution
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.scoped import Scoped
from mlestar.validation import trivial_predictions

__all__ = ["Run", "holdout_predictions", "imported"]

WEIGHTS = (0.2, 0.35, 0.5)  # of the other model in an average with the best one


def imported(program: str) -> Any:
    """The module that a program is."""
    module = ModuleType("solution")
    sys.modules["solution"] = module  # where its classes look for themselves
    exec(compile(program, "solution.py", "exec", dont_inherit=True), module.__dict__)
    return module


def holdout_predictions(folder: Path, task: Task, job: tuple[str, int]) -> np.ndarray:
    """Predictions for the holdout (rows, outputs) of a program that is fitted on the training rows.

    Parameters
    ----------
    folder
        Of what scope wrote.
    task
        Of the run.
    job
        The program, and what is added to its seed.
    """
    program, seed = job
    module = imported(program)
    module.CONTEXT = replace(module.CONTEXT, seed=module.CONTEXT.seed + seed)
    y = read_target(folder / "train", task)
    y = np.array(module.CLASSES, dtype=object)[y.astype(int)] if task.is_classification else y
    fitted = module.Solution().fit(read_arrow(folder / "train" / "features.arrow"), y)
    rows = read_arrow(folder / "holdout" / "features.arrow")
    return fitted.predict_proba(rows) if task.is_classification else np.reshape(fitted.predict(rows), (len(rows), -1))


class Run:
    """The candidates of all branches of a run that has ended."""

    def __init__(self, folder: Path) -> None:
        self.scope_dir = Path(read_json(folder / "pipeline" / "outputs.json")["scope"])
        scoped = Scoped.read(self.scope_dir)
        self.task, self._trivial = scoped.task, scoped.baseline["score"]
        self._metric = get_metric(self.task.metric, self.task.type)
        self._train, self._holdout = (
            read_target(self.scope_dir.with_name(name), self.task) for name in ("train", "holdout")
        )
        self._all, self.seconds = Candidates(), {}
        for directory in sorted(self.scope_dir.parent.parent.glob("for-loop-*/refine*/refined")):
            found = Candidates.read(directory)
            self._all.programs |= found.programs
            self._all.predictions |= found.predictions
            for each in found.entries:
                if each.status == "ok":  # the other branch may have stopped the same one early
                    self._all.append(each)
                self.seconds[each.branch] = max(each.elapsed, self.seconds.get(each.branch, 0.0))

    @property
    def best_of_each_model(self) -> list[Candidate]:
        """The best first."""
        found: dict[str, Candidate] = {}
        for each in sorted(self._all.entries, key=lambda each: -self._sign * each.score):
            found.setdefault(each.recipes["model"], each)
        return list(found.values())

    def best(self, branch: int, stages: Collection[str]) -> Candidate:
        """The best of what a branch tried in these stages."""
        tried = (each for each in self._all.entries if each.branch == branch and each.stage in stages)
        return max(tried, key=lambda each: self._sign * each.score)

    def program(self, candidate: Candidate) -> str:
        return self._all.programs[candidate.id]

    def solution(self, candidate: Candidate) -> Solution:
        return self._all.solution(candidate.id)

    def predictions(self, candidate: Candidate) -> np.ndarray:
        """Out of fold (rows, outputs)."""
        return self._all.predictions[candidate.id]

    def lead(self, candidate: Candidate) -> float:
        """By how much its score by cross-validation is better than that of the same prediction for every row."""
        return self._sign * (candidate.score - self._trivial)

    def gain(self, predictions: np.ndarray) -> float:
        """By how much predictions of the training rows (those without a NaN) are better than the same for every row."""
        known = np.isfinite(predictions).all(axis=1)
        return self._sign * (self._score(self._train[known], predictions[known]) - self._trivial)

    def gain_on_holdout(self, predictions: np.ndarray) -> float:
        """The same of the holdout."""
        trivial, labels = trivial_predictions(self.task, self._train, len(self._holdout))
        constant = self._metric.score(self._holdout, trivial, labels)
        return self._sign * (self._score(self._holdout, predictions) - constant)

    @property
    def _sign(self) -> int:
        return 1 if self._metric.greater_is_better else -1

    def _score(self, y: np.ndarray, predictions: np.ndarray) -> float:
        if self.task.is_classification:
            return self._metric.score(y, predictions, predictions.argmax(axis=1))
        return self._metric.score(y, predictions.reshape(y.shape), None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run.py has left")
    heads = ["run", "best", "model", "behind, %", "an average adds, %", "its weight", "seconds", "of the branch's"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|---|---|---|{'---:|' * 5}\n")
    for folder in parser.parse_args().runs:
        for row in _rows(Run(folder / "run")):
            sys.stdout.write(f"| {' | '.join([folder.name, *row])} |\n")


def _rows(run: Run) -> Iterator[list[str]]:
    first, *others = run.best_of_each_model
    lead = run.gain(run.predictions(first))
    for other in others:
        alone, *averages = (
            run.gain((1 - weight) * run.predictions(first) + weight * run.predictions(other))
            for weight in (1.0, *WEIGHTS)
        )
        weight, together = max(zip(WEIGHTS, averages, strict=True), key=lambda each: each[1])
        figures = [f"{100 * (1 - alone / lead):.1f}", f"{100 * (together / lead - 1):+.2f}", f"{weight:g}"]
        seconds = [f"{other.seconds:.1f}", f"{run.seconds[other.branch]:.0f}"]
        yield [first.recipes["model"], other.recipes["model"], *figures, *seconds]


if __name__ == "__main__":
    main()
