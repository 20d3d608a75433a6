"""Splits: the holdout, and the folds on which every candidate of a run is judged."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mlestar.data.dates import is_day_first, read_dates
from mlestar.data.task import Splitter
from mlestar.errors import DataError, quoted

__all__ = [
    "default_folds",
    "default_holdout",
    "default_repeats",
    "make_folds",
    "split_holdout",
    "time_values",
    "training_rows",
    "validation_rows",
]

Rows = NDArray[np.intp]
_ENOUGH_HOLDOUT_ROWS = 10_000
_MANY_ROWS = 50_000
_FEW_ROWS = 500
_MANY_GROUPS = 1000
_ALIKE = 4  # rows from which groups count as equally large


def default_holdout(rows: int) -> float:
    """Share of the rows to hold out: a fifth; of very many rows, as many as a tight interval needs."""
    return max(0.05, min(0.2, round(_ENOUGH_HOLDOUT_ROWS / rows, 3)))


def default_folds(rows: int) -> int:
    """How many folds: 5, or 3 where so many rows make a fold's score precise anyway."""
    return 5 if rows <= _MANY_ROWS else 3


def default_repeats(rows: int, splitter: Splitter) -> int:
    """How often to repeat the folds: 3 times for few rows, whose scores depend on the split; time has one order."""
    return 3 if rows < _FEW_ROWS and splitter != "time" else 1


def time_values(column: pd.Series) -> NDArray[Any]:
    """The values of a time column, in a form that can be sorted.

    Parameters
    ----------
    column : Series
        Numbers, dates, or dates written as text.

    Raises
    ------
    DataError
        When a row has no time, or one that cannot be read.
    """
    times = column
    if not pd.api.types.is_numeric_dtype(column):
        times = read_dates(column, is_day_first(column))
    if times.isna().any():
        example = column[times.isna()].iloc[0]
        raise DataError(
            f"time column {quoted(column.name)}: {int(times.isna().sum())} rows have no time that can be read, such as "
            f"{quoted(example)}; complete or remove them"
        )
    return times.to_numpy()


def split_holdout(
    y: NDArray[Any],
    *,
    splitter: Splitter,
    fraction: float,
    seed: int,
    folds: int = 2,
    groups: NDArray[Any] | None = None,
    times: NDArray[Any] | None = None,
) -> NDArray[np.bool_]:
    """Choose the rows that nothing but the validate stage sees.

    Parameters
    ----------
    y : array, shape (rows,) or (rows, outputs)
        Class numbers or values; only the stratified splitters look at them.
    splitter : str
        As in the task.
    fraction : float
        Share of the rows. Whole groups are held out, so grouped splits come as near to it as these allow; a
        time-ordered split holds out the latest rows and never divides rows of the same time.
    seed : int
    folds : int
        So many groups at least are left for training, where there are any more: each fold needs one.
    groups : array, shape (rows,), optional
        For the grouped splitters.
    times : array, shape (rows,), optional
        For ``time``: sorted. Where the spec has a gap, the rows just before the holdout are the caller's to leave out.

    Returns
    -------
    array of bool, shape (rows,)

    Raises
    ------
    DataError
        When there are too few groups, distinct times or rows for the classes.
    """
    rows = len(y)
    mask = np.zeros(rows, dtype=bool)
    if splitter == "time":
        mask[_boundary(_sorted_times(times), rows - round(fraction * rows)) :] = True
    elif splitter in ("group", "stratified_group"):
        # Near enough, and few parts: each group is placed with care, which costs time per part.
        codes = _group_codes(groups)
        parts = min(10, max(int(codes.max()) + 1, 2))
        share = max(Fraction(fraction).limit_denominator(parts), Fraction(1, parts))
        parts_of_rows = _folds(y, splitter, share.denominator, np.random.RandomState(seed), codes)
        groups_of_parts = [len(np.unique(codes[parts_of_rows == part])) for part in range(share.denominator)]
        sizes, spare = np.bincount(parts_of_rows), int(codes.max()) + 1 - folds
        mask = np.isin(parts_of_rows, _together(sizes, share.numerator, fraction * rows, groups_of_parts, spare))
    else:
        from sklearn.model_selection import train_test_split

        stratify = y if splitter == "stratified" else None
        if stratify is not None and ceil(fraction * rows) < len(np.unique(y)):
            raise DataError(
                f"a holdout of {ceil(fraction * rows)} rows cannot hold all {len(np.unique(y))} classes; write a "
                "larger validation.holdout, merge classes or add data"
            )
        _, held_out = train_test_split(np.arange(rows), test_size=fraction, random_state=seed, stratify=stratify)
        mask[held_out] = True
    return mask


