"""What a block library saves: seconds until a second, related task reaches the score that it reaches without one.

    python benchmarks/reuse.py --seconds 60

The rows of a task are divided by chance. A run on one half fills a library; then the other half is run without and with
it, from nothing each time. Prints, per task, the best cross-validated score of a single candidate of the run without
the library, after how many seconds that was there, and after how many the run with the library had it, or never; and
the best that both had after a fifth of the budget.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from systems import DATA, ROOT, scope_spec

from mlestar.evaluation.metrics import get_metric

TASKS = "telco-churn,adult-census,california-housing-prices,wine-quality"
OUT = ROOT / "runs" / "reuse"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tasks", default=TASKS, help="comma-separated")
    arguments = parser.parse_args()
    tasks = json.loads((DATA / "tasks.json").read_text(encoding="utf-8"))
    heads = ["task", "metric", "best without", "seconds without", "seconds with"]
    heads += ["a fifth of the budget without", "with"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|---|---|{'---:|' * 5}\n")
    for name in arguments.tasks.split(","):
        task = tasks[name]
        folder = OUT / name
        shutil.rmtree(folder, ignore_errors=True)
        halves = _halves(pd.read_csv(DATA / name / "train.csv", low_memory=False), folder)
        spec = scope_spec(name, task, seconds=arguments.seconds, seed=0)
        library = {"block_library": str(folder / "library")}
        _run(folder / "first", {**spec, "name": f"{name}-first"}, halves[0], library)
        without = _run(folder / "without", spec, halves[1], {})
        with_library = _run(folder / "with", spec, halves[1], library)
        is_better = get_metric(task["metric"], task["kind"]).greater_is_better
        sign = 1 if is_better else -1
        runs = [[(at, sign * score) for at, score in run] for run in (without, with_library)]
        goal = max(score for _, score in runs[0])
        reached = [next((f"{at:.0f}" for at, score in run if score >= goal), "never") for run in runs]
        early = [max((score for at, score in run if at <= arguments.seconds / 5), default=None) for run in runs]
        cells = [name, task["metric"], f"{sign * goal:.5g}", *reached]
        cells += ["none" if score is None else f"{sign * score:.5g}" for score in early]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


def _halves(frame: pd.DataFrame, folder: Path) -> list[Path]:
    first = np.random.default_rng(0).random(len(frame)) < 0.5
    paths = [folder / "half-1.csv", folder / "half-2.csv"]
    folder.mkdir(parents=True)
    for path, rows in zip(paths, (first, ~first), strict=True):
        frame[rows].to_csv(path, index=False)
    return paths


def _run(folder: Path, spec: dict, train: Path, pipeline: dict) -> list[tuple[float, float]]:
    """Seconds since the start of the process, and the cross-validated score of a candidate that was ready then."""
    folder.mkdir(parents=True)
    path = folder / "scope.yaml"
    path.write_text(yaml.safe_dump({**spec, "data": {"train": str(train)}, "pipeline": pipeline}), encoding="utf-8")
    command = [str(Path(sys.executable).with_name("mlestar")), "run", str(path), "--out", str(folder / "run"), "--json"]
    started, found = time.monotonic(), []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "evaluated" and event["status"] == "ok" and event["stage"] != "ensemble":
                found.append((time.monotonic() - started, event["score"]))
    return found


if __name__ == "__main__":
    main()
