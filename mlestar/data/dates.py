"""Dates written as text, also those that have the day before the month."""

from __future__ import annotations

import pandas as pd

__all__ = ["is_day_first", "read_dates"]

_NEARLY_ALL = 0.95
_NUMBERS = r"^\s*(\d{1,2})([-/.])(\d{1,2})[-/.]\d\d"
# As in recipes/parts.py and solution/program.py.j2, which end up in programs that import nothing from here.
_DAY_AND_MONTH = r"^\s*(\d{1,2})[-/.](\d{1,2})[-/.]"


def is_day_first(column: pd.Series) -> bool:
    """Whether dates such as 02/03/2021 name the day first.

    Numbers above 12 tell it; where there is none, a dot between the numbers does: nobody writes months first with it.

    Parameters
    ----------
    column : Series
        Of strings, dates or numbers.

    Examples
    --------
    >>> columns = ["02/03/2021", "25/03/2021"], ["02/03/2021", "03/25/2021"], ["02-03-21", "98-03-21"]
    >>> [is_day_first(pd.Series(column)) for column in columns]
    [True, False, False]
    """
    if not pd.api.types.is_string_dtype(column):
        return False
    numbers = pd.Series(column.dropna().unique(), dtype="str").str.extract(_NUMBERS)
    if numbers.empty or numbers[0].notna().mean() < _NEARLY_ALL:
        return False
    if (numbers[0].dropna().astype(int) > 31).any():  # 98-12-31
        return False
    first, second = (int((numbers[place].dropna().astype(int) > 12).sum()) for place in (0, 2))
    return first > second or (first == second == 0 and bool((numbers[1] == ".").any()))


def read_dates(column: pd.Series, day_first: bool) -> pd.Series:
    """Dates as datetime64 in UTC without a time zone; what is none is missing.

    Parameters
    ----------
    column : Series
        Of strings in any form that pandas reads, one form or several; or dates.
    day_first : bool
        Whether those such as 02/03/2021 name the day first.
    """
    if day_first and pd.api.types.is_string_dtype(column):
        column = column.str.replace(_DAY_AND_MONTH, r"\2/\1/", regex=True)
    return pd.to_datetime(column, errors="coerce", format="mixed", utc=True).dt.tz_localize(None)
