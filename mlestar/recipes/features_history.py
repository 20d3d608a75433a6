from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin

from mlestar.recipes.parts import as_days, as_text, one_column_per_output
from mlestar.recipes.recipe import Recipe, cells
from mlestar.recipes.space import Choice, Integer, Real


class TargetHistory(TransformerMixin, BaseEstimator):
    """Adds what the target was lately: its mean over the last `share` of the time, in all rows and in those alike.

    A new row comes some time after the last training row. So that training rows are like it, time is divided into
    `periods`, and a row is told of those before its own, less the `gap`; in the first one nothing is known. Alike are
    rows with the same value of one of the `most` columns whose few values say most of the target.
    """

    def __init__(self, time, share, periods, most, gap):
        self.time = time
        self.share = share
        self.periods = periods
        self.most = most
        self.gap = gap

    def fit(self, X, y):
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X, y):
        self.n_features_in_ = X.shape[1]
        # The calendar features have replaced the time by its parts.
        self.time_ = next((name for name in (self.time, f"{self.time}_total_seconds") if name in X), None)
        if self.time_ is None:
            return X
        times, targets = self._times(X), one_column_per_output(y)
        self.columns_ = self._telling_columns(X, targets)
        self.length_ = self.share * (np.nanmax(times) - np.nanmin(times))
        starts = np.linspace(np.nanmin(times), np.nanmax(times), self.periods + 1)[1:-1]
        period, order = np.searchsorted(starts, times, side="right"), np.argsort(times, kind="stable")
        parts = []
        for number in range(self.periods):
            known = order[: max((period < number).sum() - self.gap, 0)]
            self._learn(X.iloc[known], times[known], targets[known])
            parts.append(self.transform(X[period == number]))
        self._learn(X, times, targets)
        return pd.concat(parts).iloc[np.argsort(np.argsort(period, kind="stable"), kind="stable")]

    def transform(self, X):
        if self.time_ is None:
            return X
        added = {"time since the last known target": self._times(X) - self.until_}
        for number, mean in enumerate(self.overall_, start=1):
            added[f"target {number} lately"] = np.full(len(X), mean)
        for name in self.columns_:
            values = as_text(X[name])
            for number, means in enumerate(self.means_[name], start=1):
                overall = self.overall_[number - 1]
                found = values.map(means).astype("float64").fillna(overall)
                added[f"target {number} lately by {name}"] = found.to_numpy()
        return pd.concat([X, pd.DataFrame(added, index=X.index)], axis=1)

    def _learn(self, X, times, targets):
        """The means over the last part of the time of these rows."""
        self.until_ = float(np.nanmax(times)) if len(X) else np.nan
        late = times > self.until_ - self.length_
        outputs = pd.DataFrame(targets[late])
        self.overall_ = outputs.mean().tolist()
        self.means_ = {}
        for name in self.columns_:
            by_value = outputs.groupby(as_text(X[name])[late].to_numpy()).mean()
            self.means_[name] = [column.to_dict() for _, column in by_value.items()]

    def _telling_columns(self, X, targets):
        """Those with few values whose means differ most from each other, in parts of the target's variance."""
        outputs, explained = pd.DataFrame(targets), {}
        for name in X.columns:
            if name != self.time_ and 1 < X[name].nunique() <= len(X) / 50:
                means = outputs.groupby(as_text(X[name]).to_numpy()).transform("mean")
                explained[name] = float((means.var() / outputs.var()).mean())
        return sorted(explained, key=lambda name: -explained[name])[: self.most]

    def _times(self, X):
        dates = pd.api.types.is_datetime64_any_dtype(X[self.time_])
        return (as_days(X[[self.time_]])[self.time_] if dates else X[self.time_]).to_numpy(dtype="float64")


def features(ctx, *, share=0.05, periods=8, most=1):
    """Add the mean target of the last `share` of the time that is known, overall and by telling columns."""
    return TargetHistory(ctx.time, share, periods, most, ctx.gap)


RECIPE = Recipe(
    kind="features",
    name="history",
    space={"share": Real(0.005, 0.5, log=True), "periods": Choice(4, 8, 16), "most": Integer(0, 4)},
    portfolio=({}, {"share": 0.2}, {"most": 2}),
    suits=lambda task: 0.9 if task.time else 0.0,
    cost=lambda task: 0.05 + 2e-6 * cells(task),
)