def make_folds(
    y: NDArray[Any],
    *,
    splitter: Splitter,
    folds: int,
    repeats: int = 1,
    gap: int = 0,
    seed: int = 0,
    groups: NDArray[Any] | None = None,
    times: NDArray[Any] | None = None,
) -> NDArray[np.int8]:
    """Assign each row to the fold that validates it.

    Parameters
    ----------
    y, splitter, seed, groups, times
        As for :func:`split_holdout`.
    folds, repeats : int
    gap : int
        For ``time``: rows left out between training and validation; here it is only checked that it leaves some.

    Returns
    -------
    array of int8, shape (repeats, rows)
        -1 where no fold validates the row: the first rows in the order of time, on which the first fold trains.

    Raises
    ------
    DataError
        When there are too few groups, distinct times or rows.
    """
    if splitter == "time":
        return _time_folds(_sorted_times(times), folds, gap)[None, :].repeat(repeats, axis=0)
    random = np.random.RandomState(seed)  # scikit-learn's splitters draw on from it, so that repeats differ
    codes = _group_codes(groups) if splitter in ("group", "stratified_group") else None
    return np.stack([_folds(y, splitter, folds, random, codes) for _ in range(repeats)])


def validation_rows(folds: NDArray[np.int8], repeat: int, fold: int) -> Rows:
    """The rows that a fold validates."""
    return np.flatnonzero(folds[repeat] == fold)


def training_rows(folds: NDArray[np.int8], repeat: int, fold: int, *, splitter: Splitter, gap: int = 0) -> Rows:
    """The rows that a fold trains on: all others, or with ``time`` all earlier ones but the last ``gap``."""
    if splitter == "time":
        return np.arange(validation_rows(folds, repeat, fold)[0] - gap)
    return np.flatnonzero(folds[repeat] != fold)


def _folds(
    y: NDArray[Any], splitter: Splitter, folds: int, random: np.random.RandomState, groups: NDArray[np.intp] | None
) -> NDArray[np.int8]:
    from sklearn import model_selection

    kinds = {
        "kfold": model_selection.KFold,
        "stratified": model_selection.StratifiedKFold,
        "stratified_group": model_selection.StratifiedGroupKFold,
    }
    if groups is not None and groups.max() + 1 < folds:
        raise DataError(
            f"there are {groups.max() + 1} groups beside the holdout for {folds} folds; write fewer validation.folds, "
            "or name another task.group"
        )
    if len(y) < folds:
        raise DataError(f"there are {len(y)} rows for {folds} folds; write fewer validation.folds, or add data")
    if splitter == "group" and groups is not None:
        return _dealt(np.bincount(groups), folds, random)[groups]
    if splitter == "stratified_group" and groups is not None and groups.max() >= _MANY_GROUPS:
        return _folds(_kinds_of_groups(y, groups, folds), "stratified", folds, random, None)[groups]
    found = np.empty(len(y), dtype=np.int8)
    splits = kinds[splitter](folds, shuffle=True, random_state=random).split(y, y, groups)
    for fold, (_, validation) in enumerate(splits):
        if not len(validation):
            raise DataError(f"the groups are too few or too unequal for {folds} folds; write fewer validation.folds")
        found[validation] = fold
    return found


def _dealt(sizes: NDArray[np.intp], folds: int, random: np.random.RandomState) -> NDArray[np.int8]:
    """The fold of each group: the larger ones first, by chance, each to the fold that has the fewest rows by then."""
    found = np.empty(len(sizes), dtype=np.int8)
    filled = [(0, fold) for fold in range(folds)]
    for group in np.argsort(-sizes * random.uniform(0.5, 1.0, len(sizes)), kind="stable"):
        rows, fold = filled[0]
        heapq.heapreplace(filled, (rows + int(sizes[group]), fold))
        found[group] = fold
    return found


