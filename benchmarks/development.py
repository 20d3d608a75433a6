"""Tasks to develop on: parts of `train.csv` in the place of test rows, and generated tables; no test label is read.

    python benchmarks/development.py
    MLESTAR_BENCH_DATA=runs/development python benchmarks/run.py --seconds 60 --results runs/development/results.csv

Of each task of the benchmark a quarter of the training rows is put aside: of a task in the order of time the latest, of
a grouped one whole groups. Writes `runs/development` in the format of the benchmark's data.

    python benchmarks/development.py --split 1

puts other rows aside, in the order of time of a shorter history, and writes the tasks of the benchmark alone, to
`runs/development-1`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from generated import generated_tables
from portfolio import FURTHER_TASK, further_tables
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit
from systems import DATA, ROOT, time_column

SHARE = 0.25  # of the rows
SHORTER = 0.2  # of the rows, by which the history of every further split in the order of time is
OUT = ROOT / "runs" / "development"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--split", type=int, default=0, help="which rows are put aside")
    split = parser.parse_args().split
    if split:
        write_tasks(OUT.with_name(f"{OUT.name}-{split}"), _benchmark(), split)
    else:
        write_tasks(OUT, [*_benchmark(), *_others()])


def write_tasks(out: Path, tables: Iterable[tuple[str, dict, pd.DataFrame]], split: int = 0) -> None:
    """Of every name, task and table a folder, and what they are in `tasks.json`."""
    tasks = {}
    for name, task, frame in tables:
        _write(out / name, task, frame, time_column(name, task), split)
        tasks[name] = task
    (out / "tasks.json").write_text(json.dumps(tasks, indent=1), encoding="utf-8")


def _write(folder: Path, task: dict, frame: pd.DataFrame, time: str | None, split: int) -> None:
    """A task's train.csv, test.csv and test_labels.csv; `time` orders its rows."""
    folder.mkdir(parents=True, exist_ok=True)
    if time and split:
        early = frame[time].argsort(kind="stable").to_numpy()[: round((1 - SHORTER * split) * len(frame))]
        frame = frame.iloc[np.sort(early)].reset_index(drop=True)
    held_out = _held_out(frame, task, time, split)
    frame[~held_out].to_csv(folder / "train.csv", index=False)
    frame[held_out].drop(columns=task["target"]).to_csv(folder / "test.csv", index=False)
    frame.loc[held_out, [task["target"]]].to_csv(folder / "test_labels.csv", index=False)


def _benchmark() -> Iterator[tuple[str, dict, pd.DataFrame]]:
    for name, task in json.loads((DATA / "tasks.json").read_text(encoding="utf-8")).items():
        yield name, task, pd.read_csv(DATA / name / "train.csv", low_memory=False)


def _others() -> Iterator[tuple[str, dict, pd.DataFrame]]:
    for name, kind, metric, frame in further_tables():
        direction = "min" if metric in ("rmse", "log_loss") else "max"
        yield name, {**FURTHER_TASK, "metric": metric, "kind": kind, "direction": direction}, frame
    yield from generated_tables()


def _held_out(frame: pd.DataFrame, task: dict, time: str | None, split: int) -> np.ndarray:
    found = np.zeros(len(frame), dtype=bool)
    if time:
        found[frame[time].argsort(kind="stable").to_numpy()[-round(SHARE * len(frame)) :]] = True
        return found
    groups = frame[task["group_col"]] if "group_col" in task else None
    splitter = ShuffleSplit if groups is None else GroupShuffleSplit
    _, rows = next(splitter(1, test_size=SHARE, random_state=split).split(frame, groups=groups))
    found[rows] = True
    return found


if __name__ == "__main__":
    main()
