"""Frozen folds, and the files by which a worker gets the rows of one."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np

from mlestar.data.splits import training_rows, validation_rows
from mlestar.data.tables import read_arrow, write_arrow
from mlestar.data.task import Task

__all__ = ["Fold", "FoldFiles", "fewer_rows", "read_folds", "read_target", "some_folds", "some_rows"]

_PerFold = TypeVar("_PerFold")
_FEWEST_OF_A_CLASS = 30  # rows, where candidates are compared on fewer than there are


@dataclass(frozen=True)
class Fold:
    """One split of the training rows into those to fit on and those to predict.

    Attributes
    ----------
    train, valid : ndarray of int
        Row positions.
    """

    repeat: int
    number: int
    train: np.ndarray
    valid: np.ndarray

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the split."""
        return hashlib.sha256(self.train.tobytes() + b"|" + self.valid.tobytes()).hexdigest()


def read_folds(train_dir: Path, task: Task) -> list[Fold]:
    """The folds that scope fixed, repeats one after the other."""
    numbers = np.load(train_dir / "folds.npy", allow_pickle=False)
    return [
        Fold(
            repeat,
            fold,
            training_rows(numbers, repeat, fold, splitter=task.splitter, gap=task.gap),
            validation_rows(numbers, repeat, fold),
        )
        for repeat, row in enumerate(numbers)
        for fold in range(row.max() + 1)
    ]


def some_folds(folds: Sequence[_PerFold], count: int | None, task: Task) -> list[_PerFold]:
    """So many of the folds, or of what there is one of per fold: in the order of time the last, which know most."""
    return list(folds[-count:] if count and task.splitter == "time" else folds[:count])


def fewer_rows(folds: Sequence[Fold], rows: int, y: np.ndarray, task: Task) -> list[Fold]:
    """The folds on so many of the rows, the same in every fold; a fold has its share of them."""
    kept = np.zeros(len(y), dtype=bool)
    kept[some_rows(y, rows, task)] = True
    return [replace(fold, train=fold.train[kept[fold.train]], valid=fold.valid[kept[fold.valid]]) for fold in folds]


def some_rows(y: np.ndarray, count: int, task: Task) -> np.ndarray:
    """Positions of about so many rows in their order, drawn by chance, as many from each part of the target's range.

    A rare class keeps enough of its rows for every fold to have some.

    Parameters
    ----------
    y : ndarray (rows,) or (rows, targets)
    """
    order = np.random.default_rng(task.seed).permutation(len(y))
    order = order[np.argsort(y[order] if y.ndim == 1 else y[order, 0], kind="stable")]
    chosen = order[np.arange(count) * len(y) // count]
    if task.is_classification:
        rows = np.unique(y, return_counts=True)[1]
        fewest = min(_FEWEST_OF_A_CLASS, count // (2 * len(rows)))
        of_rare_class = np.repeat(rows * count // len(y) < fewest, rows)
        place = np.arange(len(y)) - np.repeat(np.cumsum(rows) - rows, rows)  # within the class
        chosen = np.union1d(chosen, order[of_rare_class & (place < fewest)])
    return np.sort(chosen)


def read_target(directory: Path, task: Task) -> np.ndarray:
    """Class numbers (rows,), values (rows,), or values (rows, targets) of a data directory."""
    frame = read_arrow(directory / "target.arrow")
    if task.outputs > 1:
        return frame[[f"target_{number}" for number in range(task.outputs)]].to_numpy()
    return frame["target"].to_numpy()


class FoldFiles:
    """Writes the files of a fold when they are first needed; those there already are used again.

    Parameters
    ----------
    train_dir : Path
        ``features.arrow`` and ``target.arrow`` of the training rows.
    scratch : Path
        A private folder.
    """

    def __init__(self, train_dir: Path, scratch: Path) -> None:
        self._train_dir, self._scratch = train_dir, scratch

    def training(self, fold: Fold) -> tuple[Path, Path]:
        """Features and target of the training rows."""
        features = self._written(fold, "train-features", "features.arrow", fold.train)
        return features, self._written(fold, "train-target", "target.arrow", fold.train)

    def validation(self, fold: Fold) -> Path:
        """Features of the validation rows."""
        return self._written(fold, "valid-features", "features.arrow", fold.valid)

    @contextmanager
    def second_level(self, rows: np.ndarray, known: np.ndarray, new: np.ndarray) -> Iterator[tuple[Path, Path, Path]]:
        """Members' predictions for ``rows``, the target there, and members' predictions for new rows; used once."""
        self._scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="second-level-", dir=self._scratch) as name:
            folder = Path(name)
            np.save(folder / "known.npy", known, allow_pickle=False)
            np.save(folder / "new.npy", new, allow_pickle=False)
            write_arrow(read_arrow(self._train_dir / "target.arrow"), folder / "target.arrow", rows=rows)
            yield folder / "known.npy", folder / "target.arrow", folder / "new.npy"

    def _written(self, fold: Fold, name: str, source: str, rows: np.ndarray) -> Path:
        path = self._scratch / fold.digest[:16] / f"{name}.arrow"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            write_arrow(read_arrow(self._train_dir / source), path, rows=rows)
        return path
