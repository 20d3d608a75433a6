"""Whether what refinement gains in cross-validation holds on rows that nothing was chosen on.

    python benchmarks/refinement.py runs/benchmark/*-mlestar-300s-*

Of every branch, the best candidate after search and the best after all rounds of ablate and refine are fitted on the
training rows, from several seeds, and predict the holdout, which the run itself opens only after everything is chosen;
no test label is read. Prints by how much the latter is better, by cross-validation and on the holdout, in per cent of
the former's lead over the same prediction for every row; the last lines are means over runs, by task and of all.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from models import Run, holdout_predictions

from mlestar.stages.candidates import Candidate
from mlestar.stages.environment import cores

SEEDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run.py has left")
    sys.stdout.write("| run | branch | by cross-validation, % | on the holdout, % |\n|---|---:|---:|---:|\n")
    tasks: dict[str, list[tuple[float, float]]] = {}
    for folder in parser.parse_args().runs:
        run = Run(folder / "run")
        for branch, *gains in _gains(run):
            _write(folder.name, str(branch), gains)
            tasks.setdefault(run.task.name, []).append((gains[0], gains[1]))
    for task, found in tasks.items():
        _write(task, "mean", list(np.mean(found, axis=0)))
    means = np.array([np.mean(found, axis=0) for found in tasks.values()])
    _write("all tasks", "mean", list(means.mean(axis=0)))
    _write("all tasks", "its standard error", list(means.std(axis=0, ddof=1) / len(means) ** 0.5))


def _write(name: str, branch: str, gains: list[float]) -> None:
    sys.stdout.write(f"| {name} | {branch} | {gains[0]:+.2f} | {gains[1]:+.2f} |\n")
    sys.stdout.flush()


def _gains(run: Run) -> Iterator[tuple[int, float, float]]:
    """The branch, by how much refinement is better by cross-validation, and on the holdout."""
    for branch in sorted(run.seconds):
        first, last = run.best(branch, {"search"}), run.best(branch, {"search", "ablate", "refine"})
        if first.id == last.id:
            yield branch, 0.0, 0.0
            continue
        before, after = _on_holdout(run, [first, last])
        yield branch, 100 * (run.lead(last) / run.lead(first) - 1), 100 * (after / before - 1)


def _on_holdout(run: Run, candidates: list[Candidate]) -> np.ndarray:
    """The gain of each candidate (candidates,): the mean over fits from several seeds."""
    jobs = [(run.program(each), seed) for each in candidates for seed in range(SEEDS)]
    with ProcessPoolExecutor(cores()) as pool:
        found = pool.map(partial(holdout_predictions, run.scope_dir.parent, run.task), jobs)
        return np.reshape([run.gain_on_holdout(each) for each in found], (len(candidates), SEEDS)).mean(axis=1)


if __name__ == "__main__":
    main()
