"""The checks of the verdict: one line per check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from mlestar.spec import Scope, Source, did_you_mean
from mlestar.validation.duplicates import duplicates
from mlestar.validation.forbidden_features import forbidden_features
from mlestar.validation.importance import importance
from mlestar.validation.invariance import column_order, extra_columns, single_rows
from mlestar.validation.label_shuffle import label_shuffle
from mlestar.validation.openings import openings
from mlestar.validation.outcome import Outcome, Severity
from mlestar.validation.overfit import overfit
from mlestar.validation.performance import objective, plain_baseline, trivial_baseline
from mlestar.validation.reproducibility import reproducibility
from mlestar.validation.robustness import missing_values, unseen_categories
from mlestar.validation.serving import latency, model_size
from mlestar.validation.subject import Subject

__all__ = ["CHECKS", "PREDICTS", "Check", "check_ids", "require_known"]

Function: TypeAlias = Callable[[Subject], Outcome | None]


@dataclass(frozen=True)
class Check:
    """A question to a model.

    Attributes
    ----------
    id : str
        Its name in ``validation.checks`` of the spec.
    title : str
    severity : {"error", "warn"}
        Whether failing it refuses the model, where the spec does not say.
    function : callable
        None where the check does not apply to this task and spec.
    works : bool
        Whether it needs a worker, and therefore time.
    """

    id: str
    title: str
    severity: Severity
    function: Function
    works: bool = False


PREDICTS = "holdout_predictions"
"""The id of the check that comes first and cannot be turned off: without predictions nothing can be judged."""

CHECKS = (
    Check("trivial_baseline", "Against the trivial baseline", "error", trivial_baseline),
    Check("plain_baseline", "Against the plain baseline", "error", plain_baseline),
    Check("objective", "Demanded score", "error", objective),
    Check("forbidden_features", "Forbidden features", "error", forbidden_features),
    Check("overfit", "Overfit gap", "warn", overfit),
    Check("duplicates", "Duplicates between training rows and holdout", "warn", duplicates),
    Check("openings", "Openings of the holdout", "warn", openings),
    Check("model_size", "Size and memory", "error", model_size),
    Check("column_order", "Reordered columns", "error", column_order, works=True),
    Check("extra_columns", "Extra columns", "error", extra_columns, works=True),
    Check("latency", "Latency", "error", latency, works=True),
    Check("single_rows", "Rows alone and among others", "error", single_rows, works=True),
    Check("missing_values", "Missing values", "error", missing_values, works=True),
    Check("unseen_categories", "Unseen categories", "error", unseen_categories, works=True),
    Check("importance", "Permutation importance", "warn", importance, works=True),
    Check("label_shuffle", "Label shuffle", "error", label_shuffle, works=True),
    Check("reproducibility", "Reproducibility", "warn", reproducibility, works=True),
)
"""In the order in which they run: what costs nothing first, refits last."""


def check_ids() -> tuple[str, ...]:
    """The names that ``validation.checks`` of a spec may use."""
    return tuple(check.id for check in CHECKS)


def require_known(scope: Scope, source: Source) -> None:
    """Refuse names in ``validation.checks`` that no check has.

    Raises
    ------
    SpecError
    """
    for name in scope.validation.checks:
        if name not in check_ids():
            remedy = did_you_mean(name, check_ids()) or f"; the checks are {', '.join(check_ids())}"
            raise source.error(f"validation.checks.{name}", f"there is no check {name!r}{remedy}")
