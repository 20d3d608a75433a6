"""The target as numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mlestar.data.infer import infer_task
from mlestar.data.sources import read_table, typed
from mlestar.data.target import has_target, target_frame, target_values
from mlestar.errors import DataError


def test_class_numbers_are_positions_in_classes(scope) -> None:
    frame = read_table("sklearn:breast_cancer")
    task, _, _ = infer_task(scope("target"), frame)
    numbers = target_values(typed(frame, task.storage), task)
    assert numbers.dtype == np.int64
    assert np.array(task.classes)[numbers].tolist() == frame["target"].tolist()


def test_numeric_classes_are_found_among_floats(scope) -> None:
    frame = read_table("sklearn:digits")
    task, _, _ = infer_task(scope("target"), frame)
    np.testing.assert_array_equal(target_values(typed(frame, task.storage), task), frame["target"])


def test_values_of_one_and_of_several_targets(scope) -> None:
    frame = read_table("sklearn:linnerud")
    one, _, _ = infer_task(scope("Pulse"), frame)
    several, _, _ = infer_task(scope(["Weight", "Pulse"]), frame)
    np.testing.assert_array_equal(target_values(frame, one), frame["Pulse"])
    np.testing.assert_array_equal(target_values(frame, several), frame[["Weight", "Pulse"]])
    assert list(target_frame(target_values(frame, several), groups=frame["Chins"].to_numpy())) == [
        "target_0",
        "target_1",
        "group",
    ]


def test_a_label_that_training_did_not_have_is_named(scope) -> None:
    frame = read_table("sklearn:iris")
    task, _, _ = infer_task(scope("target"), frame)
    with pytest.raises(DataError, match="'lactea' is none of the classes 'setosa', 'versicolor', 'virginica'"):
        target_values(frame.assign(target="lactea"), task)


def test_rows_have_a_target_only_if_they_have_all() -> None:
    frame = pd.DataFrame({"a": [1.0, np.nan, 3.0], "b": [1.0, 2.0, np.nan]})
    assert has_target(frame, ["a", "b"]).tolist() == [True, False, False]
