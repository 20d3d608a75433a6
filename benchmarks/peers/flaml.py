"""FLAML, with its defaults."""

from __future__ import annotations

import sys

from job import Job, read_job

_METRICS = {"rmsle": "rmse", "average_precision": "ap"}
_PREDICTION_SHARE = 0.03  # of the budget, kept for the predictions


def main(job: Job) -> None:
    sys.path.pop(0)  # this file has the name of the package
    from flaml import AutoML

    X, y, new = job.tables()
    there, back = job.scale
    split = {"split_type": "group", "groups": X.pop(job.group)} if job.group else {}
    if job.time:
        order = X[job.time].sort_values(kind="stable").index
        X, y, split = X.loc[order], y.loc[order], {"split_type": "time"}
    model = AutoML()
    model.fit(
        X,
        there(y),
        task="regression" if job.kind == "regression" else "classification",
        metric=_METRICS.get(job.metric, job.metric),
        time_budget=job.left - _PREDICTION_SHARE * job.seconds,
        seed=job.seed,
        n_jobs=job.cores,
        verbose=1,
        **split,
    )
    new = new[X.columns]
    predictions = model.predict(new)
    if job.kind == "regression":
        job.answer(back(predictions))
    else:
        job.answer(predictions, [str(label) for label in model.classes_], model.predict_proba(new))


if __name__ == "__main__":
    main(read_job())
