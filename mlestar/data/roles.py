"""Column roles: what a column is, judged by its name and its values."""

from __future__ import annotations

import re
from typing import Literal

import pandas as pd

from mlestar.data.dates import is_day_first
from mlestar.data.task import ColumnRole, Storage
from mlestar.errors import quoted

__all__ = [
    "comma_in_numbers",
    "detect_role",
    "is_identifier",
    "looks_like_identifier_name",
    "reads_as_dates",
    "reads_as_numbers",
]

_SAMPLE = 1_000
_NEARLY_ALL = 0.95
_FEWEST_WORDS = 4.0
_IDENTIFIER_WORDS = {"id", "ids", "uuid", "guid", "idx", "nbr", "rowid"}
_IDENTIFIER_NAMES = {"index", "key", "row", "row_number", "unnamed: 0"}
_CASE_CHANGE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Thai, Japanese and Chinese have no spaces between words, of which most have two characters.
_UNSPACED = "\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff"
_WORDS = rf"[{_UNSPACED}]{{1,2}}|[^\s{_UNSPACED}]+"
# pandas reads much as a date ("May", "3-4"); a column of dates shows a year, or a day, a month and a year.
_DATE = r"(?:19|20)\d\d|\d{1,2}[-/.]\d{1,2}[-/.]\d\d"


def detect_role(column: pd.Series, storage: Storage) -> tuple[ColumnRole, str | None]:
    """The role of a feature column, and a note where it is not what the storage suggests.

    Parameters
    ----------
    column : Series
        Held as ``storage`` says.
    storage : {"number", "string", "date"}
    """
    if storage != "string":
        return ("numeric" if storage == "number" else "date"), None
    if reads_as_numbers(column):
        return "numeric", "numbers written as text"
    if reads_as_dates(column):
        return "date", "dates written as text" + (", the day before the month" if is_day_first(column) else "")
    if _reads_as_prose(column):
        return "text", "many words, mostly different"
    if odd := _odd_among_numbers(column):
        return "categorical", f"mostly numbers, but there are others, such as {quoted(odd)}"
    return "categorical", None


def looks_like_identifier_name(name: str) -> bool:
    """Whether a column's name says that it names rows or things, as in ``customerID``, ``patient_nbr``, ``Unnamed: 0``.

    Examples
    --------
    >>> [looks_like_identifier_name(name) for name in ("PassengerId", "patient_nbr", "humid", "paid")]
    [True, True, False, False]
    """
    words = re.split(r"[^a-z0-9]+", _CASE_CHANGE.sub(" ", name).lower())
    return name.lower() in _IDENTIFIER_NAMES or not _IDENTIFIER_WORDS.isdisjoint(words)


def is_identifier(column: pd.Series, storage: Storage) -> bool:
    """Whether a column has an identifier's name and another string or whole number in every row."""
    if storage == "date" or not looks_like_identifier_name(str(column.name)) or not column.is_unique:
        return False
    return bool(column.notna().all() and (storage == "string" or (column % 1 == 0).all()))


def reads_as_numbers(column: pd.Series) -> bool:
    """Whether nearly all strings are numbers, and at most one thing is not, such as "?" or a blank.

    Codes are no numbers: "0042" is not 42, and a column of diagnoses with some "V58" is not numeric.
    """
    counts = column.value_counts()  # in a column of categories, few values stand for many rows
    values = counts.index.to_series().str.strip()
    if values.empty or values.str.fullmatch(r"0\d+").any():
        return False
    odd = pd.to_numeric(values, errors="coerce").isna().to_numpy()
    return bool(counts[odd].sum() <= (1 - _NEARLY_ALL) * counts.sum() and values[odd].nunique() <= 1)


def comma_in_numbers(column: pd.Series) -> tuple[str, Literal["decimal", "thousands"]] | None:
    """A string such as "1,5" or "1,500" of a column that nearly all would be numbers without commas, and its meaning.

    Examples
    --------
    >>> columns = ["1,5", "2,25"], ["1,500", "12,250,000", "7"], ["1.5", "2"]
    >>> [comma_in_numbers(pd.Series(column)) for column in columns]
    [('1,5', 'decimal'), ('1,500', 'thousands'), None]
    """
    values = _sampled(column).str.strip()
    commas = values[values.str.contains(",")]
    if commas.empty:
        return None
    thousands = bool(commas.str.fullmatch(r"[-+]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?").all())
    written = values.str.replace(",", "") if thousands else values.str.replace(",", ".", n=1)
    if pd.to_numeric(written, errors="coerce").notna().mean() < _NEARLY_ALL:
        return None
    return commas.iloc[0], "thousands" if thousands else "decimal"


def _odd_among_numbers(column: pd.Series) -> str | None:
    """The commonest string that is no number, where most are."""
    values = column.dropna()
    odd = pd.to_numeric(values, errors="coerce").isna()
    return str(values[odd].value_counts().index[0]) if 0 < odd.mean() < 0.5 else None


def reads_as_dates(column: pd.Series) -> bool:
    """Whether nearly all strings are dates that pandas can read."""
    values = _sampled(column)
    if values.empty or values.str.contains(_DATE).mean() < _NEARLY_ALL:
        return False
    dates = pd.to_datetime(values, errors="coerce", format="mixed", utc=True)
    return bool(dates.notna().mean() >= _NEARLY_ALL)


def _reads_as_prose(column: pd.Series) -> bool:
    values = _sampled(column)
    many_words = not values.empty and values.str.count(_WORDS).mean() >= _FEWEST_WORDS
    return bool(many_words and values.nunique() > len(values) / 2)


def _sampled(column: pd.Series) -> pd.Series:
    values = column.dropna()
    return values if len(values) <= _SAMPLE else values.sample(_SAMPLE, random_state=0)
