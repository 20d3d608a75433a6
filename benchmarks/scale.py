"""How time and memory grow with rows and columns: a run on generated tables, with the memory of all its processes.

    python benchmarks/scale.py --seconds 300

The tables have numbers, five columns of 3 to 5,000 categories, gaps, and a target of two classes that depends on a few
of the columns and on products of two. Prints one row per table: what it takes in memory, the largest memory of all
processes of the run at one time (proportional set size, as the kernel divides shared pages), the limit of three times
the table and 1 GB, and the seconds of the stages. Linux only.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import psutil
from systems import ROOT

SHAPES = "100x8,10000x30,100000x30,1000000x30,2000x5000"
OUT = ROOT / "runs" / "scale"
CATEGORIES = (3, 10, 50, 500, 5000)
STAGES = ("scope", "search", "ablate", "refine", "ensemble", "validate", "finalize")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--shapes", default=SHAPES, help="rows x columns; comma-separated")
    arguments = parser.parse_args()
    heads = ["rows x columns", "table MB", "peak MB", "limit MB", "seconds", *STAGES, "holdout roc_auc", "plain"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|{'---:|' * len(heads)}\n")
    for shape in arguments.shapes.split(","):
        rows, columns = map(int, shape.split("x"))
        folder = OUT / shape
        folder.mkdir(parents=True, exist_ok=True)
        frame = table(rows, columns)
        size = frame.memory_usage(deep=True).sum() / 1e6
        frame.to_csv(folder / "train.csv", index=False)
        del frame
        cells = [f"{rows:,} x {columns:,}", f"{size:.0f}", *_run(folder, arguments.seconds, limit=3 * size + 1000)]
        sys.stdout.write(f"| {' | '.join(cells)} |\n")
        sys.stdout.flush()


def table(rows: int, columns: int, seed: int = 0) -> pd.DataFrame:
    """A table with the target ``t``."""
    random = np.random.default_rng(seed)
    numbers = random.normal(size=(rows, columns - len(CATEGORIES)))
    found = {f"x{place}": column for place, column in enumerate(numbers.T.round(4))}
    drawn = [random.integers(0, most, rows) for most in CATEGORIES]
    for place, column in enumerate(drawn):
        found[f"c{place}"] = np.char.add("k", column.astype(str))
    effects = random.normal(size=max(CATEGORIES))
    signal = numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + effects[drawn[3]] - 1
    found["t"] = np.where(random.random(rows) < 1 / (1 + np.exp(-signal)), "yes", "no")
    frame = pd.DataFrame(found)
    for name in ("x0", "x2", "c1"):
        frame.loc[random.random(rows) < 0.1, name] = None
    return frame


def _run(folder: Path, seconds: float, *, limit: float) -> list[str]:
    spec = folder / "scope.yaml"
    mlestar = str(Path(sys.executable).with_name("mlestar"))
    init = [mlestar, "init", str(folder / "train.csv"), "--target", "t", "--force", "--out", str(spec)]
    subprocess.run(init, check=True, stdout=subprocess.DEVNULL)
    shutil.rmtree(folder / "run", ignore_errors=True)
    command = [mlestar, "run", str(spec), "--set", f"budget.wall_clock={seconds:g}s", "--out", str(folder / "run")]
    started = time.monotonic()
    process = subprocess.Popen([*command, "--json"], stdout=subprocess.PIPE, text=True)
    peak = _Peak(process.pid)
    lines, _ = process.communicate()
    took = time.monotonic() - started
    events = [json.loads(line) for line in lines.splitlines()]
    outcome = events[-1]
    if outcome.get("score") is None:
        return [f"{peak.stop():.0f}", f"{limit:.0f}", f"{took:.0f}", *[""] * len(STAGES), str(outcome), ""]
    stages = [
        sum(each["seconds"] for each in events if each["event"] == "stage_finished" and each["stage"] == stage)
        for stage in STAGES
    ]
    plain = outcome["baselines"].get("plain")
    score = [f"{outcome['score']:.4f}", f"{plain['score']:.4f}" if plain else "not run"]
    return [f"{peak.stop():.0f}", f"{limit:.0f}", f"{took:.0f}", *(f"{each:.0f}" for each in stages), *score]


class _Peak:
    """The largest memory of a process and all that it has started, in MB of 10^6 bytes."""

    def __init__(self, pid: int) -> None:
        self._process, self._largest, self._ended = psutil.Process(pid), 0.0, threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()

    def stop(self) -> float:
        self._ended.set()
        self._thread.join()
        return self._largest

    def _watch(self) -> None:
        while not self._ended.wait(0.5):
            used = 0.0
            try:
                for each in [self._process, *self._process.children(recursive=True)]:
                    try:
                        used += each.memory_full_info().pss / 1e6
                    except (psutil.NoSuchProcess, psutil.AccessDenied):
                        continue
            except psutil.NoSuchProcess:
                return
            self._largest = max(self._largest, used)


if __name__ == "__main__":
    main()
