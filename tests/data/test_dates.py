"""Dates as text: which number is the day."""

from __future__ import annotations

import datetime

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlestar.data.dates import is_day_first, read_dates

DAYS = st.lists(st.dates(datetime.date(1990, 1, 1), datetime.date(2060, 12, 31)), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("written", "is_first"),
    [
        (["25/03/2021", "02/03/2021"], True),
        (["03/25/2021", "02/03/2021"], False),
        (["02.03.2021", "03.03.2021"], True),  # dots: nobody writes months first with them
        (["02/03/2021", "03/03/2021"], False),  # who knows; pandas reads the month first
        (["2-3-21 11:30", "25-3-21 9:15"], True),
        (["2021-03-25", "2021-03-02"], False),
        (["98-12-31", "02-03-21"], False),
        (["25 March 2021", "2 March 2021"], False),
        (["10.2.0.1", "10.2.0.7"], False),
        ([], False),
    ],
)
def test_a_column_shows_whether_the_day_comes_first(written: list[str], is_first: bool) -> None:
    assert is_day_first(pd.Series([*written, None], dtype="str")) is is_first


@given(DAYS, st.sampled_from(["%d.%m.%Y", "%d.%m.%y", "%d.%m.%Y %H:%M", "%Y-%m-%d", "%m/%d/%Y", "%d %B %Y"]))
def test_every_form_is_read_as_what_was_written(days: list[datetime.date], form: str) -> None:
    written = pd.Series([day.strftime(form) for day in days], dtype="str")
    assert read_dates(written, is_day_first(written)).dt.date.tolist() == days


def test_dates_of_another_form_are_read_where_the_day_comes_first() -> None:
    found = read_dates(pd.Series(["2021-03-02", "02/03/2021", "2 March 2021", "?"], dtype="str"), day_first=True)
    assert found.dt.strftime("%d %b").tolist()[:3] == ["02 Mar"] * 3
    assert found.isna().tolist() == [False, False, False, True]
