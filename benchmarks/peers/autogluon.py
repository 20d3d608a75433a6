"""AutoGluon, with the preset that the command line names after the job."""

from __future__ import annotations

import sys

import numpy as np
from job import Job, read_job

_METRICS = {"rmse": "root_mean_squared_error", "rmsle": "root_mean_squared_error", "mae": "mean_absolute_error"}
_PREDICTION_SHARE = 0.03  # of the budget, kept for the predictions


def main(job: Job, preset: str) -> None:
    sys.path.pop(0)  # this file has the name of the package
    from autogluon.tabular import TabularPredictor

    X, y, new = job.tables()
    there, back = job.scale
    structure = {"group_on": job.group} if job.group else {"time_on": job.time} if job.time else None
    predictor = TabularPredictor(
        label=job.target,
        problem_type=job.kind,
        eval_metric=_METRICS.get(job.metric, job.metric),
        path=str(job.out / "autogluon"),
        learner_kwargs={"ignored_columns": [job.group] if job.group else []},
        verbosity=2,
    )
    predictor.fit(
        X.assign(**{job.target: there(y)}),
        presets=preset,
        time_limit=job.left - _PREDICTION_SHARE * job.seconds,
        validation_structure=structure,
        num_cpus=job.cores,
        num_gpus=0,
    )
    predictions = predictor.predict(new).to_numpy()
    if job.kind == "regression":
        job.answer(back(predictions))
    else:
        found = predictor.predict_proba(new)
        job.answer(predictions, [str(label) for label in found.columns], np.asarray(found))


if __name__ == "__main__":
    main(read_job(), sys.argv[2])
