"""Run systems side by side on the benchmark tasks: equal wall clock, one at a time, scored on held-back labels."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

from mlestar.evaluation.metrics import get_metric

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(os.environ.get("MLESTAR_BENCH_DATA", ROOT.parent / "shared" / "data"))
RESULTS = ROOT / "benchmarks" / "results.csv"
TIME_COLUMNS = {"bike-sharing-hour": "dteday"}  # which tasks.json describes in words only
TASK_TYPES = {"binary": "binary", "multiclass": "multiclass", "regression": "regression"}


@dataclass(frozen=True)
class Row:
    """One run of one system on one task.

    Attributes
    ----------
    score : float
        The task's metric on the test rows.
    seconds : float
        Wall clock from the start of the process to its end.
    peak_mb : float
        Largest resident memory of any one of its processes.
    exit_code : int
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", default="120", help="wall clock that each system gets per task; comma-separated")
    parser.add_argument("--tasks", default="", help="comma-separated; all by default")
    parser.add_argument("--systems", default="mlestar,plain", help=f"comma-separated, of {', '.join(SYSTEMS)}")
    parser.add_argument("--seeds", default="0", help="comma-separated")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "benchmark", help="where runs are kept")
    parser.add_argument(
        "--summary", action="store_true", help="run nothing, print the tables of benchmarks/results.csv"
    )
    arguments = parser.parse_args()
    tasks = json.loads((DATA / "tasks.json").read_text(encoding="utf-8"))
    if not arguments.summary:
        names = arguments.tasks.split(",") if arguments.tasks else list(tasks)
        budgets, seeds = map(float, arguments.seconds.split(",")), map(int, arguments.seeds.split(","))
        for seconds, name, seed, system in itertools.product(budgets, names, seeds, arguments.systems.split(",")):
            folder = arguments.out / f"{name}-{system}-{seconds:g}s-{seed}"
            row = _run(system, name, tasks[name], seconds, seed, folder)
            _record(row)
            sys.stderr.write(f"{row}\n")
    results = pd.read_csv(RESULTS)
    for budget, rows in results.groupby("budget"):
        sys.stdout.write(f"### {budget:g} s\n\n{score_table(rows, tasks)}\n")
    sys.stdout.write(f"### Wall clock\n\n{wall_clock_table(results[results['system'] == 'mlestar'])}")


def _run(system: str, name: str, task: dict, seconds: float, seed: int, folder: Path) -> Row:
    folder.mkdir(parents=True, exist_ok=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    started = time.monotonic()
    code = SYSTEMS[system](name, task, seconds, seed, folder)
    elapsed = time.monotonic() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    path = folder / "predictions.csv"
    return Row(
        task=name,
        system=system,
        budget=seconds,
        seed=seed,
        metric=task["metric"],
        score=_score(name, task, path) if path.exists() else float("nan"),
        seconds=round(elapsed, 2),
        peak_mb=round(max(before, after) / 1024, 1),
        exit_code=code,
        version=f"{version('mlestar')} {_commit()}" if system == "mlestar" else version("scikit-learn"),
    )


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def run_mlestar(name: str, task: dict, seconds: float, seed: int, folder: Path) -> int:
    """`mlestar run` on a spec that says what tasks.json says, and nothing else."""
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": name,
        "data": {"train": str(DATA / name / "train.csv"), "test": str(DATA / name / "test.csv")},
        "task": {"target": task["target"], "metric": task["metric"]},
        "constraints": {"forbidden_features": task["drop"]},
        "budget": {"wall_clock": seconds},
        "seed": seed,
    }
    if task["kind"] == "regression":
        spec["task"]["type"] = "regression"
    if "group_col" in task:
        spec["task"]["group"] = task["group_col"]
    if task["modality"] == "time-ordered":
        spec["task"]["time"] = TIME_COLUMNS[name]
    path = folder / "spec.yaml"
    path.write_text(json.dumps(spec, indent=1), encoding="utf-8")
    mlestar = Path(sys.executable).with_name("mlestar")
    with (folder / "log.txt").open("wb") as log:
        command = [mlestar, "run", path, "--out", folder / "run", "--unblessed"]
        code = subprocess.run(command, stdout=log, stderr=log, check=False).returncode
    if (folder / "run" / "predictions.csv").exists():
        shutil.copyfile(folder / "run" / "predictions.csv", folder / "predictions.csv")
    return code


