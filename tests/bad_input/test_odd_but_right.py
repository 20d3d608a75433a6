"""What looks odd is no mistake: the run ends in a model, and says what it made of the data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlestar.files import read_json

ScopeStage = Callable[[Path, Mapping[str, Any]], None]
AllStages = Callable[[Path, Mapping[str, Any]], Any]

TARGET = "species\n(of all birds)"
LONG = "x" * 10_000
NAMES = [
    "",
    "prediction",
    "class",
    "target",
    "group",
    "index",
    "sample_weight",
    "{x}",
    '[a, "b"]',
    "na\u00efve \u2603",
    LONG,
]


def spec(train: Path, target: str, **sections: Any) -> dict[str, Any]:
    return {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "odd",
        "data": {"train": str(train)},
        "task": {"target": target},
        "validation": {"folds": 2},
        "budget": {"evaluations": 6},
        **sections,
    }


def odd_table(bench_data: Path) -> pd.DataFrame:
    """Penguins, whose columns have names and values that few would think of."""
    table = pd.read_csv(bench_data / "penguins" / "train.csv")
    random = np.random.default_rng(0)
    measured = table.pop("body_mass_g").astype(object)
    measured[::5], measured[1::20] = "not weighed", "too heavy"
    table["mixed"] = measured
    table["infinite"] = table["flipper_length_mm"].where(random.random(len(table)) < 0.9, np.inf)
    table.loc[3, "infinite"] = -np.inf
    table["net\nprice"] = table.pop("bill_length_mm")
    table = table.rename(columns={"species": TARGET, "island": "self"})
    for name in NAMES:
        table[name] = random.normal(size=len(table))
    return table


def test_what_is_made_of_odd_values_is_said(scope_stage: ScopeStage, bench_data: Path, tmp_path: Path) -> None:
    table = odd_table(bench_data)
    table.to_csv(tmp_path / "train.csv", index=False)
    scope_stage(tmp_path, spec(tmp_path / "train.csv", TARGET))
    scope = read_json(tmp_path / "scope" / "scope.json")
    infinite = int(np.isinf(table["infinite"]).sum())
    assert scope["warnings"] == [
        f"'infinite' is infinite in {infinite} rows, which count as missing; correct them if you can"
    ]
    reasons = {each["field"]: each["reason"] for each in scope["inferences"]}
    assert reasons["columns.mixed"] == "mostly numbers, but there are others, such as 'not weighed'"
    assert scope["plain"]["score"] < scope["baseline"]["score"] / 2


@pytest.mark.slow
def test_odd_names_and_values_end_in_a_model(all_stages: AllStages, bench_data: Path, tmp_path: Path) -> None:
    table = odd_table(bench_data)
    table.to_csv(tmp_path / "train.csv", index=False)
    delivered = all_stages(tmp_path, spec(tmp_path / "train.csv", TARGET))
    table.assign(**{TARGET: None}).to_csv(
        tmp_path / "new.csv", index=False
    )  # a column without a name goes by its place
    delivered.predict(tmp_path / "new.csv")
    predicted = pd.read_csv(tmp_path / "predictions.csv")
    assert (predicted["prediction"] == table[TARGET]).mean() > 0.9


@pytest.mark.slow
def test_a_hundred_thousand_categories_are_fitted(scope_stage: ScopeStage, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = 120_000
    size = random.normal(size=rows)
    table = pd.DataFrame(
        {
            "article": [f"article {number}" for number in random.permutation(rows) % 100_000],
            "size": size,
            "sold": np.where(size + random.normal(scale=0.5, size=rows) > 0, "yes", "no"),
        }
    )
    table.to_csv(tmp_path / "train.csv", index=False)
    scope_stage(tmp_path, spec(tmp_path / "train.csv", "sold"))
    scope = read_json(tmp_path / "scope" / "scope.json")
    assert scope["statistics"]["article"]["unique"] > 60_000
    assert scope["plain"]["score"] > 0.9
