"""Run systems side by side on the benchmark tasks: equal wall clock, one at a time, scored on held-back labels."""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
from scores import score_of, trivial_score
from stages import STAGES, stage_gains
from summary import budget_table, plain_table, rank_table, score_table, stage_table, wall_clock_table
from systems import DATA, ROOT, SYSTEMS, machine

RESULTS = ROOT / "benchmarks" / "results.csv"
KEY = ["system", "budget", "task", "seed"]
OVERRUN = 1.05  # of the budget, beyond which a peer is run again with less


@dataclass(frozen=True)
class Row:
    """One run of one system on one task.

    Attributes
    ----------
    given : float
        Seconds that it was told: the budget, or less where it had overrun that before.
    score : float
        The task's metric on the test rows; NaN where it delivered no predictions.
    seconds : float
        Wall clock from the start of the process to its end.
    peak_mb : float
        Largest resident memory of any one of its processes.
    exit_code : int
    gains : dict
        Of mlestar, what each stage added, see :func:`stages.stage_gains`; a column each.
    """

    task: str
    system: str
    budget: float
    seed: int
    metric: str
    score: float
    seconds: float
    peak_mb: float
    exit_code: int
    version: str
    machine: str
    given: float
    gains: dict[str, float] = field(default_factory=dict)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", default="120", help="wall clock that each system gets per task; comma-separated")
    parser.add_argument("--tasks", default="", help="comma-separated; all by default")
    parser.add_argument("--systems", default="mlestar,plain", help=f"comma-separated, of {', '.join(SYSTEMS)}")
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "benchmark", help="where runs are kept")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the CSV file of all rows")
    parser.add_argument("--resume", action="store_true", help="leave out what this version was measured on already")
    parser.add_argument("--summary", action="store_true", help="run nothing, print the tables of the results")
    arguments = parser.parse_args()
    tasks = json.loads((DATA / "tasks.json").read_text(encoding="utf-8"))
    if not arguments.summary:
        names = arguments.tasks.split(",") if arguments.tasks else list(tasks)
        budgets, seeds = map(float, arguments.seconds.split(",")), map(int, arguments.seeds.split(","))
        systems = arguments.systems.split(",")
        out = arguments.out.resolve()  # systems run in folders of their own
        versions = {system: SYSTEMS[system].version() for system in systems}
        for seconds, name, seed, system in itertools.product(budgets, names, seeds, systems):
            key = dict(zip(KEY, (system, seconds, name, seed), strict=True))
            if arguments.resume and _is_known(key, versions[system], arguments.results):
                continue
            folder = out / f"{name}-{system}-{seconds:g}s-{seed}"
            row = _run(tasks[name], folder, key, versions[system], given=seconds)
            if SYSTEMS[system].is_peer and row.seconds > OVERRUN * seconds:
                row = _run(
                    tasks[name], folder, key, versions[system], given=max(2 * seconds - row.seconds, seconds / 4)
                )
            _record(row, arguments.results)
            sys.stderr.write(f"{row}\n")
    results = pd.read_csv(arguments.results)
    for budget, rows in results.groupby("budget"):
        sys.stdout.write(f"### {budget:g} s\n\n{score_table(rows, tasks)}\n{rank_table(rows, tasks)}\n")
        sys.stdout.write(f"{plain_table(rows, tasks)}\n{stage_table(rows, STAGES)}\n")
    own = results[results["system"] == "mlestar"]
    if own.empty:
        return
    trivial = {name: trivial_score(name, tasks[name]) for name in own["task"].unique()}
    sys.stdout.write(f"### Scores by budget\n\n{budget_table(own, tasks, trivial)}\n")
    sys.stdout.write(f"### Wall clock\n\n{wall_clock_table(own)}")


def _run(task: dict, folder: Path, key: dict, version: str, *, given: float) -> Row:
    shutil.rmtree(folder, ignore_errors=True)  # a run of mlestar would go on from the evaluations of the last
    folder.mkdir(parents=True)
    path = folder / "predictions.csv"
    started = time.monotonic()
    finished = SYSTEMS[key["system"]].run(key["task"], task, given, key["seed"], folder)
    elapsed = time.monotonic() - started
    return Row(
        **key,
        metric=task["metric"],
        score=score_of(key["task"], task, path) if path.exists() else float("nan"),
        seconds=round(elapsed, 2),
        peak_mb=finished.peak_mb,
        exit_code=finished.exit_code,
        version=version,
        machine=machine(),
        given=round(given, 2),
        gains=stage_gains(folder / "run"),
    )


def _is_known(key: dict, version: str, path: Path) -> bool:
    if not path.exists():
        return False
    results = pd.read_csv(path)
    return bool(((results[KEY] == pd.Series(key)).all(axis=1) & (results["version"] == version)).any())


def _record(row: Row, path: Path) -> None:
    """Write a row to the results, in place of an earlier run of the same."""
    values = asdict(row)
    new = pd.DataFrame([values | values.pop("gains")])
    results = pd.concat([pd.read_csv(path), new]) if path.exists() else new
    results = results.drop_duplicates(KEY, keep="last")
    results.sort_values(["system", "budget"], kind="stable").to_csv(path, index=False)


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
