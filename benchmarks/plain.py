"""The plain baseline of the benchmark: histogram gradient boosting with its defaults, categories as ordinal codes."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder


def main(data: str, target: str, kind: str, out: str, drop: str, seed: str) -> None:
    """Fit on train.csv, write predictions for test.csv."""
    train = pd.read_csv(Path(data) / "train.csv")
    test = pd.read_csv(Path(data) / "test.csv")
    y = train.pop(target)
    dropped = [name for name in drop.split(",") if name]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    encode = make_column_transformer((encoder, make_column_selector(dtype_exclude="number")), remainder="passthrough")
    boosting = HistGradientBoostingRegressor if kind == "regression" else HistGradientBoostingClassifier
    model = make_pipeline(encode, boosting(random_state=int(seed)))
    model.fit(train.drop(columns=dropped), y)
    test = test.drop(columns=dropped)
    found = pd.DataFrame({"prediction": model.predict(test)})
    if kind == "regression":  # rmsle is not defined for negative predictions
        found["prediction"] = found["prediction"].clip(y.min(), y.max())
    if kind != "regression":
        for label, values in zip(model.classes_, model.predict_proba(test).T, strict=True):
            found[f"probability_{label}"] = values
    found.to_csv(Path(out) / "predictions.csv", index=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
