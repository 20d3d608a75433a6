"""What it adds to fit every member of an ensemble several times, with other seeds, and to predict the mean.

    python benchmarks/development.py
    export MLESTAR_BENCH_DATA=runs/development
    python benchmarks/run.py --seconds 60 --systems mlestar --out runs/repeats --results runs/repeats.csv
    python benchmarks/repeats.py runs/repeats/*-mlestar-60s-0

Fits the program of each run on the training rows of its task, with every member fitted once, twice and three times,
from several seeds, and scores the test rows. Of the tasks of development.py, that is: other test labels are for final
scores only. Prints the means over seeds, the standard deviation of one fit, and the seconds of a fit.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scores import score_of
from systems import DATA, ROOT

from mlestar.data import Task
from mlestar.files import read_json
from mlestar.recipes import find_recipe
from mlestar.solution import read_program, render

FITS, SEEDS = (1, 2, 3), (0, 10, 20, 30)  # a member's fits take seeds that follow each other


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run.py has left")
    arguments = parser.parse_args()
    if ROOT / "runs" not in DATA.resolve().parents:
        parser.error(f"{DATA} holds no development tasks: set MLESTAR_BENCH_DATA to what development.py wrote")
    tasks = json.loads((DATA / "tasks.json").read_text(encoding="utf-8"))
    sys.stdout.write("| task | metric | one fit | deviation | seconds | two | seconds | three | seconds |\n")
    sys.stdout.write(f"|---|---|{'---:|' * 7}\n")
    for folder in arguments.runs:
        name = json.loads((folder / "spec.yaml").read_text(encoding="utf-8"))["name"]
        found = np.array([[_fitted(folder / "run", name, tasks[name], n, seed) for seed in SEEDS] for n in FITS])
        (one, *more), seconds = found[..., 0].mean(axis=1), found[..., 1].mean(axis=1)
        cells = [f"{one:.5g}", f"{found[0, :, 0].std(ddof=1):.2g}", f"{seconds[0]:.1f}"]
        for score, taken in zip(more, seconds[1:], strict=True):
            cells += [f"{score:.5g}", f"{taken:.1f}"]
        sys.stdout.write(f"| {name} | {tasks[name]['metric']} | {' | '.join(cells)} |\n")
        sys.stdout.flush()


def _fitted(run: Path, name: str, task: dict, fits: int, seed: int) -> tuple[float, float]:
    """The score on the test rows, and the seconds of the fit."""
    solution = read_program((run / "solution.py").read_text(encoding="utf-8"))
    combine = solution.combine or find_recipe("combine", "weighted").block()
    known = Task.model_validate(read_json(run / "model" / "model.json")["task"])
    program = render(dataclasses.replace(solution, combine=combine, fits=fits), known.model_copy(update={"seed": seed}))
    with tempfile.TemporaryDirectory() as folder:
        path, model, predictions = (Path(folder) / each for each in ("solution.py", "model.skops", "predictions.csv"))
        path.write_text(program, encoding="utf-8")
        started = time.monotonic()
        _run(path, "fit", DATA / name / "train.csv", "--model", model)
        seconds = time.monotonic() - started
        _run(path, "predict", DATA / name / "test.csv", "--model", model, "--out", predictions)
        return score_of(name, task, predictions), seconds


def _run(*command: object) -> None:
    subprocess.run([sys.executable, *map(str, command)], check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
