"""Tables of kinds that the benchmark has few of: much prose, an order in time, a rare class. All are the same anywhere.

The prose is what the docstrings of installed libraries say, without their names.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

__all__ = ["generated_tables"]

LIBRARIES = ("pandas", "pyarrow", "scipy", "sklearn")
SHORTEST, LONGEST, MOST = 80, 2000, 4000  # characters of a docstring; docstrings of a library
NAMES = re.compile(r"\b(pandas|pd|scipy|sklearn|scikit|pyarrow|pa|arrow|numpy|np)\b", re.IGNORECASE)


def generated_tables() -> Iterator[tuple[str, dict, pd.DataFrame]]:
    """Name, what tasks.json says of it, and the table."""
    texts = docstrings()
    yield "docstrings", _task("library", "multiclass", "log_loss", modality="text"), texts
    yield "few-docstrings", _task("library", "multiclass", "accuracy", modality="text"), texts.iloc[:600]
    yield "docstring-names", _task("name_length", "regression", "rmse", modality="text"), texts.iloc[:8000]
    yield "shops", _task("sales", "regression", "rmse", modality="time-ordered", time_col="date"), shops()
    yield "fraud", _task("fraud", "binary", "average_precision"), fraud()


def docstrings() -> pd.DataFrame:
    """What functions and classes say of themselves, the length of their names, and the library that they are of."""
    rows = []
    for library in LIBRARIES:
        spec = find_spec(library)
        assert spec and spec.origin
        found = [each for path in sorted(Path(spec.origin).parent.rglob("*.py")) for each in _documented(path)]
        random.Random(0).shuffle(found)
        rows += [(NAMES.sub("it", text)[:LONGEST], length, library) for text, length in found[:MOST]]
    table = pd.DataFrame(rows, columns=["text", "name_length", "library"]).drop_duplicates("text")
    return table.sample(frac=1, random_state=0).reset_index(drop=True)


def _documented(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8", errors="ignore"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            text = ast.get_docstring(node) or ""
            if len(text) > SHORTEST:
                yield text, len(node.name)


def shops(count: int = 25, days: int = 700) -> pd.DataFrame:
    """Sales of shops by day, with levels that drift, a week, a year, prices and promotions."""
    drawn, day = np.random.default_rng(5), np.arange(days)
    level = drawn.normal(3, 0.5, count)[:, None] + np.cumsum(drawn.normal(0, 0.03, (count, days)), axis=1)
    week, year = drawn.normal(0, 0.2, (count, 7)), 0.3 * np.sin(2 * np.pi * (day / 365.25 + drawn.uniform()))
    promotion = drawn.random((count, days)) < 0.15
    price = np.exp(np.cumsum(drawn.normal(0, 0.005, (count, days)), axis=1))
    effect = promotion * drawn.uniform(0.1, 0.5, count)[:, None] - 0.8 * np.log(price)
    sales = np.exp(level + week[:, day % 7] + year + effect + drawn.normal(0, 0.15, (count, days)))
    columns = {
        "date": np.tile(pd.Timestamp("2022-01-01") + pd.to_timedelta(day, unit="D"), count),
        "shop": np.repeat([f"s{number}" for number in range(count)], days),
        "promotion": promotion.ravel(),
        "price": price.ravel().round(4),
        "sales": sales.ravel().round(2),
    }
    return pd.DataFrame(columns).sort_values("date", kind="stable", ignore_index=True)


def fraud(rows: int = 24_000) -> pd.DataFrame:
    """One row of a hundred is one, by numbers that act together and by merchants of which there are many."""
    drawn = np.random.default_rng(3)
    numbers, merchant = drawn.normal(size=(rows, 12)), drawn.integers(0, 400, rows)
    odds = numbers[:, 0] + 0.8 * numbers[:, 1] * numbers[:, 2] + np.abs(numbers[:, 3]) - 7.2
    odds += drawn.normal(size=400)[merchant]
    table = pd.DataFrame(numbers.round(3), columns=[f"x{number}" for number in range(12)])
    table["merchant"] = [f"m{number}" for number in merchant]
    table["fraud"] = np.where(drawn.random(rows) < 1 / (1 + np.exp(-odds)), "yes", "no")
    table.loc[drawn.random(rows) < 0.05, "x0"] = None
    return table


def _task(target: str, kind: str, metric: str, **more: str) -> dict:
    direction = "min" if metric in ("rmse", "log_loss") else "max"
    task = {"target": target, "kind": kind, "metric": metric, "direction": direction, "modality": "tabular", "drop": []}
    return {**task, **more}
