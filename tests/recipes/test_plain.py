"""The plain baseline is what its name promises."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier

from mlestar.data.infer import infer_task
from mlestar.data.sources import read_table
from mlestar.data.task import Task
from mlestar.recipes import plain_solution
from mlestar.solution import Solution
from mlestar.spec import parse_scope


def test_it_is_scikit_learn_with_its_defaults_also_where_these_stop_early(
    program_of: Callable[[Solution, Task], ModuleType], bench_data: Path
) -> None:
    path, target = bench_data / "diabetes-130" / "train.csv", "readmitted_30"
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "plain",
        "data": {"train": str(path)},
        "task": {"target": target},
    }
    frame = read_table(str(path))
    task, _, _ = infer_task(parse_scope(json.dumps(spec), "plain.yaml").scope, frame)
    y, rows = frame[target].to_numpy(), frame[list(task.features)]
    found = program_of(plain_solution(task), task).Solution().fit(rows, y).predict_proba(rows)

    codes = {name: rows[name].astype("category").cat.codes for name in task.categorical}
    table = rows.assign(**{name: each.where(each >= 0).astype(float) for name, each in codes.items()})
    model = HistGradientBoostingClassifier(random_state=task.seed).fit(table[list(task.features)], y)
    assert model.n_iter_ < model.max_iter
    np.testing.assert_allclose(found, model.predict_proba(table))