def _together(sizes: NDArray[np.intp], number: int, rows: float, groups: Sequence[int], most: int) -> list[int]:
    """So many of the folds at most, that have about as many rows (with a large group, one of them may have most), and
    no more than ``most`` groups, but that one fold is taken in any case: the one with the fewest where all have more.
    """
    found: list[int] = []
    for place in range(1, number + 1):
        more, room = rows * place / number - sizes[found].sum(), most - sum(groups[fold] for fold in found)
        others = [fold for fold in range(len(sizes)) if fold not in found and groups[fold] <= room]
        if not (others or found):
            others = [int(np.argmin(groups))]
        if others:
            found.append(min(others, key=lambda fold: abs(sizes[fold] - more)))
    return found


def _kinds_of_groups(y: NDArray[Any], groups: NDArray[np.intp], folds: int) -> NDArray[np.intp]:
    """Of each group, a number for its rarest class in all rows, how many rows it has of that, and how many in all.

    Kinds of fewer groups than folds go with the commonest.

    Where groups are many, folds of them that are stratified by it have about equal shares of rows and of every class.
    Placing each group where it fits best, as scikit-learn does, takes more seconds than a model there.
    """
    _, numbers, counts = np.unique(y, return_inverse=True, return_counts=True)
    places = counts.argsort(kind="stable").argsort()[numbers]
    rarest = np.full(groups.max() + 1, len(counts))
    np.minimum.at(rarest, groups, places)
    rows, rare_rows = np.bincount(groups), np.bincount(groups, places == rarest[groups])
    kinds = np.column_stack([rarest, np.minimum(rare_rows, _ALIKE), np.minimum(rows, _ALIKE)])
    _, found, sizes = np.unique(kinds, axis=0, return_inverse=True, return_counts=True)
    return np.where(sizes[found] < folds, sizes.argmax(), found)


def _time_folds(times: NDArray[Any], folds: int, gap: int) -> NDArray[np.int8]:
    """Equal blocks of the later half in the order of time, each after what it trains on (rolling origin; Tashman 2000).

    Where half of the rows has too few distinct times, the blocks are of all of them but the first.
    """
    starts = [0]
    if len(times) > folds:
        starts = list(_time_starts(times, folds, len(times) // (2 * folds)))
        if not _increasing(starts):
            starts = list(_time_starts(times, folds, len(times) // (folds + 1)))
    if starts[0] <= gap or not _increasing(starts):
        raise DataError(
            f"{len(times)} rows with {len(np.unique(times))} distinct times do not make {folds} folds in the order of "
            f"time with a gap of {gap} rows; write fewer validation.folds or a smaller validation.gap"
        )
    found = np.full(len(times), -1, dtype=np.int8)
    for fold, start in enumerate(starts):
        found[start:] = fold
    return found


def _increasing(starts: Sequence[int]) -> bool:
    return all(earlier < later for earlier, later in pairwise(starts))


def _time_starts(times: NDArray[Any], folds: int, size: int) -> Iterator[int]:
    from sklearn.model_selection import TimeSeriesSplit

    for _, validation in TimeSeriesSplit(folds, test_size=max(size, 1)).split(times):
        yield _boundary(times, validation[0])


def _boundary(times: NDArray[Any], position: int) -> int:
    """The first row of a time, as near to ``position`` as can be, with rows on both sides."""
    position = min(max(position, 0), len(times) - 1)
    edges = [int(np.searchsorted(times, times[position], side)) for side in ("left", "right")]
    inner = [edge for edge in edges if 0 < edge < len(times)]
    if not inner:
        raise DataError("all rows have the same time; name a time column that orders them, or none")
    return min(inner, key=lambda edge: abs(edge - position))


def _sorted_times(times: NDArray[Any] | None) -> NDArray[Any]:
    if times is None or (times[1:] < times[:-1]).any():
        raise ValueError("a split in the order of time needs the times, sorted")
    return times


def _group_codes(groups: NDArray[Any] | None) -> NDArray[np.intp]:
    if groups is None:
        raise ValueError("a grouped split needs the groups")
    codes, _ = pd.factorize(groups)
    if (codes < 0).any():
        raise DataError(f"{int((codes < 0).sum())} rows have no group; complete or remove them")
    return codes
