"""The harness: evaluates solutions on frozen folds, in workers that never see a validation label.

It owns the data, the folds and the metric. Per fold a worker is given the training rows and fits, then the validation
features, and returns predictions; the score is computed here.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from mlestar.data.task import Task
from mlestar.digests import digest, file_digest
from mlestar.evaluation.folds import Fold, FoldFiles, fewer_rows, read_folds, read_target, some_folds
from mlestar.evaluation.metrics import InvalidScore, get_metric
from mlestar.evaluation.results import Evaluation, FoldScore, Work, asked_for, summary
from mlestar.evaluation.session import CandidateFailure, Limits, Predictions, Workers, insisting
from mlestar.evaluation.store import EvaluationStore, Record, evaluation_key
from mlestar.solution import FIT_THREADS, Solution, meaning, render, requirements

__all__ = ["Harness"]

_RESAMPLES, _RESAMPLED_ROWS = 30, 5000  # of how many rows at most: fewer rows say as well how much more vary


class Harness:
    """Evaluates solutions on the folds of one training set.

    Parameters
    ----------
    task : Task
    train_dir : Path
        ``features.arrow``, ``target.arrow``, ``rows.npy`` and ``folds.npy``, as scope writes them.
    data : str
        Digest of the features and of the auxiliary tables; part of the key under which results are stored.
    store : EvaluationStore
    workers : Workers
    scratch : Path
        A private folder for the files of the folds; those there already are used again.
    memory_mb : float
        What one candidate may use.
    lanes : int
        Evaluations that may wait for a core at the same time.
    folds : int, optional
        Use only so many of the folds, of those in the order of time the last; by default all.
    rows : int, optional
        Use only so many of the rows, see :func:`mlestar.evaluation.folds.fewer_rows`; by default all.
    """

    def __init__(
        self,
        task: Task,
        train_dir: Path,
        *,
        data: str,
        store: EvaluationStore,
        workers: Workers,
        scratch: Path,
        memory_mb: float,
        lanes: int = os.cpu_count() or 1,
        folds: int | None = None,
        rows: int | None = None,
    ) -> None:
        self.task = task
        self.metric = get_metric(task.metric, task.type)
        self.store = store
        self.workers = workers
        self.memory_mb = memory_mb
        self.y = read_target(train_dir, task)
        self.folds = some_folds(read_folds(train_dir, task), folds, task)
        if rows:
            self.folds = fewer_rows(self.folds, rows, self.y, task)
        self._data = digest([data, *(file_digest(train_dir / name) for name in ("target.arrow", "rows.npy"))])
        self._programs: dict[str, tuple[str, str]] = {}  # and the digests of their meaning, by those of the solutions
        self._executed: set[str] = set()  # keys of what the evaluation that runs has executed
        self._members: dict[tuple[str, int, int], FoldScore] = {}  # of a second level, by program, repeat and fold
        self._files = FoldFiles(train_dir, scratch)
        self._pool = ThreadPoolExecutor(lanes, thread_name_prefix="evaluation")

    @property
    def first_wave(self) -> int:
        """How many folds run before a candidate may be given up."""
        return 2 if len(self.folds) >= 4 else 1

    def evaluate(
        self,
        solution: Solution,
        *,
        seconds: Callable[[], float],
        give_up: Callable[[Sequence[float]], str | None] = lambda scores: None,
        folds: int | None = None,
    ) -> Evaluation:
        """Run a solution on the folds; whatever it does, the answer is an :class:`Evaluation`.

        Parameters
        ----------
        solution : Solution
        seconds : callable
            How long a fit may take, asked when it starts.
        give_up : callable
            Given the scores of the first wave of folds; a reason to stop, or None.
        folds : int, optional
            Run only so many.
        """
        self._executed.clear()
        self._members.clear()
        for each in (solution, *solution.first_level):
            self._rendered(each)  # here, because ast.parse of Python 3.11 fails at times where several threads call it
        chosen = self.folds[:folds]
        waves = [chosen[: self.first_wave], chosen[self.first_wave :]]
        results: list[FoldScore] = []
        for wave in filter(None, waves):
            results += self._wave(solution, wave, seconds)
            last, work = results[-1].record, self._work(solution, chosen, results)
            if last.status != "ok":
                return summary(solution, last.status, last.reason, results, work=work)
            if len(results) < len(chosen) and (reason := give_up([each.score or 0.0 for each in results])):
                return summary(solution, "pruned", reason, results, work=work)
        if len(chosen) < len(self.folds):
            reason = asked_for(len(chosen), of=len(self.folds))
            return summary(solution, "pruned", reason, results, work=work)
        return summary(solution, "ok", None, results, self._out_of_fold(chosen, results), work=work)

    def _work(self, solution: Solution, chosen: Sequence[Fold], results: Sequence[FoldScore]) -> Work:
        """What the evaluation has cost so far: of a second level, the fits of its members, on other folds too."""
        members = [(key[1:], result) for key, result in self._members.items()]
        fitted = members if solution.has_second_level else list(enumerate(results))
        return Work(
            fits=self.fits(solution, chosen[: len(results)]),
            executed=len({place for place, result in fitted if result.executed}),
            stored_seconds=sum(result.seconds for _, result in fitted if not result.executed),
        )

    def fits(self, solution: Solution, folds: Sequence[Fold]) -> int:
        """How many folds a solution is fitted on before it is scored on these: a second level needs others as well."""
        if not solution.has_second_level:
            return len(folds)
        return len({(each.repeat, each.number) for fold in folds for each in self._needed(fold)})

    def score(self, rows: np.ndarray, predictions: np.ndarray, labels: np.ndarray | None = None) -> float:
        """The metric of predictions for some of the training rows.

        Raises
        ------
        InvalidScore
            When the metric is not defined for them.
        """
        self._require_width(predictions)
        if self.task.is_classification and labels is None:
            labels = predictions.argmax(axis=1)
        if not self.task.is_classification:
            predictions = predictions.reshape(self.y[rows].shape)
        return self.metric.score(self.y[rows], predictions, labels)

    def labels(
        self, solution: Solution, stack: np.ndarray, new: np.ndarray, *, seconds: Callable[[], float]
    ) -> np.ndarray:
        """Class numbers (n,) by what comes after the members of a solution, fitted on their out-of-fold predictions.

        Parameters
        ----------
        solution : Solution
        stack : ndarray (rows, members, outputs)
            Out-of-fold predictions for the training rows; those with a NaN are left out.
        new : ndarray (n, members, outputs)
            What to label.
        seconds : callable
            How long it may take.

        Raises
        ------
        CandidateFailure
        """
        rows = np.flatnonzero(np.isfinite(stack).all(axis=(1, 2)))
        limits = Limits(seconds=max(seconds(), 0.1), memory_mb=self.memory_mb)
        found = insisting(lambda: self._second_level(solution, rows, stack[rows], new, limits)).labels
        assert found is not None, "labels are of classes"
        return found

    def gain(self, new: float, old: float) -> float:
        """As that of the metric."""
        return self.metric.gain(new, old)

    def standard_error(self, differences: Sequence[float]) -> float:
        """Standard error of a mean over folds, whose training sets overlap (Nadeau and Bengio 2003, eq. 12).

        Parameters
        ----------
        differences : sequence of float
            One per fold: a score, or the difference of two candidates' scores.
        """
        if len(differences) < 2:
            return float("inf")
        overlap = np.mean([len(fold.valid) / len(fold.train) for fold in self.folds])
        return float(np.sqrt((1 / len(differences) + overlap) * np.var(differences, ddof=1)))

    def noise(self, predictions: np.ndarray) -> float:
        """Standard error of the score of out-of-fold predictions, by a bootstrap of their rows; 0 where there is none.

        Rows are drawn one by one, so that where they belong together, or follow each other, it is too small.

        Parameters
        ----------
        predictions : ndarray (rows, outputs)
            Those with a NaN are left out.
        """
        known = np.flatnonzero(np.isfinite(predictions).all(axis=1))
        size = min(len(known), _RESAMPLED_ROWS)
        random, scores = np.random.default_rng(self.task.seed), []
        for _ in range(_RESAMPLES):
            rows = random.choice(known, size)
            with suppress(InvalidScore):  # of a single class, say
                scores.append(self.score(rows, predictions[rows]))
        return float(np.std(scores)) * (size / len(known)) ** 0.5 if scores else 0.0

    def _wave(self, solution: Solution, folds: Sequence[Fold], seconds: Callable[[], float]) -> list[FoldScore]:
        """Run a solution on folds: of a second level, the members first, on the other folds that it needs as well."""
        if solution.has_second_level:
            needed = {(each.repeat, each.number): each for fold in folds for each in self._needed(fold)}
            places = sorted(needed)
            for one in solution.first_level:
                fitted = self._side_by_side([needed[each] for each in places], partial(self._member, one, seconds))
                self._members |= {(one.digest, *place): each for place, each in zip(places, fitted, strict=False)}
                if fitted[-1].record.status != "ok":
                    return fitted[-1:]
        return self._side_by_side(folds, partial(self._fold, solution, seconds))

    def _side_by_side(self, folds: Sequence[Fold], work: Callable[[Fold], FoldScore]) -> list[FoldScore]:
        """Work on every fold, but for those that have not started when one before them has failed.

        The results are those up to the first fold that failed: the same, whichever lane is the faster.
        """
        failed: list[int] = []

        def run(place: int) -> FoldScore | None:
            if place > min(failed, default=place):
                return None
            result = work(folds[place])
            if result.record.status != "ok":
                failed.append(place)
            return result

        results = list(self._pool.map(run, range(len(folds))))
        return [each for each in results[: min(failed, default=len(folds)) + 1] if each is not None]

    def _member(self, solution: Solution, seconds: Callable[[], float], fold: Fold) -> FoldScore:
        """What a second level is fitted on: its score, alone, may not even be defined."""
        record, executed = self._record(solution, fold, seconds, self._fit_predict)
        return FoldScore(record, None, executed)

    def _fold(self, solution: Solution, seconds: Callable[[], float], fold: Fold) -> FoldScore:
        if not solution.has_second_level:
            return self._scored(fold, *self._record(solution, fold, seconds, self._fit_predict))
        *others, _ = self._needed(fold)
        members: dict[int, list[Record]] = {}
        executed = False  # of this fold: the others have their own
        for each in [*others, fold]:
            found = [self._record(one, each, seconds, self._fit_predict) for one in solution.first_level]
            members[each.number], executed = [record for record, _ in found], any(new for _, new in found)
            if failed := next((record for record in members[each.number] if record.status != "ok"), None):
                return FoldScore(failed, None, executed)

        def combine(solution: Solution, fold: Fold, limits: Limits) -> Record:
            rows = np.concatenate([each.valid for each in others])
            known = np.concatenate([_stack(members[each.number]) for each in others])
            found = self._second_level(solution, rows, known, _stack(members[fold.number]), limits)
            fit_seconds = sum(record.fit_seconds for record in members[fold.number])
            return Record(
                status="ok",
                limits=limits,
                fit_seconds=fit_seconds + found.seconds,
                predict_seconds=sum(record.predict_seconds for record in members[fold.number]),
                peak_mb=max(record.peak_mb for record in members[fold.number]),
                predictions=found.values,
                labels=found.labels,
            )

        record, _ = self._record(solution, fold, seconds, combine)
        return self._scored(fold, record, executed)

    def _second_level(
        self, solution: Solution, rows: np.ndarray, known: np.ndarray, new: np.ndarray, limits: Limits
    ) -> Predictions:
        """What comes after the members, fitted on their predictions for some training rows, applied to new ones."""
        with (
            self._files.second_level(rows, known, new) as paths,
            self.workers.session(
                self.program(solution), seed=self.task.seed, threads=FIT_THREADS, limits=limits
            ) as session,
        ):
            return session.combine(*paths)

    def _needed(self, fold: Fold) -> list[Fold]:
        """The folds on which the members of a solution are fitted before their combination is scored on ``fold``."""
        others = [each for each in self.folds if each.repeat == fold.repeat and each is not fold]
        if self.task.splitter == "time":
            others = [each for each in others if each.number < fold.number] or others
        return [*others, fold]

    def _record(
        self,
        solution: Solution,
        fold: Fold,
        seconds: Callable[[], float],
        work: Callable[[Solution, Fold, Limits], Record],
    ) -> tuple[Record, bool]:
        """The stored record of a solution on a fold, or a new one, and whether this evaluation has executed it."""
        limits = Limits(seconds=max(seconds(), 0.1), memory_mb=self.memory_mb)
        meant = self._rendered(solution)[1]
        # What follows the members is fitted on the other folds that there are: fewer of them, another result.
        placed = digest([each.digest for each in self._needed(fold)]) if solution.has_second_level else fold.digest
        key = evaluation_key(meant, self._data, placed, seed=self.task.seed, threads=FIT_THREADS)
        record = self.store.get(key, limits)
        if record is None:
            try:
                record = self._of_right_width(insisting(lambda: work(solution, fold, limits)))
            except CandidateFailure as failure:
                record = Record(
                    status=failure.status,
                    reason="\n".join(filter(None, [failure.reason, failure.details])),
                    limits=limits,
                    fit_seconds=failure.seconds,
                    peak_mb=failure.peak_mb,
                )
            self.store.put(key, record)
            self._executed.add(key)
        return record, key in self._executed

    def _scored(self, fold: Fold, record: Record, executed: bool) -> FoldScore:
        if record.status != "ok" or record.predictions is None:
            return FoldScore(record, None, executed)
        try:
            return FoldScore(record, self.score(fold.valid, record.predictions, record.labels), executed)
        except InvalidScore as error:
            return FoldScore(replace(record, status="invalid_score", reason=str(error)), None, executed)

    def _fit_predict(self, solution: Solution, fold: Fold, limits: Limits) -> Record:
        train, target = self._files.training(fold)
        with self.workers.session(
            self.program(solution), seed=self.task.seed, threads=FIT_THREADS, limits=limits
        ) as session:
            fit = session.fit(train, target)
            predictions = session.predict(self._files.validation(fold))
        return Record(
            status="ok",
            limits=limits,
            fit_seconds=fit.seconds,
            predict_seconds=predictions.seconds,
            peak_mb=fit.peak_mb,
            predictions=predictions.values,
            labels=predictions.labels,
        )

    def _of_right_width(self, record: Record) -> Record:
        """A record without its predictions where these are too narrow, or too wide: a store need not keep those."""
        try:
            self._require_width(np.asarray(record.predictions))
        except InvalidScore as error:
            return replace(record, status="invalid_score", reason=str(error), predictions=None, labels=None)
        return record

    def _require_width(self, predictions: np.ndarray) -> None:
        columns = predictions.reshape(len(predictions), -1).shape[1]
        wanted = len(self.task.classes) or self.task.outputs
        if columns != wanted:
            what = "class" if self.task.classes else "target"
            raise InvalidScore(f"predictions have {columns} column(s), expected {wanted}: one per {what}")

    def program(self, solution: Solution) -> str:
        """The program of a solution, as it is evaluated."""
        return self._rendered(solution)[0]

    def _rendered(self, solution: Solution) -> tuple[str, str]:
        """The program of a solution, and the digest of what it means with the versions that it is given."""
        if solution.digest not in self._programs:
            program = render(solution, self.task)
            self._programs[solution.digest] = program, digest([meaning(program), requirements(program)])
        return self._programs[solution.digest]

    def _out_of_fold(self, folds: Sequence[Fold], results: Sequence[FoldScore]) -> np.ndarray:
        """Predictions for the training rows (rows, outputs), mean over repeats, NaN where no fold validates a row."""
        arrays = [np.asarray(result.record.predictions) for result in results]
        total = np.zeros((len(self.y), arrays[0].reshape(len(arrays[0]), -1).shape[1]))
        count = np.zeros((len(self.y), 1))
        for fold, values in zip(folds, arrays, strict=True):
            total[fold.valid] += values.reshape(len(values), -1)
            count[fold.valid] += 1
        with np.errstate(invalid="ignore"):
            return total / count


def _stack(records: Sequence[Record]) -> np.ndarray:
    """The members' predictions for the rows of a fold: (rows, members, outputs)."""
    arrays = [np.asarray(record.predictions) for record in records]
    return np.stack([array.reshape(len(array), -1) for array in arrays], axis=1)
