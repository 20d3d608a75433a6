"""The plain baseline: histogram gradient boosting with its defaults, categories as ordinal codes."""

from __future__ import annotations

from job import Job, read_job
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def main(job: Job) -> None:
    X, y, new = job.tables()
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
