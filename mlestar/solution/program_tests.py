"""The pytest file that is shipped beside a program."""

from __future__ import annotations

import inspect
import re
import textwrap
from dataclasses import dataclass, field

from mlestar.data.task import Task
from mlestar.solution.input_changes import SAME_PREDICTIONS, STILL_PREDICTIONS
from mlestar.solution.layout import literal, one_line, tuple_literal
from mlestar.solution.templates import template

__all__ = ["ROUNDING", "SINGLE_ROWS", "Evidence", "Floor", "render_tests"]

ROUNDING = 1e-6
"""Of the largest value: by so much predictions may differ that are called the same."""

SINGLE_ROWS = 10
"""How many rows are predicted alone."""

_LONGEST_NOTE, _DIGITS = 110, 4
_PREDICTIONS = {  # in the order in which they are looked for: `labels` is the name of an argument, too
    "probabilities": "model.predict_proba(rows)",
    "values": "model.predict(rows)",
    "labels": "solution.class_numbers(model.predict(rows))",
}
_SCORES = {
    "accuracy": "accuracy_score(y, labels)",
    "balanced_accuracy": "balanced_accuracy_score(y, labels)",
    "f1": "f1_score(y, labels)",
    "f1_macro": 'f1_score(y, labels, average="macro")',
    "mcc": "matthews_corrcoef(y, labels)",
    "quadratic_kappa": 'cohen_kappa_score(y, labels, weights="quadratic", labels=range(len(CLASSES)))',
    "roc_auc": "roc_auc_score(y, probabilities[:, 1])",
    "average_precision": "average_precision_score(y, probabilities[:, 1])",
    "log_loss": "log_loss(y, probabilities, labels=range(len(CLASSES)))",
    "rmse": "root_mean_squared_error(y, values)",
    "mae": "mean_absolute_error(y, values)",
    "rmsle": "root_mean_squared_log_error(y, values)",
    "mape": "mean_absolute_percentage_error(y, values)",
    "r2": "r2_score(y, values)",
    "pearson": "np.corrcoef(y, values)[0, 1]",
}
_SCORES_OF_SEVERAL = {  # classes, one against the rest where they occur; or targets
    "roc_auc": "roc_auc_score(y[:, None] == np.unique(y), probabilities[:, np.unique(y)])",
    "average_precision": "average_precision_score(y[:, None] == np.unique(y), probabilities[:, np.unique(y)])",
    "pearson": "np.mean([np.corrcoef(*each)[0, 1] for each in zip(y.T, values.T)])",
}


@dataclass(frozen=True)
class Floor:
    """What a metric must not fall behind.

    Attributes
    ----------
    metric : str
    score : float
        What the program reached on the rows of the sample that it was not fitted on.
    trivial : float
        What the same prediction for every row reaches there; worse.
    """

    metric: str
    score: float
    trivial: float


@dataclass(frozen=True)
class Evidence:
    """What was measured of a program on the sample.

    Attributes
    ----------
    rows, fitted_rows : int
        Of the sample, and those of them, the first, that are fitted on; the others are predicted.
    grouped : bool
        Whether the program is fitted with groups, which the sample has then.
    held : frozenset of str
        What held: ``predictions`` (fit and predict work at all), ``probabilities``, ``single_rows``, ``second_fit``,
        ``saved_model``, and the names of the functions in :mod:`mlestar.solution.input_changes`.
    floors : tuple of Floor
    left_out : tuple of str
        What did not hold, or could not be measured, in a sentence each.
    tables : {name: file}
        The auxiliary tables that the program joins, and the files that hold what they know of the sample.
    """

    rows: int
    fitted_rows: int
    grouped: bool
    held: frozenset[str]
    floors: tuple[Floor, ...]
    left_out: tuple[str, ...]
    tables: dict[str, str] = field(default_factory=dict)


def render_tests(task: Task, evidence: Evidence) -> str:
    """A pytest file for ``solution.py`` that asserts what held; needs neither mlestar nor plugins of pytest.

    Parameters
    ----------
    task : Task
    evidence : Evidence
    """
    held = evidence.held
    same, still = ([each for each in kind if each.__name__ in held] for kind in (SAME_PREDICTIONS, STILL_PREDICTIONS))
    floors = [_floor(floor, task) for floor in evidence.floors]
    functions = {each["expression"].split("(")[0] for each in floors}
    text = template("test_solution.py.j2").render(
        evidence=evidence,
        held=held,
        left_out=[textwrap.wrap(one_line(each), _LONGEST_NOTE) for each in evidence.left_out],
        fits="predictions" in held,
        compares=bool(same or held & {"single_rows", "second_fit", "saved_model"}),
        classification=task.is_classification,
        classes=tuple_literal(task.classes, before="CLASSES = "),
        prediction_columns=tuple_literal(_prediction_columns(task), before="PREDICTION_COLUMNS = "),
        target=literal(task.targets[0]) if task.outputs == 1 else "list(solution.TARGETS)",
        group=task.group if evidence.grouped else None,
        floors=floors,
        metric_functions=sorted(name for name in functions if not name.startswith("np.")),
        changes=[inspect.getsource(each).strip() for each in (*same, *still)],
        same=[each.__name__ for each in same],
        still=[each.__name__ for each in still],
        single_rows=SINGLE_ROWS,
        rounding=ROUNDING,
    )
    return re.sub(r"\n{4,}", "\n\n\n", text.strip("\n")) + "\n"


def _floor(floor: Floor, task: Task) -> dict[str, str]:
    """How the test of a metric is written: the bound is half way between the score and what is trivial."""
    several = len(task.classes) > 2 or task.outputs > 1
    expression = (several and _SCORES_OF_SEVERAL.get(floor.metric)) or _SCORES[floor.metric]
    needs = next(name for name in _PREDICTIONS if name in expression)
    higher_is_better = floor.score > floor.trivial
    return {
        "metric": floor.metric,
        "expression": expression,
        "needs": needs,
        "predictions": _PREDICTIONS[needs],
        "comparison": ">" if higher_is_better else "<",
        "constant": f"{'LEAST' if higher_is_better else 'MOST'}_{floor.metric.upper()}",
        "value": f"{(floor.score + floor.trivial) / 2:.{_DIGITS}g}",
        "score": f"{floor.score:.{_DIGITS}g}",
        "trivial": f"{floor.trivial:.{_DIGITS}g}",
    }


def _prediction_columns(task: Task) -> tuple[str, ...]:
    """The columns of a predictions file for the sample, which has an id only where tables are joined by it."""
    ids = (task.id,) if task.id and task.id in task.features else ()
    if task.outputs > 1:
        return (*ids, *(f"prediction_{target}" for target in task.targets))
    return (*ids, "prediction", *(f"probability_{label}" for label in task.classes))
