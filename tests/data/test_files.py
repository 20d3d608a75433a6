"""The header of a file names the columns that reading all of it gives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlestar.data.files import column_names
from mlestar.data.sources import read_table
from mlestar.errors import DataError


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n")), min_size=2, unique=True))
def test_names_are_those_of_the_table(tmp_path_factory: pytest.TempPathFactory, names: list[str]) -> None:
    path = str(tmp_path_factory.mktemp("header") / "data.csv")
    pd.DataFrame([range(len(names))], columns=names).to_csv(path, index=False)
    try:
        table = read_table(path)
    except DataError:
        with pytest.raises(DataError):
            column_names(path)
    else:
        assert list(column_names(path)) == list(table)


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz", "data.tsv", "data.parquet"])
@pytest.mark.parametrize("index", [False, True])
def test_names_in_files_of_every_kind(bench_data: Path, tmp_path: Path, name: str, index: bool) -> None:
    frame = pd.read_csv(bench_data / "penguins" / "train.csv")
    path = tmp_path / name
    if path.suffix == ".parquet":
        (frame.set_index(frame.columns[0]) if index else frame).to_parquet(path)
    else:
        frame.to_csv(path, index=index, sep="\t" if path.suffix == ".tsv" else ",")
    assert list(column_names(str(path))) == list(read_table(str(path)))


def test_parquet_file_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "data.parquet").write_bytes(b"PAR2")
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        column_names(str(tmp_path / "data.parquet"))


@pytest.mark.parametrize("noted", [b'"float64"', b'"index_columns"', b'"numpy_type"'])
def test_parquet_file_whose_notes_for_pandas_are_damaged(tmp_path: Path, bench_data: Path, noted: bytes) -> None:
    path = tmp_path / "data.parquet"
    table = pa.Table.from_pandas(pd.read_csv(bench_data / "penguins" / "train.csv"))
    assert noted in table.schema.metadata[b"pandas"]
    damaged = table.schema.metadata[b"pandas"].replace(noted, noted.upper())
    pq.write_table(table.replace_schema_metadata({b"pandas": damaged}), path)
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        read_table(str(path))


@pytest.mark.parametrize("name", ["data.csv", "data.csv.gz", "data.csv.zip", "data.parquet"])
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_file_is_read_or_refused_in_one_line(
    tmp_path: Path, bench_data: Path, name: str, data: st.DataObject
) -> None:
    path = tmp_path / name
    frame = pd.read_csv(bench_data / "penguins" / "train.csv").head(40)
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    content = bytearray(path.read_bytes())
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[position] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.sampled_from([len(content), len(content) // 2]))])
    try:
        read_table(str(path))
    except DataError as error:
        assert str(error).startswith(str(path))
        assert str(error).isprintable()
