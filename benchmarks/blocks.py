"""What every other block adds to the first solutions of a search: which features, encodings and targets are worth it.

    python benchmarks/blocks.py

On the first three folds of the training part of the tasks that `portfolio.py` knows, changes one block of the first
solution of some models at a time: another encoding or target in place of its own, one more of the features, or one of
its own less. Writes `runs/blocks.csv`, and prints by how much the score rises, in per cent of the lead that the
unchanged solution has over the same prediction for every row.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from portfolio import LONGEST_FIT, scoped_task, specs
from systems import ROOT

from mlestar.data import Task
from mlestar.recipes import RecipeProposer, find_recipe, recipes_for
from mlestar.solution import Solution

RESULTS = ROOT / "runs" / "blocks.csv"
FOLDS = 3
COLUMNS = ["task", "model", "kind", "change", "gain", "standard_error", "seconds", "seconds_before"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="", help="comma-separated; all by default")
    parser.add_argument("--models", default="lightgbm,catboost,mlp", help="comma-separated names of model recipes")
    parser.add_argument("--kinds", default="features,encode,target", help="comma-separated kinds of block")
    arguments = parser.parse_args()
    wanted, models, kinds = (each.split(",") for each in (arguments.tasks, arguments.models, arguments.kinds))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for name, spec in specs(Path(folder)):
            if wanted == [""] or name in wanted:
                rows += _measure(name, spec, models, kinds, Path(folder) / name)
    found = pd.DataFrame(rows, columns=COLUMNS)
    RESULTS.parent.mkdir(exist_ok=True)
    found.to_csv(RESULTS, index=False)
    table = found.pivot_table(index=["kind", "change", "model"], columns="task", values="gain")
    sys.stdout.write(f"{table.assign(mean=table.mean(axis=1)).round(2).to_string()}\n")


def _measure(name: str, spec: dict, models: list[str], kinds: list[str], folder: Path) -> list[list]:
    rows = []
    with scoped_task(spec, folder) as (scoped, harness):
        trivial = scoped.baseline["score"]
        first = {}
        for each in RecipeProposer(scoped.task).starts():
            first.setdefault(each.solution.blocks["model"].name, each.solution)
        for model in [each for each in models if each in first]:
            before = harness.evaluate(first[model], seconds=lambda: LONGEST_FIT, folds=FOLDS)
            lead = np.mean([harness.gain(score, trivial) for score in before.fold_scores])
            for kind, change, solution in _changes(first[model], kinds, scoped.task):
                found = harness.evaluate(solution, seconds=lambda: LONGEST_FIT, folds=FOLDS)
                if len(found.fold_scores) == len(before.fold_scores) == FOLDS:
                    gains = [harness.gain(*pair) for pair in zip(found.fold_scores, before.fold_scores, strict=True)]
                    row = [name, model, kind, change, np.mean(gains) / lead * 100]
                    row += [harness.standard_error(gains) / lead * 100, found.seconds, before.seconds]
                    rows.append(row)
                    sys.stderr.write(f"{row}\n")
    return rows


def _changes(solution: Solution, kinds: list[str], task: Task) -> Iterator[tuple[str, str, Solution]]:
    """The kind of a block, what becomes of it, and the solution with that."""
    for kind in kinds:
        present = solution.blocks.get(kind)
        chain = present.name.split("+") if present and kind == "features" else []
        for recipe in recipes_for(kind, task):
            if recipe.name in chain:
                name, change = "+".join(each for each in chain if each != recipe.name), f"without {recipe.name}"
            else:
                name, change = "+".join([*chain, recipe.name]), recipe.name
            if present is None or name != present.name:
                block = find_recipe(kind, name).block(task=task) if name else None
                yield kind, change, solution.replace(kind, block)


if __name__ == "__main__":
    main()
