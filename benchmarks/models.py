"""What the models of runs are worth: how far behind the best one, what they add to an average with it, what they took.

    python benchmarks/models.py runs/benchmark/*-mlestar-60s-0

Of every model, the best candidate that ran to its end on all folds is compared, by out-of-fold predictions; no test
label is read. Differences are in per cent of the best candidate's lead over the same prediction for every row.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from mlestar.data import Task
from mlestar.evaluation.folds import read_target
from mlestar.evaluation.metrics import get_metric
from mlestar.files import read_json
from mlestar.stages.candidates import Candidate, Candidates
from mlestar.stages.scoped import Scoped

WEIGHTS = (0.2, 0.35, 0.5)  # of the other model in an average with the best one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run.py has left")
    heads = ["run", "best", "model", "behind, %", "an average adds, %", "its weight", "seconds", "of the branch's"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|---|---|---|{'---:|' * 5}\n")
    for folder in parser.parse_args().runs:
        for row in _rows(folder / "run"):
            sys.stdout.write(f"| {' | '.join([folder.name, *row])} |\n")


def _rows(run: Path) -> Iterator[list[str]]:
    scope_dir = Path(read_json(run / "pipeline" / "outputs.json")["scope"])
    scoped = Scoped.read(scope_dir)
    y, sign = read_target(scope_dir.with_name("train"), scoped.task), _sign(scoped.task)
    entries, predictions, branch_seconds = {}, {}, {}
    for directory in sorted(scope_dir.parent.parent.glob("for-loop-*/refine*/refined")):
        found = Candidates.read(directory)
        entries |= {each.id: each for each in found.entries if each.id in found.predictions}
        predictions |= found.predictions
        branch_seconds |= {each.branch: each.elapsed for each in sorted(found.entries, key=lambda each: each.elapsed)}
    best: dict[str, Candidate] = {}
    for each in sorted(entries.values(), key=lambda each: -sign * each.score):
        best.setdefault(each.recipes["model"], each)
    (first_model, first), *others = best.items()
    leads = sign * (_score(scoped.task, y, predictions[first.id]) - scoped.baseline["score"])
    for model, other in others:
        alone, *averages = (
            sign * (_score(scoped.task, y, _average(predictions, first, other, weight)) - scoped.baseline["score"])
            for weight in (1.0, *WEIGHTS)
        )
        weight, together = max(zip(WEIGHTS, averages, strict=True), key=lambda each: each[1])
        figures = [f"{100 * (1 - alone / leads):.1f}", f"{100 * (together / leads - 1):+.2f}", f"{weight:g}"]
        yield [first_model, model, *figures, f"{other.seconds:.1f}", f"{branch_seconds[other.branch]:.0f}"]


def _average(predictions: dict[str, np.ndarray], first: Candidate, other: Candidate, weight: float) -> np.ndarray:
    return (1 - weight) * predictions[first.id] + weight * predictions[other.id]


def _score(task: Task, y: np.ndarray, predictions: np.ndarray) -> float:
    known = np.isfinite(predictions).all(axis=1)
    found, truth = predictions[known], y[known]
    if task.is_classification:
        return get_metric(task.metric, task.type).score(truth, found, found.argmax(axis=1))
    return get_metric(task.metric, task.type).score(truth, found.reshape(truth.shape), None)


def _sign(task: Task) -> int:
    return 1 if get_metric(task.metric, task.type).greater_is_better else -1


if __name__ == "__main__":
    main()