def run_plain(name: str, task: dict, seconds: float, seed: int, folder: Path) -> int:
    """scikit-learn's histogram gradient boosting with its defaults over ordinal codes."""
    command = [sys.executable, ROOT / "benchmarks" / "plain.py", DATA / name, task["target"], task["kind"], folder]
    return subprocess.run([*map(str, command), ",".join(task["drop"]), str(seed)], check=False).returncode


SYSTEMS: dict[str, Callable[[str, dict, float, int, Path], int]] = {"mlestar": run_mlestar, "plain": run_plain}


def _score(name: str, task: dict, path: Path) -> float:
    """Score a predictions file against the held-back labels."""
    metric = get_metric(task["metric"], TASK_TYPES[task["kind"]])
    truth = pd.read_csv(DATA / name / "test_labels.csv")[task["target"]]
    found = pd.read_csv(path)
    if task["kind"] == "regression":
        return metric.score(truth.to_numpy(float), found["prediction"].to_numpy(float))
    classes = [column.removeprefix("probability_") for column in found if column.startswith("probability_")]
    numbers = {label: number for number, label in enumerate(classes)}
    probabilities = found[[f"probability_{label}" for label in classes]].to_numpy()
    labels = found["prediction"].astype(str).map(numbers).to_numpy()
    return metric.score(truth.astype(str).map(numbers).to_numpy(), probabilities, labels)


def _record(row: Row) -> None:
    """Write a row to the results, in place of an earlier run of the same."""
    new = pd.DataFrame([asdict(row)])
    results = pd.concat([pd.read_csv(RESULTS), new]) if RESULTS.exists() else new
    results = results.drop_duplicates(["system", "budget", "task", "seed"], keep="last")
    results.sort_values(["system", "budget"], kind="stable").to_csv(RESULTS, index=False)


def score_table(rows: pd.DataFrame, tasks: dict) -> str:
    """A Markdown table: per task each system's mean score and the seconds that it took, and who won."""
    systems = list(dict.fromkeys(rows["system"]))
    lines = ["| task | metric | " + " | ".join(f"{each} | seconds" for each in systems) + " | best |"]
    lines.append("|---|---|" + "---:|---:|" * len(systems) + "---|")
    wins = dict.fromkeys(systems, 0)
    for name, part in rows.groupby("task", sort=False):
        means = part.groupby("system")[["score", "seconds"]].mean()
        best = means["score"].idxmax() if tasks[name]["direction"] == "max" else means["score"].idxmin()
        wins[best] += 1
        cells = " | ".join(f"{means.loc[each, 'score']:.5g} | {means.loc[each, 'seconds']:.1f}" for each in systems)
        lines.append(f"| {name} | {tasks[name]['metric']} | {cells} | {best} |")
    count = rows["task"].nunique()
    lines += ["", ", ".join(f"{system} is best on {won} of {count}" for system, won in wins.items())]
    return "\n".join(lines) + "\n"


def wall_clock_table(rows: pd.DataFrame) -> str:
    """A Markdown table: the longest wall clock per task and budget, and how many runs kept to max(5 %, 3 s)."""
    seconds = rows.pivot_table(index="task", columns="budget", values="seconds", aggfunc="max", sort=False)
    lines = [
        "| task | " + " | ".join(f"{budget:g} s" for budget in seconds) + " |",
        "|---|" + "---:|" * seconds.shape[1],
    ]
    for name, taken in seconds.iterrows():
        lines.append(f"| {name} | " + " | ".join(f"{each:.1f}" for each in taken) + " |")
    kept = rows["seconds"] <= rows["budget"] + np.maximum(0.05 * rows["budget"], 3.0)
    return "\n".join([*lines, "", f"{kept.sum()} of {len(rows)} runs ended in time"]) + "\n"


if __name__ == "__main__":
    np.seterr(all="ignore")
    main()
