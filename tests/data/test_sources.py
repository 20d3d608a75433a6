"""What a file means as a table, and what is said of a file that means none."""

from __future__ import annotations

import datetime
import decimal
import gzip
import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlestar.data.sources import fingerprint, read_table, storage_of, typed
from mlestar.errors import DataError


@pytest.fixture
def written(tmp_path: Path):
    def write(content: bytes | str, name: str = "data.csv") -> str:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return str(path)

    return write


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "the file is empty; its first line must hold the column names"),
        ("\n\n", "the file is empty"),
        ("a,b\n", "has a header but no rows"),
        ("a;b\n1;2\n", ":1: one column, 'a;b'; is it separated by semicolons?"),
        ("a\tb\n1\t2\n", ":1: one column, 'a\\tb'; is it separated by tabs?"),
        ("a,b,a\n1,2,3\n", ":1: column 'a' occurs twice; rename or remove one of them"),
        ("a,b\n1,2\n1,2,3\n", ":3: 3 field(s) where the header has 2"),
        ("a,b\n1,2,3\n1,2,3\n", ":2: 3 field(s) where the header has 2"),
        ('a,b\n"1\n1",2\n1\n', ":4: 1 field(s) where the header has 2"),
        ('a,b\n1,"2\n3,4\n', ":2: a quotation mark is left open in this row; close it"),
        (b"a,b\n1,2\n3,caf\xe9\n", ":3: byte 6 of the line (0xe9) is not UTF-8; convert the file"),
        (b"\xff\xfea\x00", ":1: byte 1 of the line (0xff) is not UTF-8"),
    ],
)
def test_a_damaged_file_is_refused_with_the_place_and_the_remedy(written, content: bytes | str, message: str) -> None:
    path = written(content)
    with pytest.raises(DataError) as caught:
        read_table(path)
    assert str(caught.value).startswith(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("nowhere/train.csv", "no such file"),
        ("train.xlsx", "not a known kind of file; use .csv"),
        ("sklearn:irises", "no such data set; did you mean 'iris'"),
        ("sklearn:penguins", "no such data set; use one of sklearn:breast_cancer"),
        ("carrierpigeon://host/train.csv", "Protocol not known: carrierpigeon"),
    ],
)
def test_a_source_that_is_not_there_is_refused(uri: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_table(uri)


def test_a_file_that_is_no_parquet_is_refused(written) -> None:
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(written("a,b\n1,2\n", "data.parquet"))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("data.csv", b"a,b\n1,x\n,y\n"),
        ("data.csv", b"\xef\xbb\xbfa,b\r\n1,x\r\n,y\r\n"),
        ("data.tsv", b"a\tb\n1\tx\n\ty\n"),
        ("data.csv.gz", gzip.compress(b"a,b\n1,x\n,y\n", mtime=0)),
    ],
)
def test_the_same_table_is_read_from_every_format(written, name: str, content: bytes) -> None:
    expected = pd.DataFrame({"a": [1.0, np.nan], "b": pd.Series(["x", "y"], dtype=str)})
    pd.testing.assert_frame_equal(read_table(written(content, name)), expected)


def test_parquet_holds_what_pandas_wrote(tmp_path: Path, bench_data: Path) -> None:
    frame = read_table(str(bench_data / "penguins" / "train.csv"))
    frame.to_parquet(tmp_path / "penguins.parquet")
    pd.testing.assert_frame_equal(read_table(str(tmp_path / "penguins.parquet")), frame)


def test_columns_held_as_strings_are_read_as_the_file_writes_them(written) -> None:
    path = written("code,price\n01,1\n02,2\n")
    frame = read_table(path, {"code": "string", "price": "number", "absent": "string"})
    assert frame["code"].tolist() == ["01", "02"]
    assert frame["price"].tolist() == [1, 2]


