"""What the statistics of a column say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.data import Column, Task
from mlestar.data.sources import read_table, storage_of, typed
from mlestar.data.statistics import column_statistics


def statistics(frame: pd.DataFrame) -> dict[str, dict[str, Any]]:
    columns = tuple(Column(name=name, storage=held, role="excluded") for name, held in storage_of(frame).items())
    task = Task(
        name="any", type="regression", targets=("y",), metric="rmse", columns=columns, rows=3, splitter="kfold", folds=5
    )
    return column_statistics(typed(frame, task.storage), task)


def test_statistics_of_penguins_agree_with_pandas(bench_data: Path) -> None:
    frame = read_table(str(bench_data / "penguins" / "train.csv"))
    found = statistics(frame)
    mass, described = found["body_mass_g"], frame["body_mass_g"].describe()
    assert (mass["count"], mass["missing"]) == (239, 1)
    assert mass["mean"] == pytest.approx(described["mean"])
    assert mass["quantiles"]["0.25"] == pytest.approx(described["25%"])
    assert found["island"]["top"] == [[name, count] for name, count in frame["island"].value_counts().items()]
    assert found["sex"]["missing"] == 8


def test_statistics_of_awkward_columns_are_json() -> None:
    frame = pd.DataFrame(
        {
            "empty": [np.nan] * 3,
            "infinite": [np.inf, -np.inf, np.nan],
            "some infinite": [1.0, np.inf, 3.0],
            "long": pd.Series(["x" * 1000, "b", "a"], dtype=str),
            "day": pd.to_datetime(["2024-01-31", None, "2023-01-01"]),
        }
    )
    found = json.loads(json.dumps(statistics(frame), allow_nan=False))
    assert found["empty"] == {"storage": "number", "count": 0, "missing": 3, "unique": 0}
    assert found["infinite"]["infinite"] == 2
    assert (found["some infinite"]["mean"], found["some infinite"]["max"]) == (2.0, 3.0)
    assert found["long"]["top"] == [["a", 1], ["b", 1], ["x" * 80, 1]]
    assert (found["day"]["min"], found["day"]["max"]) == ("2023-01-01T00:00:00", "2024-01-31T00:00:00")


def test_the_most_frequent_values_are_ten_of_many() -> None:
    values = pd.Series([f"v{number:03}" for number in range(500)] * 2 + ["often"] * 3, dtype=str)
    found = statistics(pd.DataFrame({"x": values}))["x"]
    assert found["unique"] == 501
    assert found["top"][:3] == [["often", 3], ["v000", 2], ["v001", 2]]
    assert len(found["top"]) == 10
