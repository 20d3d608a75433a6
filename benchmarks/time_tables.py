"""Tasks in the order of time to compare systems on, not to develop on: real tables, from packages of R.

    python benchmarks/time_tables.py
    MLESTAR_BENCH_DATA=runs/time-tables python benchmarks/run.py --seconds 60 --results benchmarks/time_results.csv

The latest quarter of the rows is put aside. Counts per hour or half-hour are made of the events that a table lists.
Writes `runs/time-tables` in the format of the benchmark's data.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from development import write_tasks
from other_tables import Table, tasks_of
from systems import ROOT

OUT = ROOT / "runs" / "time-tables"
_HALF_HOURS = 48  # of a day


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


def newark(frame: pd.DataFrame) -> pd.DataFrame:
    """The hours of one airport."""
    return frame[frame["origin"] == "EWR"].drop(columns="origin")


def _table(
    package: str,
    item: str,
    target: str,
    time: str,
    metric: str = "rmse",
    drop: tuple[str, ...] = (),
    prepare: Callable[[pd.DataFrame], pd.DataFrame] | None = None,
) -> Table:
    kind = "binary" if metric == "roc_auc" else "regression"
    return Table(package, item, target, kind, metric, drop=drop, time=time, prepare=prepare)


TABLES = {
    "tx-sales": _table("ggplot2", "txhousing", "sales", "date", "rmsle", drop=("volume", "median", "inventory")),
    "tx-median": _table("ggplot2", "txhousing", "median", "date", drop=("volume",)),
    "weather-hour": _table("nycflights13", "weather", "temp", "time_hour", drop=("dewp",), prepare=newark),
    "weather-day": _table(
        "mosaicData",
        "Weather",
        "avg_temp",
        "date",
        drop=("high_temp", "low_temp", "high_dewpt", "avg_dewpt", "low_dewpt"),
    ),
    "flights": _table("nycflights13", "flights", "late", "time_hour", "roc_auc", prepare=flights),
    "computers": _table("Ecdat", "Computers", "price", "trend"),
    "pizza": _table("gt", "pizzaplace", "sold", "date", "rmsle", prepare=pizzas),
    "nox": _table("robustbase", "NOxEmissions", "LNOx", "julday"),
    "electricity": _table("fpp2", "elecdemand", "Demand", "at", prepare=electricity),
    "calls": _table("fpp3", "bank_calls", "calls", "at", "rmsle", prepare=calls),
    "taylor": _table("forecast", "taylor", "demand", "t", prepare=demand),
    "prison": _table("fpp2", "prisonLF", "count", "t", "rmsle"),
    "employment": _table("fpp3", "us_employment", "Employed", "Month", "rmsle", prepare=employment),
}


def main() -> None:
    write_tasks(OUT, tasks_of(TABLES, OUT))


if __name__ == "__main__":
    main()
