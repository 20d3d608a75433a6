"""Tables on disk come back as they were, without being copied into memory."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlestar.data.sources import read_table, storage_of, typed
from mlestar.data.tables import read_arrow, write_arrow

NUMBERS = st.floats(allow_nan=True, allow_infinity=True)
STRINGS = st.none() | st.text(st.characters(exclude_categories=("Cs",)))
DATES = st.none() | st.datetimes(min_value=pd.Timestamp("1700-01-01"), max_value=pd.Timestamp("2250-01-01"))


@st.composite
def typed_frames(draw: st.DrawFn) -> pd.DataFrame:
    rows = draw(st.integers(0, 8))

    def column(values: st.SearchStrategy) -> list:
        return draw(st.lists(values, min_size=rows, max_size=rows))

    frame = pd.DataFrame(
        {
            "number": pd.Series(column(NUMBERS), dtype=float),
            "a string, or none": pd.Series(column(STRINGS), dtype=object),
            "date": pd.Series(column(DATES), dtype=object),
        }
    )
    return typed(frame, {"number": "number", "a string, or none": "string", "date": "date"})


@given(frame=typed_frames())
def test_a_typed_frame_comes_back_exactly(tmp_path_factory, frame: pd.DataFrame) -> None:
    path = tmp_path_factory.mktemp("tables") / "frame.arrow"
    write_arrow(frame, path)
    pd.testing.assert_frame_equal(read_arrow(path), frame)


def test_real_data_comes_back_exactly(tmp_path: Path, bench_data: Path) -> None:
    for name in ("adult-census", "telco-churn", "sms-spam"):
        frame = read_table(str(bench_data / name / "train.csv"))
        frame = typed(frame, storage_of(frame))
        write_arrow(frame, tmp_path / name)
        pd.testing.assert_frame_equal(read_arrow(tmp_path / name), frame)


@pytest.mark.parametrize("rows", [np.array([3, 0, 3]), np.array([True, False, False, True])])
def test_rows_are_chosen_on_writing(tmp_path: Path, rows: np.ndarray) -> None:
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": pd.Series(list("wxyz"), dtype=str)})
    write_arrow(frame, tmp_path / "some.arrow", rows)
    pd.testing.assert_frame_equal(read_arrow(tmp_path / "some.arrow"), frame.iloc[rows].reset_index(drop=True))


def test_a_descriptor_is_enough_even_without_the_path(tmp_path: Path) -> None:
    path = tmp_path / "frame.arrow"
    write_arrow(pd.DataFrame({"a": [1.0, np.nan]}), path)
    descriptor = os.open(path, os.O_RDONLY)
    path.unlink()
    frame = read_arrow(descriptor)
    os.close(descriptor)
    np.testing.assert_array_equal(frame["a"], [1.0, np.nan])


def test_numbers_are_not_copied(tmp_path: Path) -> None:
    write_arrow(pd.DataFrame({"a": np.r_[np.nan, np.arange(999.0)], "b": np.arange(1000.0)}), tmp_path / "frame.arrow")
    frame = read_arrow(tmp_path / "frame.arrow")
    assert not any(frame[name].to_numpy().flags.owndata for name in frame)
    assert not any(frame[name].to_numpy().flags.writeable for name in frame)


def test_a_shallow_copy_can_be_written_to_and_leaves_the_file_alone(tmp_path: Path) -> None:
    write_arrow(pd.DataFrame({"a": [1.0, 2.0]}), tmp_path / "frame.arrow")
    mapped = read_arrow(tmp_path / "frame.arrow")
    frame = mapped.copy(deep=False)
    frame.loc[0, "a"] = 9.0
    assert frame["a"].tolist() == [9.0, 2.0]
    assert read_arrow(tmp_path / "frame.arrow")["a"].tolist() == [1.0, 2.0]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "frame.arrow"
    write_arrow(pd.DataFrame({"a": [1.0]}), path)
    with pytest.raises(pa.ArrowInvalid):
        write_arrow(pd.DataFrame({"a": [object()]}), path)
    assert read_arrow(path)["a"].tolist() == [1.0]
    assert os.listdir(tmp_path) == ["frame.arrow"]
