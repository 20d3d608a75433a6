"""Transformers that several recipes use; the catalogue copies them into the blocks that do."""

from __future__ import annotations

import re
from copy import copy

import numpy as np
import pandas as pd
from scipy.sparse import issparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import make_column_selector
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import LabelBinarizer, StandardScaler

__all__ = [
    "CATEGORIES",
    "DATES",
    "NUMBERS",
    "TEXTS",
    "CategoryNumbers",
    "CompactForest",
    "Scaled",
    "Tfidf",
    "TypedColumns",
    "as_days",
    "as_lengths",
    "as_text",
    "categories_as_codes",
    "counts_of",
    "filled",
    "in_one_spelling",
    "in_single_precision",
    "is_small",
    "joined",
    "joined_texts",
    "one_column_per_output",
    "parted",
    "parted_texts",
    "places",
]


CATEGORIES = make_column_selector(dtype_include="category")
NUMBERS = make_column_selector(dtype_include="number")
DATES = make_column_selector(dtype_include="datetime")
TEXTS = make_column_selector(dtype_include="string")


class TypedColumns(TransformerMixin, BaseEstimator):
    """Columns with the dtype of what they are: float64, category, datetime64, and string for prose.

    What cannot be read as such is missing, and so are numbers beyond single precision. Dates `day_first` are those like
    25.03.2021.
    """

    def __init__(self, numeric=(), categorical=(), dates=(), day_first=()):
        self.numeric = numeric
        self.categorical = categorical
        self.dates = dates
        self.day_first = day_first

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        roles = {name: role for role in ("numeric", "categorical", "dates") for name in getattr(self, role)}
        typed = X.copy(deep=False)
        for name, column in X.items():
            found = self.typed(column, roles.get(name))
            if found is not column:
                typed[name] = found
        return typed

    def typed(self, column, role):
        if role == "numeric":
            numbers = column if column.dtype == "float64" else pd.to_numeric(column, errors="coerce").astype("float64")
            return in_single_precision(numbers)
        if role == "dates":
            if column.name in self.day_first and pd.api.types.is_string_dtype(column):
                column = column.str.replace(r"^\s*(\d{1,2})[-/.](\d{1,2})[-/.]", r"\2/\1/", regex=True)
            return pd.to_datetime(column, errors="coerce", format="mixed", utc=True).dt.tz_localize(None)
        if role == "categorical":
            is_number = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
            is_held = is_number or column.dtype == "str"
            return in_one_spelling(
                (column if is_held else column.astype("str").where(column.notna())).astype("category")
            )
        return column.astype("string")


class CategoryNumbers(TransformerMixin, BaseEstimator):
    """Pandas categories as their numbers in their natural order; missing ones are NaN.

    Categories seen fewer than `rare_below` times share one number. What scikit-learn's encoders look for in the rows,
    the columns have at hand.
    """

    def __init__(self, rare_below=1, unseen=np.nan):
        self.rare_below = rare_below
        self.unseen = unseen

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.known_ = []
        for _, column in X.items():
            codes, categories = column.cat.codes.to_numpy(), column.cat.categories
            counts = np.bincount(codes[codes >= 0], minlength=len(categories))
            frequent = counts[counts > 0] >= self.rare_below
            numbers = np.where(frequent, frequent.cumsum() - 1, frequent.sum())
            self.known_.append((self._keys(categories[counts > 0]), numbers))
        return self

    def transform(self, X):
        columns = []
        for (_, column), (values, numbers) in zip(X.items(), self.known_, strict=True):
            places = pd.Index(values).get_indexer(self._keys(column.cat.categories))
            found = np.where(places < 0, self.unseen, np.append(numbers, np.nan)[places])  # the last is that of none
            columns.append(np.append(found, np.nan)[column.cat.codes])  # a missing one has the code -1
        return np.column_stack(columns)

    @staticmethod
    def _keys(categories):
        """Numbers as they are; texts as hashes: an array of them takes the memory of the longest for every one."""
        if pd.api.types.is_numeric_dtype(categories):
            return categories.to_numpy()
        return pd.util.hash_array(categories.to_numpy(dtype=object))


def in_one_spelling(column):
    """Categories among which 1.0 is 1, and TRUE is True: where a file has gaps, pandas writes the one for the other."""
    categories = column.cat.categories
    if pd.api.types.is_numeric_dtype(categories):
        return column
    spelled = categories.str.replace(r"^([-+]?\d+)\.0+$", r"\1", regex=True)
    spelled = spelled.where(~spelled.str.lower().isin(["true", "false"]), spelled.str.capitalize())
    if spelled.equals(categories):
        return column
    known = spelled.unique().sort_values()
    codes = np.append(known.get_indexer(spelled), -1)[column.cat.codes]  # a missing one has the code -1
    return pd.Series(pd.Categorical.from_codes(codes, known), index=column.index, name=column.name)


def in_single_precision(numbers):
    """Numbers, missing where they are beyond what trees and boosting can hold, as infinities are."""
    beyond = numbers.abs() > np.finfo(np.float32).max
    return numbers.mask(beyond) if beyond.any() else numbers


def as_days(X):
    """Dates as days since 1970."""
    return X.apply(lambda column: (column - pd.Timestamp(0)).dt.total_seconds() / 86400)


def as_lengths(X):
    """Texts as their numbers of characters."""
    return X.apply(lambda column: column.fillna("").str.len().astype("float64"))


def as_text(column):
    """Values as text, "missing" where there is none."""
    return column.astype("object").where(column.notna(), "missing").astype("str")


def categories_as_codes(X):
    """A table's pandas categories as their numbers; anything else as it is."""
    if not hasattr(X, "select_dtypes"):
        return X
    X = X.copy(deep=False)
    for name in X.select_dtypes("category"):
        X[name] = X[name].cat.codes
    return X.to_numpy(dtype=float)


