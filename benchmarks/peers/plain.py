"""The plain baseline: histogram gradient boosting with its defaults, categories as ordinal codes, dates as days."""

from __future__ import annotations

import pandas as pd
from job import Job, read_job
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def main(job: Job) -> None:
    X, y, new = job.tables()
    X, new = (each.drop(columns=job.group or []) for each in (X, new))
    for name in X.select_dtypes("datetime"):
        X[name], new[name] = ((each[name] - pd.Timestamp(0)).dt.total_seconds() / 86400 for each in (X, new))
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = make_column_transformer((encoder, make_column_selector(dtype_exclude="number")), remainder="passthrough")
    boosting = HistGradientBoostingRegressor if job.kind == "regression" else HistGradientBoostingClassifier
    model = make_pipeline(encode, boosting(random_state=job.seed)).fit(X, y)
    predictions = model.predict(new)
    if job.kind == "regression":
        job.answer(predictions.clip(y.min(), y.max()))
    else:
        job.answer(predictions, list(model.classes_), model.predict_proba(new))


if __name__ == "__main__":
    main(read_job())
