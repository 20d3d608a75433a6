"""Models whose recipes say so come to the same with any number of threads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import ModuleType

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from threadpoolctl import threadpool_limits

from mlestar.data.task import Column, Task
from mlestar.recipes import catalogue

MODELS = [each.name for each in catalogue() if each.kind == "model" and each.threads]
DIGITS = load_digits(as_frame=True).data.assign(shade=lambda frame: frame["pixel_3_3"].astype(int).astype(str))
TASK = Task(
    name="digits",
    type="regression",
    targets=("digit",),
    metric="rmse",
    columns=tuple(
        Column(
            name=name,
            storage="string" if name == "shade" else "number",
            role="categorical" if name == "shade" else "numeric",
        )
        for name in DIGITS
    ),
    rows=len(DIGITS),
    splitter="kfold",
    folds=5,
)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("is_regression", [True, False])
def test_predictions_do_not_depend_on_the_threads(
    program: Callable[..., ModuleType], model: str, *, is_regression: bool
) -> None:
    y = load_digits().target
    task = TASK
    if not is_regression:
        task = TASK.model_copy(update={"type": "multiclass", "metric": "log_loss", "classes": tuple(range(10))})
    module = program(task, model=model, encode="native")

    def predictions(threads: int) -> np.ndarray:
        module.CONTEXT = replace(module.CONTEXT, threads=threads)
        with threadpool_limits(threads):
            solution = module.Solution().fit(DIGITS, y)
            return np.asarray(solution.predict(DIGITS) if is_regression else solution.predict_proba(DIGITS))

    expected = predictions(1)
    pd.testing.assert_frame_equal(pd.DataFrame(predictions(2)), pd.DataFrame(expected), check_exact=True)
    pd.testing.assert_frame_equal(pd.DataFrame(predictions(4)), pd.DataFrame(expected), check_exact=True)
