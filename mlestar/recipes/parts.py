"""Transformers that several recipes use; the catalogue copies them into the blocks that do."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer

__all__ = ["ColumnsOf", "Tfidf", "TypedColumns", "as_days", "as_lengths"]


class TypedColumns(TransformerMixin, BaseEstimator):
    """Columns as the task declares them: numbers as floats, dates as timestamps, infinities as missing."""

    def __init__(self, numeric=(), dates=()):
        self.numeric = numeric
        self.dates = dates

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        X = X.copy()
        for name, column in X.items():
            if pd.api.types.is_numeric_dtype(column) or name in self.numeric:
                numbers = pd.to_numeric(column, errors="coerce").astype("float64")
                X[name] = numbers.where(np.isfinite(numbers))
            elif pd.api.types.is_datetime64_any_dtype(column):
                X[name] = column.dt.tz_localize(None)
            elif name in self.dates:
                X[name] = pd.to_datetime(column, errors="coerce", format="mixed", utc=True).dt.tz_localize(None)
        return X


class ColumnsOf:
    """Picks the columns of one sort from a table: "categories", "numbers", "dates" or "texts"."""

    def __init__(self, sort, ctx):
        self.sort = sort
        self.categorical = ctx.categorical
        self.text = ctx.text

    def __call__(self, X):
        return [name for name in X.columns if self.sort_of(X[name]) == self.sort]

    def sort_of(self, column):
        if pd.api.types.is_datetime64_any_dtype(column):
            return "dates"
        if pd.api.types.is_numeric_dtype(column):
            return "categories" if column.name in self.categorical else "numbers"
        return "texts" if column.name in self.text else "categories"


def as_days(X):
    """Dates as days since 1970."""
    return X.apply(lambda column: (column - pd.Timestamp(0)).dt.total_seconds() / 86400)


def as_lengths(X):
    """Texts as their numbers of characters."""
    return X.apply(lambda column: column.astype("object").fillna("").astype("str").str.len().astype("float64"))


class Tfidf(TfidfVectorizer):
    """TF-IDF whose vocabulary is saved as one array: saving its terms one by one takes minutes."""

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "vocabulary_" in state:
            state["vocabulary_"] = np.array(sorted(state["vocabulary_"], key=state["vocabulary_"].get))
        return state

    def __setstate__(self, state):
        if "vocabulary_" in state:
            state["vocabulary_"] = {term: column for column, term in enumerate(state["vocabulary_"].tolist())}
        super().__setstate__(state)
