from __future__ import annotations

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import joined_texts, parted_texts
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice


class JoinedTables(TransformerMixin, BaseEstimator):
    """What other tables know of the key of a row.

    Of tables that have one row per key (`lookups`) that is the row; of others, what their rows with that key come to.
    The columns are called after the table. What was known at the fit is what is joined at predictions.
    """

    def __init__(self, tables, lookups=(), keys=(), spread=True):
        self.tables = tables
        self.lookups = lookups
        self.keys = keys
        self.spread = spread

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.known_ = {}
        for name, table in self.tables.items():
            known = table if name in self.lookups else summarised(table, self.spread)
            self.known_[name] = known.add_prefix(f"{name}_", axis=1)
        return self

    def transform(self, X):
        joined = X
        for name, known in self.known_.items():
            joined = joined.join(known, on=list(known.index.names))
            if name not in self.lookups:
                joined[f"{name}_rows"] = joined[f"{name}_rows"].fillna(0.0)
        return joined.drop(columns=list(self.keys))

    def __getstate__(self):
        state = dict(super().__getstate__()) | {"tables": {}}
        if "known_" in state:  # as arrays, which can be saved without trust
            state["known_"] = {name: as_arrays(known) for name, known in state["known_"].items()}
        return state

    def __setstate__(self, state):
        known = {name: from_arrays(arrays) for name, arrays in state.get("known_", {}).items()}
        super().__setstate__(state | {"known_": known} if known else state)


def summarised(table, spread):
    """A row per key: how many rows it has, what their numbers and dates come to, and their commonest categories."""
    rows = table.groupby(level=list(range(table.index.nlevels)))
    statistics = ("sum", "mean", "min", "max", "std") if spread else ("sum", "mean")
    found = {"rows": rows.size().astype("float64")}
    for name in table:
        values = rows[name]
        if pd.api.types.is_numeric_dtype(table[name]):
            found |= {f"{name}_{each}": getattr(values, each)() for each in statistics}
        elif pd.api.types.is_datetime64_any_dtype(table[name]):
            found |= {f"{name}_first": values.min(), f"{name}_last": values.max()}
        else:
            found |= {f"{name}_commonest": commonest(values), f"{name}_different": values.nunique().astype("float64")}
    return pd.DataFrame(found)


def commonest(values):
    """The value that most rows of a group have."""
    counts = values.value_counts().reset_index(level=-1)  # of each group, the largest count first
    return counts.iloc[:, 0][~counts.index.duplicated()]


def as_arrays(table):
    """A table as arrays of numbers, dates and characters, its index first."""
    columns = {}
    for name, column in table.reset_index().items():
        if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
            columns[name] = column.to_numpy()
        else:
            codes, values = pd.factorize(column)
            columns[name] = {"codes": codes, "values": joined_texts(values.astype("str"))}
    return {"levels": table.index.nlevels, "columns": columns}


def from_arrays(arrays):
    """The table that `as_arrays` was given."""
    columns = {}
    for name, array in arrays["columns"].items():
        if isinstance(array, dict):
            values = pd.Series(parted_texts(array["values"]), dtype="str")
            columns[name] = values.reindex(array["codes"]).array  # a missing one has the code -1
        else:
            columns[name] = array
    table = pd.DataFrame(columns)
    return table.set_index(list(table.columns[: arrays["levels"]]))


def join(ctx, *, spread=True):
    """Join the tables; of several rows with a key their number, sums and means, with `spread` also the extremes."""
    return JoinedTables(ctx.tables, ctx.lookups, ctx.keys, spread)


RECIPE = Recipe(
    kind="join",
    name="tables",
    space={"spread": Choice(True, False)},
    suits=lambda task: 2.0 if task.tables else 0.0,
    cost=lambda task: 0.05 + 1e-6 * sum(table.rows * (1 + len(table.storage)) for table in task.tables),
)
