"""What every setting that a search may start from costs, and how good it is: the order and the costs of recipes.

    python benchmarks/portfolio.py

Runs each on the first two folds of the training part of every task: the benchmark's (`train.csv` alone), those that
come with scikit-learn, and generated ones. Writes `runs/portfolio.csv` and prints, per setting, the median over
tasks of its seconds by those that its recipes declare, and its mean regret: how far it stays behind the best setting of
the task, in shares of the lead that this one has over the same prediction for every row. Last comes, per model, the
order in which each setting lowers the mean regret of the best of those before it most.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn import datasets
from systems import DATA, ROOT, scope_spec

from mlestar.digests import file_digest
from mlestar.evaluation import Harness
from mlestar.recipes import RecipeProposer, static_cost
from mlestar.stages.scope import scope
from mlestar.stages.scoped import Scoped, open_harness

RESULTS = ROOT / "runs" / "portfolio.csv"
FOLDS = 2
LONGEST_FIT = 60.0
FURTHER_TASK = {"target": "target", "drop": [], "modality": "tabular"}
COLUMNS = ["task", "model", "setting", "encode", "status", "score", "lead", "fit_seconds", "declared"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", default="", help="comma-separated; all by default")
    parser.add_argument("--models", default="", help="comma-separated names of model recipes; all by default")
    arguments = parser.parse_args()
    wanted, models = (set(filter(None, each.split(","))) for each in (arguments.tasks, arguments.models))
    with tempfile.TemporaryDirectory() as folder:
        for name, spec in specs(Path(folder)):
            if not wanted or name in wanted:
                _record(_measure(name, spec, models, Path(folder) / name))
    results = _with_regret(pd.read_csv(RESULTS))
    sys.stdout.write(f"{_summary(results).to_string()}\n\n")
    for model, rows in results.groupby("model"):
        sys.stdout.write(f"{model}: {' '.join(map(str, _order(rows)))}\n")


def specs(folder: Path) -> Iterator[tuple[str, dict]]:
    """The name and the spec of every task."""
    for name, task in json.loads((DATA / "tasks.json").read_text(encoding="utf-8")).items():
        spec = scope_spec(name, task, seconds=3600, seed=0)
        del spec["data"]["test"]
        yield name, spec
    for name, kind, metric, frame in further_tables():
        path = folder / f"{name}.csv"
        frame.to_csv(path, index=False)
        task = {**FURTHER_TASK, "metric": metric, "kind": kind}
        spec = scope_spec(name, task, seconds=3600, seed=0)
        yield name, {**spec, "data": {"train": str(path)}}


def further_tables() -> Iterator[tuple[str, str, str, pd.DataFrame]]:
    """(name, kind, metric, table) of tasks that lie in scikit-learn, or are drawn with a seed."""
    for name, kind, metric, (features, target) in _further():
        frame = pd.DataFrame(features)
        frame.columns = [f"x{each}" for each in range(frame.shape[1])]
        yield name, kind, metric, frame.assign(target=target)


def _further() -> Iterator[tuple[str, str, str, tuple]]:
    yield "breast-cancer", "binary", "roc_auc", datasets.load_breast_cancer(return_X_y=True)
    yield "diabetes", "regression", "rmse", datasets.load_diabetes(return_X_y=True)
    yield "digits", "multiclass", "log_loss", datasets.load_digits(return_X_y=True)
    yield "friedman", "regression", "rmse", datasets.make_friedman1(3000, 10, noise=1.0, random_state=0)
    yield (
        "noisy-classes",
        "binary",
        "log_loss",
        datasets.make_classification(4000, 30, n_informative=8, flip_y=0.2, n_clusters_per_class=4, random_state=0),
    )
    yield (
        "many-classes",
        "multiclass",
        "accuracy",
        datasets.make_classification(6000, 20, n_informative=12, n_classes=8, class_sep=0.8, random_state=1),
    )
    yield (
        "sparse-signal",
        "regression",
        "rmse",
        datasets.make_regression(500, 100, n_informative=8, noise=40.0, random_state=2),
    )


@contextmanager
def scoped_task(spec: dict, folder: Path) -> Iterator[tuple[Scoped, Harness]]:
    """The task of a spec, and the harness of its folds."""
    scope_dir, train_dir, store = folder / "scope", folder / "train", str(folder / "store")
    scope(
        spec=json.dumps(spec),
        fingerprint=file_digest(Path(spec["data"]["train"])),
        scope_dir=scope_dir,
        train_dir=train_dir,
        holdout_dir=folder / "holdout",
        store=store,
    )
    scoped = Scoped.read(scope_dir)
    with open_harness(scoped, train_dir, store) as harness:
        yield scoped, harness


def _measure(name: str, spec: dict, models: set[str], folder: Path) -> pd.DataFrame:
    rows = []
    with scoped_task(spec, folder) as (scoped, harness):
        trivial = scoped.baseline["score"]
        for proposal in RecipeProposer(scoped.task, seed=0).starts():
            blocks = proposal.solution.blocks
            if models and blocks["model"].name not in models:
                continue
            found = harness.evaluate(proposal.solution, seconds=lambda: LONGEST_FIT, folds=FOLDS)
            scored = len(found.fold_scores) == FOLDS
            score = float(np.mean(found.fold_scores)) if scored else None
            turn = proposal.name.rpartition("(")[2].rstrip(")") if proposal.name.endswith(")") else "1"
            row = [name, blocks["model"].name, int(turn), blocks["encode"].name, found.status, score]
            row += [harness.gain(score, trivial) if score is not None else None, found.seconds / max(found.folds, 1)]
            rows.append([*row, static_cost(proposal.solution, scoped.task)])
            sys.stderr.write(f"{rows[-1]}\n")
    return pd.DataFrame(rows, columns=COLUMNS)


def _record(rows: pd.DataFrame) -> None:
    """Write rows to the results, in place of earlier ones of the same."""
    RESULTS.parent.mkdir(exist_ok=True)
    results = pd.concat([pd.read_csv(RESULTS), rows]) if RESULTS.exists() else rows
    key = ["task", "model", "setting"]
    results.drop_duplicates(key, keep="last").sort_values(key).to_csv(RESULTS, index=False)


def _with_regret(results: pd.DataFrame) -> pd.DataFrame:
    best = results.groupby("task")["lead"].transform("max")
    return results.assign(
        regret=1 - results["lead"] / best, seconds_by_declared=results["fit_seconds"] / results["declared"]
    )


def _order(rows: pd.DataFrame) -> list[int]:
    """The settings of a model, each the one that lowers the mean regret of the best of those before it most."""
    regret = rows.pivot_table(index="setting", columns="task", values="regret")
    regret = regret.fillna(regret.max().max())
    order: list[int] = []
    while len(order) < len(regret):
        order.append(min(regret.index.difference(order), key=lambda each: regret.loc[[*order, each]].min().mean()))
    return order


def _summary(results: pd.DataFrame) -> pd.DataFrame:
    groups = results.groupby(["model", "setting"])
    return groups.agg(
        tasks=("lead", "count"),
        fit_seconds=("fit_seconds", "median"),
        seconds_by_declared=("seconds_by_declared", "median"),
        regret=("regret", "mean"),
        worst_regret=("regret", "max"),
    ).round(3)


if __name__ == "__main__":
    main()