def one_column_per_output(y):
    """Values as they are; of two classes zeros and ones, of more a column of these each."""
    y = np.asarray(y)
    values = y if np.issubdtype(y.dtype, np.floating) else LabelBinarizer().fit_transform(y).astype(float)
    return values.reshape(len(y), -1)


def counts_of(texts):
    """How many characters, words, digits, capitals and signs each text has."""
    patterns = {"words": r"\w+", "digits": r"\d", "capitals": "[A-Z]", "signs": r"[^\w\s]"}
    counts = {name: texts.str.count(pattern) for name, pattern in patterns.items()}
    return pd.DataFrame({"characters": texts.str.len(), **counts}).astype("float64")


def places(names):
    """(latitude, longitude) of the columns that are named so, as `lat` and `lon`, or `pickup_latitude` and so on."""
    known = {str(name).lower(): name for name in names}
    found = []
    for low, name in known.items():
        pairs = (("latitude", "longitude"), ("lat", "lon"), ("lat", "lng"), ("lat", "long"))
        for latitude, longitude in [pair for pair in pairs if pair[0] in low]:
            other = known.get(re.sub(rf"(?<![a-z]){latitude}(?![a-z])", longitude, low))
            if other is not None and other != name:
                found.append((name, other))
                break
    return found


def is_small(arrays):
    """Whether they have less than 100 MB: packing needs the memory once more."""
    return sum(each.nbytes for each in arrays) < 1e8


def joined(arrays):
    """Arrays of different lengths as one, and where each but the first begins."""
    return {"all": np.concatenate(arrays), "starts": np.cumsum([len(each) for each in arrays])[:-1]}


def parted(arrays):
    """What was joined, as it was."""
    return np.split(arrays["all"], arrays["starts"])


def joined_texts(texts):
    """Texts as one, and how long each is."""
    return {"all": "".join(texts), "lengths": np.array([len(each) for each in texts], dtype=int)}


def parted_texts(texts):
    """What was joined, as it was."""
    ends = np.cumsum(texts["lengths"])
    return [texts["all"][end - length : end] for end, length in zip(ends, texts["lengths"], strict=True)]


class CompactForest:
    """A forest of scikit-learn whose small trees are saved as one: saving them one by one takes seconds."""

    def __getstate__(self):
        state = dict(super().__getstate__())
        estimators = state.get("estimators_", ())
        trees = [each.tree_.__getstate__() for each in estimators]
        nodes, values = [each["nodes"] for each in trees], [each["values"] for each in trees]
        if trees and is_small(nodes + values):
            state["estimators_"] = estimators[:1]
            state["trees_"] = {
                "nodes": joined(nodes),
                "values": joined(values),
                "depths": np.array([each["max_depth"] for each in trees]),
                "seeds": np.array([each.random_state for each in estimators]),
            }
        return state

    def __setstate__(self, state):
        state = dict(state)
        trees = state.pop("trees_", None)
        super().__setstate__(state)
        if trees is None:
            return
        [first] = self.estimators_
        self.estimators_ = [copy(first) for _ in trees["depths"]]
        kind, arguments, _ = first.tree_.__reduce__()
        parts = (parted(trees["nodes"]), parted(trees["values"]), trees["depths"], trees["seeds"])
        for each, nodes, values, depth, seed in zip(self.estimators_, *parts, strict=True):
            each.random_state, each.tree_ = int(seed), kind(*arguments)
            each.tree_.__setstate__({"max_depth": depth, "node_count": len(nodes), "nodes": nodes, "values": values})


class Tfidf(TfidfVectorizer):
    """TF-IDF whose vocabulary is saved as one text: saving its terms one by one takes minutes.

    Where no term is in as many texts as it should be, all count.
    """

    def fit_transform(self, raw_documents, y=None):
        try:
            return super().fit_transform(raw_documents, y)
        except ValueError:
            if self.min_df == 1:
                raise
            return self.set_params(min_df=1).fit_transform(raw_documents, y)

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "vocabulary_" in state:
            state["vocabulary_"] = joined_texts(sorted(state["vocabulary_"], key=state["vocabulary_"].get))
        return state

    def __setstate__(self, state):
        if "vocabulary_" in state:
            terms = parted_texts(state["vocabulary_"])
            state = state | {"vocabulary_": {term: column for column, term in enumerate(terms)}}
        super().__setstate__(state)


def filled(*scalers):
    """Numbers without gaps, scaled, and a column that says where the gaps were for each that had any."""
    numbers = make_pipeline(SimpleImputer(strategy="median", keep_empty_features=True), *scalers)
    return make_union(numbers, MissingIndicator(error_on_new=False))


class Scaled(TransformerMixin, BaseEstimator):
    """What linear models need: no gaps, and no column that spreads wider than a standard deviation of 1.

    The same for dense and sparse input. Pandas categories become a column each.
    """

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        if not issparse(X):
            self.imputer_ = SimpleImputer(strategy="median", keep_empty_features=True).fit(self._dense(X))
        filled = self._without_gaps(X)
        self.centre_ = 0.0 if issparse(X) else filled.mean(axis=0)
        self.scale_ = np.maximum(StandardScaler(with_mean=False).fit(filled).scale_, 1.0)
        return self

    def transform(self, X):
        filled = self._without_gaps(X)
        return filled.multiply(1 / self.scale_).tocsr() if issparse(X) else (filled - self.centre_) / self.scale_

    def _without_gaps(self, X):
        return X if issparse(X) else self.imputer_.transform(self._dense(X))

    @staticmethod
    def _dense(X):
        return pd.get_dummies(X, dtype="float64").to_numpy() if isinstance(X, pd.DataFrame) else X
