"""The budget: a plan for the whole run, made by scope, and what a stage may spend of it."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any, Literal

from pydantic import BaseModel

from mlestar.errors import BudgetError
from mlestar.progress import emit
from mlestar.stages.environment import DEADLINE, ending_early
from mlestar.stages.refits import CERTAINTY

__all__ = ["FITS_SHARE", "FIT_AND_REFIT", "LONGEST_FIT", "Plan", "Spent", "StageBudget", "make_plan", "seconds_left"]

LONGEST_FIT = 3600.0
"""Seconds that a fit may take where a run counts fits: the same on every machine, and enough on any."""
FIT_AND_REFIT = 2.5
"""Times a fit on the training rows: that of finalize has more rows, and leaves time for what finalize does after it."""

FITS_SHARE = 0.035
"""Of the wall clock, that fitting the members of an ensemble several times may take, and again in finalize."""

_MOST_SHARES = {"ensemble": 0.12, "validate": 0.11, "finalize": 0.11}
_LEAST_SHARES = {"ensemble": 0.03, "validate": 0.06, "finalize": 0.06}  # longer runs leave more to choose and check
_NEEDS = {
    "ensemble": (2.0, 4.0),
    "validate": (4.0, 6.0),
    "finalize": (4.0, 4.0),
}  # seconds, and fits of the dearest kind
_SECONDS_PER_COLUMN = 3e-4
_SEARCH_SHARE, _ABLATE_SHARE = 0.45, 0.10  # of a branch; the rest is refinement
_CANDIDATES = 6  # of the dearest kind, that a branch is to have the time for before candidates run on more folds
_FEW_CANDIDATES = 2  # where a fold is small
_FEWEST_FOLDS = 2
_FEWEST_ROWS = 20_000  # that candidates are compared on, where there are more
_FULL_FIT_SHARE = 0.3  # of the time after scope, that the fit on all rows may be given where they are compared on fewer
_STAGE_OVERHEAD = 0.3  # seconds from the end of a stage to the start of the next, under a local runner
_CLOSING = 1.0  # seconds to stop the servers and to lay out the result
_LEAST_SECONDS = 6.0
_SHORT_STAGE = 20.0  # seconds for the fits of a late stage, where a run that counts fits is to end early


class Spent(BaseModel):
    """What a stage used. ``seconds`` counts stored evaluations with the seconds that they once took."""

    stage: str
    branch: int | None = None
    step: int | None = None
    planned_seconds: float
    seconds: float
    evaluations: int
    executed: int


class Plan(BaseModel):
    """Seconds (``wall_clock``) or fits (``evaluations``) per stage; for those of a branch: per branch and step.

    ``folds`` and ``rows`` say on how many of the folds and of the training rows candidates are compared; None: on all.
    """

    mode: Literal["wall_clock", "evaluations"]
    total: float
    stages: dict[str, float]
    folds: int | None = None
    rows: int | None = None


def make_plan(
    *,
    wall_clock: float,
    evaluations: int | None,
    outer_steps: int,
    branches: int,
    used: float,
    fit_seconds: float,
    folds: int,
    repeats: int = 1,
    columns: int = 0,
    large_folds: bool = True,
    rows: int | None = None,
) -> Plan:
    """Divide the budget among the stages that come after scope.

    Parameters
    ----------
    wall_clock : float
        Seconds for the whole run.
    evaluations : int or None
        When given, fits for the whole run, and seconds play no part.
    used : float
        Seconds that are gone when the plan is made; where a deadline is set (a local run), it is asked instead.
    fit_seconds : float
        What a fit of the dearest solution is likely to take. The stages after the branches are planned by it, up to
        their shares; what they do not need is for the branches.
    folds : int
        That there are; where fits take long for the budget, candidates are compared on fewer.
    repeats : int
        How often these folds divide all rows; a single one of a division would have no others to choose thresholds on.
    columns : int
        Of which validate and finalize look at every one, for the report and the tests of the program.
    large_folds : bool
        Whether one fold says enough with few others; else all are used if there is the time for a few candidates.
    rows : int, optional
        For training, if fewer will do where even two folds take too long.

    Raises
    ------
    BudgetError
        When the rest does not suffice to search at all.
    """
    branch = {
        "search": _SEARCH_SHARE,
        "ablate": _ABLATE_SHARE / outer_steps,
        "refine": (1 - _SEARCH_SHARE - _ABLATE_SHARE) / outer_steps,
    }
    if evaluations is not None:
        return Plan(
            mode="evaluations",
            total=evaluations,
            stages={name: evaluations / branches * share for name, share in branch.items()},
        )
    stages_left = 4 + 2 * outer_steps
    rest = min(seconds_left(), wall_clock - used) - stages_left * _STAGE_OVERHEAD - _CLOSING
    if rest < _LEAST_SECONDS:
        raise BudgetError(
            f"budget.wall_clock: {wall_clock:g} s leave {max(rest, 0):.0f} s for the search on this machine, "
            f"at least {_LEAST_SECONDS:.0f} are needed; give it {wall_clock - rest + _LEAST_SECONDS:.0f} s or more"
        )
    late = {
        name: min(rest * _MOST_SHARES[name], max(fixed, rest * _LEAST_SHARES[name]) + fits * fit_seconds)
        for name, (fixed, fits) in _NEEDS.items()
    }
    for name in ("validate", "finalize"):
        late[name] += columns * _SECONDS_PER_COLUMN
    compared = rows
    if rows and _possible_folds(rest, late, fit_seconds) < _FEWEST_FOLDS:
        late["ensemble"] = max(late["ensemble"], min(rest * _FULL_FIT_SHARE, fit_seconds / CERTAINTY))
        possible = _possible_folds(rest, late, fit_seconds)
        compared = min(max(int(rows * possible / _FEWEST_FOLDS), _FEWEST_ROWS), rows)
    possible = _possible_folds(rest, late, fit_seconds) * (1.0 if large_folds else _CANDIDATES / _FEW_CANDIDATES)
    division = folds // repeats
    folds = max(min(int(possible), folds), _FEWEST_FOLDS)
    folds -= folds % division == 1
    for_branches = rest - sum(late.values())
    stages = {name: for_branches * share for name, share in branch.items()}
    plan = Plan(mode="wall_clock", total=wall_clock, stages=stages | late, folds=folds)
    return plan.model_copy(update={"rows": compared}) if compared != rows else plan


def _possible_folds(rest: float, late: Mapping[str, float], fit_seconds: float) -> float:
    """On how many folds of all rows a branch could run as many candidates as it is to have the time for."""
    return (rest - sum(late.values())) / (_CANDIDATES * fit_seconds)


def seconds_left() -> float:
    """Until the deadline of a local run; infinite elsewhere."""
    return float(os.environ[DEADLINE]) - time.monotonic() if DEADLINE in os.environ else float("inf")


class StageBudget:
    """What one stage may still spend.

    From when the run is to end early (:func:`~mlestar.stages.environment.ending_early`), a stage of a branch may spend
    nothing more, and one that comes after the branches no more than was planned for it.

    Parameters
    ----------
    plan : Plan
    stage : str
    spent : sequence of Spent, optional
        By the stages before this one in its branch: what they left over or overdrew is carried on. A stage of no branch
        has no account of those before it; where there is a deadline, it may use all that this leaves.
    carries : bool
        Whether what was left over is for this stage; if not, for a later one. What was overdrawn always counts.
    lanes : float
        Cores that this stage can count on: stored seconds are charged as if they had been spent on so many at once.
    after : sequence of str
        The stages still to come, whose share a deadline must leave.
    branch, step : int, optional
        Whose budget it is, for who watches.
    """

    def __init__(
        self,
        plan: Plan,
        stage: str,
        *,
        spent: Sequence[Spent] | None = None,
        carries: bool = True,
        lanes: float = 1.0,
        after: Sequence[str] = (),
        branch: int | None = None,
        step: int | None = None,
    ) -> None:
        self._started = time.monotonic()
        self._stage, self._lanes, self._in_branch = stage, lanes, spent is not None
        self._stored = 0.0
        self.evaluations = self.executed = 0
        self.counted = plan.mode == "evaluations"
        planned = plan.stages.get(stage, float("inf") if self.counted else 0.0)
        used = [each.evaluations if self.counted else each.seconds for each in spent or ()]
        given = [plan.stages.get(each.stage, 0.0) for each in spent or ()]
        carried = sum(given) - sum(used)
        limit = max(planned + (carried if carries else min(carried, 0.0)), 0.0)
        self.planned_seconds = 0.0 if self.counted else planned
        self._plan = plan
        if not self.counted:
            self._later = sum(plan.stages[name] + _STAGE_OVERHEAD for name in after) + _CLOSING
            self._possible = max(seconds_left() - self._later, 0.0)
            has_deadline = isfinite(self._possible)
            limit = self._possible if has_deadline and not self._in_branch else min(limit, self._possible)
        self._limit = limit
        self._of_branch = sum(plan.stages[name] for name in after if name in ("ablate", "refine"))
        expected = self._limit if self._in_branch else planned
        likely = {"evaluations" if self.counted else "seconds": expected} if isfinite(expected) else {}
        emit("budgeted", stage=stage, branch=branch, step=step or None, **likely)

    def keep(self, fit_seconds: float) -> None:
        """Leave the stages after the branches the time for a solution of which one fit on all rows takes so long."""
        if self.counted:
            return
        planned = self._plan.stages["ensemble"] + self._plan.stages["finalize"]
        more = max(FIT_AND_REFIT * fit_seconds - planned, 0.0)
        self._limit = max(min(self._limit, self._possible - more), 0.0)

    @property
    def is_timed(self) -> bool:
        """Whether seconds decide anything: where a run counts fits, only when it is to end early."""
        return not self.counted or ending_early()

    @property
    def limit(self) -> float:
        """Seconds, or fits, that the stage may spend in all."""
        if not ending_early():
            return self._limit
        return 0.0 if self._in_branch else min(self._limit, self.planned_seconds or self._limit)

    @property
    def share(self) -> float:
        """What is spent of the limit, from 0 to 1."""
        return min(1 - self.left / self._limit, 1.0) if self._limit else 1.0

    @property
    def seconds(self) -> float:
        """Charged so far."""
        return time.monotonic() - self._started + self._stored / self._lanes

    @property
    def left(self) -> float:
        """Seconds, or fits, that are left."""
        return self.limit - (self.evaluations if self.counted else self.seconds)

    @property
    def left_of_branch(self) -> float:
        """What is left for this stage of a branch and for those after it."""
        return self.left + (0.0 if ending_early() else self._of_branch)

    @property
    def exhausted(self) -> bool:
        """Whether nothing more may be started."""
        return self.left <= 0

    def charge(self, *, stored_seconds: float = 0.0, evaluations: int = 0, executed: int = 0) -> None:
        """Account for evaluations: those from the store cost what they once took."""
        self._stored += stored_seconds
        self.evaluations += evaluations
        self.executed += executed

    def fit_seconds(self, share: float = 1.0) -> float:
        """How long a fit that starts now may take: a share of what the stage has left."""
        if not self.is_timed:
            return LONGEST_FIT
        return max((_SHORT_STAGE - self.seconds if self.counted else self.left) * share, 0.0)

    def last_resort_seconds(self) -> float:
        """What is left of the whole run, for a fit without which it would deliver nothing."""
        if self.counted:
            return LONGEST_FIT
        return max(min(self.limit - self.seconds + self._later, seconds_left() - _CLOSING), 1.0)

    def spent(self, branch: int | None = None, step: int | None = None) -> dict[str, Any]:
        """The account, for the history."""
        return Spent(
            stage=self._stage,
            branch=branch,
            step=step,
            planned_seconds=round(self.planned_seconds, 3),
            seconds=round(self.seconds, 3) if not self.counted else 0.0,
            evaluations=self.evaluations,
            executed=self.executed,
        ).model_dump()