@given(values=st.lists(st.sampled_from(["True", "FALSE", "true", ""]), min_size=1))
def test_booleans_mean_the_same_in_training_and_in_prediction(tmp_path_factory, values: list[str]) -> None:
    path = tmp_path_factory.mktemp("booleans") / "data.csv"
    path.write_text("flag,row\n" + "".join(f"{value},{row}\n" for row, value in enumerate(values)))
    frame = read_table(str(path))
    if storage_of(frame)["flag"] == "string":
        again = read_table(str(path), {"flag": "string"})
        pd.testing.assert_frame_equal(typed(frame, {"flag": "string"}), typed(again, {"flag": "string"}))


@pytest.mark.parametrize(
    ("name", "rows", "first"),
    [("breast_cancer", 569, "malignant"), ("iris", 150, "setosa"), ("digits", 1797, 0), ("diabetes", 442, 151.0)],
)
def test_the_data_sets_of_scikit_learn_have_the_target_that_a_user_expects(name: str, rows: int, first: object) -> None:
    frame = read_table(f"sklearn:{name}")
    assert len(frame) == rows
    assert frame["target"].iloc[0] == first


def test_a_fingerprint_is_the_hash_of_the_bytes(written) -> None:
    content = b"a,b\n" + b"1,2\n" * 500_000
    assert fingerprint(written(content)) == hashlib.sha256(content).hexdigest()


def test_the_fingerprint_of_a_bundled_data_set_tells_it_from_others() -> None:
    assert fingerprint("sklearn:iris") == fingerprint("sklearn:iris") != fingerprint("sklearn:wine")


def test_storage_of_every_kind_of_column() -> None:
    frame = pd.DataFrame(
        {
            "integer": [1, 2],
            "nullable": pd.array([1, None], dtype="Int64"),
            "boolean": [True, False],
            "text": ["x", None],
            "category": pd.Categorical(["x", "y"]),
            "timestamp": pd.to_datetime(["2024-01-31", None]),
            "day": [datetime.date(2024, 1, 31), None],
            "money": [decimal.Decimal("1.50"), None],
        }
    )
    storage = storage_of(frame)
    assert list(storage.values()) == ["number", "number", "string", "string", "string", "date", "date", "number"]
    held = typed(frame, storage)
    assert held["nullable"].tolist()[0] == 1.0 and np.isnan(held["nullable"].iloc[1])
    assert held["boolean"].tolist() == ["True", "False"]
    assert held["day"].iloc[0] == pd.Timestamp("2024-01-31")
    assert held["money"].iloc[0] == 1.5


def test_what_does_not_fit_its_storage_is_missing() -> None:
    frame = pd.DataFrame(
        {"number": ["1.5", "much"], "date": ["2024-01-31T12:00:00+02:00", "soon"], "string": [1, None]}
    )
    held = typed(frame, {"string": "string", "date": "date", "number": "number"})
    assert list(held) == ["string", "date", "number"]
    assert held["number"].iloc[0] == 1.5
    assert held["date"].iloc[0] == pd.Timestamp("2024-01-31 10:00")
    assert held.iloc[1].isna().all()


def test_all_absent_columns_are_named() -> None:
    with pytest.raises(DataError, match="2 columns are missing from the data: 'b', 'c'; add them"):
        typed(pd.DataFrame({"a": [1.0]}), {"a": "number", "b": "number", "c": "string"})


def test_an_absent_column_is_named() -> None:
    with pytest.raises(DataError, match="column 'b' is missing"):
        typed(pd.DataFrame({"a": [1]}), {"a": "number", "b": "number"})


def test_typing_twice_changes_nothing(bench_data: Path) -> None:
    for folder in sorted(path for path in bench_data.iterdir() if path.is_dir()):
        frame = read_table(str(folder / "train.csv"))
        storage = storage_of(frame)
        held = typed(frame, storage)
        assert storage_of(held) == storage
        pd.testing.assert_frame_equal(typed(held, storage), held)


def test_whole_numbers_that_float64_would_confuse_are_held_as_strings(written) -> None:
    numbers = [20230101000000001 + place for place in range(4)]
    frame = read_table(written("id,count\n" + "".join(f"{each},{each % 7}\n" for each in numbers)))
    assert storage_of(frame) == {"id": "string", "count": "number"}
    assert typed(frame, storage_of(frame))["id"].tolist() == list(map(str, numbers))
