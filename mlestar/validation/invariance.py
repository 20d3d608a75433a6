"""What must not change a prediction: the order of the columns, further columns, the other rows."""

from __future__ import annotations

import pandas as pd

from mlestar.solution.input_changes import further_columns, reversed_columns
from mlestar.validation.outcome import Outcome
from mlestar.validation.predictions import agree, disagreement, joined, taken
from mlestar.validation.subject import SINGLE_ROWS, Subject

__all__ = ["column_order", "extra_columns", "single_rows"]


def column_order(subject: Subject) -> Outcome:
    """The columns in the opposite order give the same predictions."""
    return _unchanged(subject, reversed_columns(subject.sample_features), "the order of the columns changes")


def extra_columns(subject: Subject) -> Outcome:
    """Columns that were not there in training give the same predictions."""
    return _unchanged(subject, further_columns(subject.sample_features), "further columns change")


def single_rows(subject: Subject) -> Outcome:
    """A row that is predicted alone is predicted as among others."""
    rows, calls = subject.single_calls
    found = disagreement(taken(subject.sample_predictions, rows[:SINGLE_ROWS]), joined(calls[:SINGLE_ROWS]))
    if agree(found):
        return Outcome("pass", "a row alone is predicted as among others", found)
    return Outcome(
        "fail", f"of {found['rows']} rows, {found['rows_that_differ']} are predicted differently alone", found
    )


def _unchanged(subject: Subject, features: pd.DataFrame, what: str) -> Outcome:
    found = disagreement(subject.sample_predictions, subject.served.predict(features))
    if agree(found):
        return Outcome("pass", f"{what} no prediction", found)
    return Outcome("fail", f"{what} {found['rows_that_differ']:,} of {found['rows']:,} predictions", found)
