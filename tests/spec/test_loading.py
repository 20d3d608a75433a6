"""Spec files: where they are, where their data is, and how they are encoded."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlestar.errors import SpecError
from mlestar.spec import load_scope, resolve_uri


def write(folder: Path, text: str) -> Path:
    path = folder / "telco.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_data_is_relative_to_the_folder_of_the_file(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    write(folder, spec)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").touch()  # stands in the current directory, which must not be guessed
    monkeypatch.chdir(tmp_path)
    data = load_scope("specs/telco.yaml").scope.data
    assert data.train == str(folder / "data" / "train.csv")
    assert data.test == "gs://bucket/test.csv"


def test_data_of_an_override_is_relative_to_the_current_directory(
    spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "specs"
    folder.mkdir()
    path = write(folder, spec)
    monkeypatch.chdir(tmp_path)
    assert load_scope(path, ["data.train=mine.csv"]).scope.data.train == str(tmp_path / "mine.csv")
    assert load_scope(path, ["data={train: mine.csv}"]).scope.data.train == str(tmp_path / "mine.csv")


@pytest.mark.parametrize(
    "uri", ["sklearn:wine", "gs://b/x.csv", "s3://b/x.parquet", "simplecache::s3://b/x.csv", "/data/x.csv"]
)
def test_uris_and_absolute_paths_are_left_alone(uri: str) -> None:
    assert resolve_uri(uri, "specs") == uri


def test_files_that_cannot_be_read(spec: str, tmp_path: Path) -> None:
    path = write(tmp_path, spec)
    with pytest.raises(SpecError, match=r"telc\.yaml: no such file; did you mean 'telco\.yaml'\?$"):
        load_scope(tmp_path / "telc.yaml")
    with pytest.raises(SpecError, match=r"absent/telco\.yaml: no such file; check the path$"):
        load_scope(tmp_path / "absent" / "telco.yaml")
    with pytest.raises(SpecError, match=r"cannot be read \(Is a directory\)"):
        load_scope(tmp_path)
    path.write_bytes(spec.encode() + "purpose: {owner: Zoë}\n".encode("latin-1"))
    with pytest.raises(SpecError, match=r"telco\.yaml:12: the byte 0xeb is not UTF-8; save the file as UTF-8$"):
        load_scope(path)


def test_a_byte_order_mark_is_no_matter(spec: str, tmp_path: Path) -> None:
    path = write(tmp_path, "\ufeff" + spec)
    assert load_scope(path).scope.name == "telco-churn"
