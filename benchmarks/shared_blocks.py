"""What sharing fitted blocks between the candidates of a run would save: what they repeat before the model.

    python benchmarks/shared_blocks.py runs/benchmark/*-mlestar-60s-0

Of all candidates that differ in what comes after `encode` only, the blocks up to it are fitted once, on the first fold,
and timed. Prints what share of the candidates' seconds these blocks take, and what share all but
their first fit take. Runs with auxiliary tables are not for it.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from models import Run, imported
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from mlestar.data.tables import read_arrow
from mlestar.evaluation.folds import read_folds, read_target
from mlestar.stages.candidates import Candidate, Candidates

SHARED = ("clean", "features", "encode")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="+", type=Path, help="folders that run.py has left")
    heads = ["run", "candidates", "with the same blocks", "seconds", "up to encode", "repeated"]
    sys.stdout.write(f"| {' | '.join(heads)} |\n|---|{'---:|' * (len(heads) - 1)}\n")
    for folder in parser.parse_args().runs:
        run = Run(folder / "run")
        train_dir = run.scope_dir.with_name("train")
        rows = read_folds(train_dir, run.task)[0].train
        X, y = read_arrow(train_dir / "features.arrow").iloc[rows], read_target(train_dir, run.task)[rows]
        alike: dict[str, list[tuple[Candidate, str]]] = defaultdict(list)
        for each, program in _candidates(run.scope_dir.parent.parent):
            blocks = [(each.recipes.get(kind), each.parameters.get(kind)) for kind in SHARED]
            alike[json.dumps(blocks)].append((each, program))
        before = repeated = 0.0
        for group in alike.values():
            folds = [len(each.fold_scores) for each, _ in group]
            seconds = _seconds_before_model(group[0][1], X, y)
            before += seconds * sum(folds)
            repeated += seconds * (sum(folds) - max(folds))
        total = sum(each.seconds for group in alike.values() for each, _ in group)
        counts = f"{sum(map(len, alike.values()))} | {len(alike)} | {total:.0f}"
        sys.stdout.write(f"| {folder.name} | {counts} | {before / total:.0%} | {repeated / total:.0%} |\n")
        sys.stdout.flush()


def _candidates(stages: Path) -> Iterator[tuple[Candidate, str]]:
    """Those of all branches, each once, with their programs."""
    for branch in sorted(stages.glob("for-loop-*")):
        last = Candidates.read(max(branch.glob("refine*/refined")))
        yield from ((each, last.programs[each.id]) for each in last.entries)


def _seconds_before_model(program: str, X: pd.DataFrame, y: np.ndarray) -> float:
    """What fitting the blocks before the model of a candidate's program takes."""
    pipeline: Pipeline = imported(program).pipeline()
    with threadpool_limits(1):
        start = time.perf_counter()
        pipeline[:-1].fit_transform(X, y)
        return time.perf_counter() - start


if __name__ == "__main__":
    main()
