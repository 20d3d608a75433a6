"""The evaluation store gives back what was put, or nothing."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from mlestar.errors import StorageError
from mlestar.evaluation import EvaluationStore, Limits, Record, evaluation_key
from mlestar.storage import Storage

LIMITS = Limits(seconds=10, memory_mb=500)
KEY = evaluation_key("solution", "data", "fold", seed=0, threads=1)


@pytest.fixture(params=["directory", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> EvaluationStore:
    """A store in a directory, and one behind fsspec's interface to buckets."""
    return EvaluationStore(str(tmp_path / "store") if request.param == "directory" else f"memory://{tmp_path}")


@given(
    predictions=arrays.arrays(np.float64, arrays.array_shapes(min_dims=2, max_dims=2), elements=st.floats(width=64)),
    labels=st.none() | arrays.arrays(np.int64, st.integers(0, 5)),
    reason=st.none() | st.text(),
)
def test_a_record_comes_back_as_it_was(predictions: np.ndarray, labels: np.ndarray | None, reason: str | None):
    store = EvaluationStore("memory://round-trip")
    record = Record("ok", LIMITS, reason, 1.5, 0.25, 120.0, predictions, labels)
    store.put(KEY, record)
    found = store.get(KEY, LIMITS)
    assert found is not None
    np.testing.assert_array_equal(found.predictions, predictions)
    if labels is None:
        assert found.labels is None
    else:
        np.testing.assert_array_equal(found.labels, labels)
    fields = ("status", "limits", "reason", "fit_seconds", "predict_seconds", "peak_mb")
    assert [getattr(found, name) for name in fields] == [getattr(record, name) for name in fields]


def test_an_unknown_key_has_no_record(store: EvaluationStore):
    assert store.get(KEY, LIMITS) is None


@pytest.mark.parametrize("damage", ["truncated", "empty", "foreign", "text", "renamed", "pickle"])
def test_a_damaged_file_counts_as_absent_and_is_replaced(tmp_path: Path, damage: str):
    store = EvaluationStore(str(tmp_path))
    store.put(KEY, Record("ok", LIMITS, predictions=np.ones((100, 1))))
    path = tmp_path / KEY[:2] / f"{KEY}.npz"
    whole = path.read_bytes()
    if damage == "foreign":
        np.savez(path, something=np.ones(3))
    elif damage == "pickle":
        np.savez(path, record=np.array([{"key": KEY}], dtype=object), allow_pickle=True)
    elif damage == "renamed":
        other = evaluation_key("another", "data", "fold", seed=0, threads=1)
        store.put(other, Record("ok", LIMITS))
        path.write_bytes((tmp_path / other[:2] / f"{other}.npz").read_bytes())
    else:
        path.write_bytes({"truncated": whole[: len(whole) // 2], "empty": b"", "text": b"not a record"}[damage])
    assert store.get(KEY, LIMITS) is None
    store.put(KEY, Record("failed", LIMITS, "reason"))
    found = store.get(KEY, LIMITS)
    assert found is not None
    assert found.status == "failed"


@given(st.data())
def test_no_flipped_or_missing_byte_gives_other_predictions(data: st.DataObject):
    store = EvaluationStore("memory://damaged")
    predictions = np.arange(6.0).reshape(3, 2)
    store.put(KEY, Record("ok", LIMITS, predictions=predictions))
    files = Storage("memory://damaged", what="the store", remedy="")
    name = f"{KEY[:2]}/{KEY}.npz"
    content = bytearray(files.read(name) or b"")
    place = data.draw(st.integers(0, len(content) - 1))
    if data.draw(st.booleans()):
        content[place] ^= data.draw(st.integers(1, 255))
    else:
        del content[place:]
    files.write(name, bytes(content))
    found = store.get(KEY, LIMITS)
    assert found is None or found.predictions is None or np.array_equal(found.predictions, predictions)


@pytest.mark.parametrize(
    ("status", "now", "known"),
    [
        ("timeout", Limits(10, 900), True),
        ("timeout", Limits(9, 500), True),
        ("timeout", Limits(11, 500), False),
        ("out_of_memory", Limits(20, 500), True),
        ("out_of_memory", Limits(10, 501), False),
        ("failed", Limits(99, 999), True),
        ("ok", Limits(1, 1), True),
    ],
)
def test_a_failure_by_limit_is_tried_again_under_a_larger_one(
    store: EvaluationStore, status: str, now: Limits, known: bool
):
    store.put(KEY, Record(status, LIMITS))
    assert (store.get(KEY, now) is not None) == known


def _write_and_read(uri: str, value: float) -> bool:
    store = EvaluationStore(uri)
    for _ in range(50):
        store.put(KEY, Record("ok", LIMITS, predictions=np.full((500, 2), value)))
        found = store.get(KEY, LIMITS)
        if found is None or found.predictions is None or len(np.unique(found.predictions)) != 1:
            return False
    return True


def test_concurrent_writers_never_show_half_a_record(tmp_path: Path):
    with ProcessPoolExecutor(3, mp_context=get_context("spawn")) as pool:
        assert all(pool.map(_write_and_read, [str(tmp_path)] * 3, [1.0, 2.0, 3.0]))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [f"{KEY}.npz"]


ARGUMENTS = {"program": "s", "data": "d", "fold": "f", "seed": 0, "threads": 1}


@pytest.mark.parametrize(
    "change",
    [{"program": "t"}, {"data": "e"}, {"fold": "g"}, {"seed": 1}, {"threads": 2}],
    ids=lambda change: next(iter(change)),
)
def test_whatever_decides_the_predictions_is_in_the_key(change: dict[str, object]):
    assert evaluation_key(**(ARGUMENTS | change)) != evaluation_key(**ARGUMENTS)
    assert evaluation_key(**(ARGUMENTS | change)) == evaluation_key(**(ARGUMENTS | change))


def test_a_place_of_an_unknown_kind_is_named_with_the_remedy() -> None:
    with pytest.raises(StorageError, match=r"tape://records: the store cannot be reached .*; name a folder"):
        Storage("tape://records", what="the store", remedy="name a folder")


def test_a_file_that_is_being_written_is_no_file_yet(tmp_path: Path) -> None:
    files = Storage(str(tmp_path), what="the store", remedy="")
    files.write("first", b"")
    (tmp_path / ".second.1f3a").write_bytes(b"")
    assert files.names() == ["first"]
