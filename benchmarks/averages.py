"""What averages of a run's candidates score on its holdout, with every member fitted once or several times.

    python benchmarks/averages.py runs/benchmark/*-mlestar-300s-0

Of every model, the best candidate of each run is fitted on the training rows, from several seeds, and predicts the
holdout, which the run itself opens only after everything is chosen; no test label is read. Prints by how much more than
the best candidate with one fit each average scores, in per cent of the lead that it has over the same prediction for
every row, and by how much the score of one fit varies.
"""

from __future__ import annotations

import argparse
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from models import Run, holdout_predictions

from mlestar.stages.environment import cores

FITS, SEEDS, MODELS = (1, 2, 3, 5), 5, (1, 2, 3, 5)
_FURTHER = 100  # between seeds, which members with several fits count up from


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run.py has left")
    heads = ["run", "models", *(f"{each} fits, %" for each in FITS), "deviation of one, %"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|---|{'---:|' * (len(heads) - 1)}\n")
    for folder in parser.parse_args().runs:
        run = Run(folder / "run")
        best = [each for each in run.best_of_each_model if not run.solution(each).needs_out_of_fold][: max(MODELS)]
        jobs = [(run.program(each), seed * _FURTHER) for each in best for seed in range(SEEDS)]
        with ProcessPoolExecutor(cores()) as pool:
            found = list(pool.map(partial(holdout_predictions, run.scope_dir.parent, run.task), jobs))
        holdout = np.array(found).reshape(len(best), SEEDS, *found[0].shape)
        for count in [each for each in MODELS if each <= len(best)]:
            _write_row(run, folder.name, holdout, count)


def _write_row(run: Run, name: str, holdout: np.ndarray, count: int) -> None:
    """Means over all ways to take so many seeds that follow each other."""

    def gain(models: int, fits: int, first: int) -> float:
        seeds = [(first + number) % SEEDS for number in range(fits)]
        return run.gain_on_holdout(holdout[:models, seeds].mean(axis=(0, 1)))

    lead = np.mean([gain(1, 1, first) for first in range(SEEDS)])
    gains = {fits: [gain(count, fits, first) for first in range(SEEDS)] for fits in FITS}
    cells = [f"{100 * (np.mean(each) / lead - 1):+.2f}" for each in gains.values()]
    sys.stdout.write(f"| {name} | {count} | {' | '.join(cells)} | {100 * np.std(gains[1]) / lead:.2f} |\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
