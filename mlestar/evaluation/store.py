"""The evaluation store: what was executed once is not executed again.

A memo, never a source of knowledge: losing records loses time and nothing else.
"""

from __future__ import annotations

import functools
import io
import json
import logging
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mlestar import __version__
from mlestar.digests import digest, file_digest, modelling_versions
from mlestar.evaluation.session import Limits
from mlestar.storage import Storage

__all__ = ["EvaluationStore", "Record", "evaluation_key", "files_of_store"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Record:
    """What came of one fit on one fold, and the predictions for its validation rows.

    Attributes
    ----------
    status : {"ok", "failed", "timeout", "out_of_memory", "invalid_score"}
    limits : Limits
        Under which it ran.
    reason : str or None
        Why the status is not ok.
    fit_seconds, predict_seconds : float
    peak_mb : float
    predictions : ndarray of float64 (n, outputs) or None
    labels : ndarray of int64 (n,) or None
        Class numbers; None for regression.
    """

    status: str
    limits: Limits
    reason: str | None = None
    fit_seconds: float = 0.0
    predict_seconds: float = 0.0
    peak_mb: float = 0.0
    predictions: NDArray[np.float64] | None = field(default=None, repr=False)
    labels: NDArray[np.int64] | None = field(default=None, repr=False)

    def holds_under(self, limits: Limits) -> bool:
        """Whether it would end the same under ``limits``: a failure by limit may not, when the limit is larger."""
        if self.status == "timeout":
            return limits.seconds <= self.limits.seconds
        if self.status == "out_of_memory":
            return limits.memory_mb <= self.limits.memory_mb
        return True


class EvaluationStore:
    """A directory or bucket of records, one file each, named by its key.

    Several processes may use it at once. Records appear whole or not at all, also when a writer dies; a file that is
    damaged, or is not the record that its name says, counts as absent and is replaced.

    Parameters
    ----------
    uri : str
        A local path or any URI that fsspec knows, such as ``gs://bucket/evaluations``.
    """

    def __init__(self, uri: str) -> None:
        self._storage = files_of_store(uri)

    def get(self, key: str, limits: Limits) -> Record | None:
        """The record of a key; None when there is none, or when it failed by a limit smaller than that of now.

        Parameters
        ----------
        key : str
            From :func:`evaluation_key`.
        limits : Limits
            Under which the evaluation would run now.

        Raises
        ------
        StorageError
            When the store cannot be reached.
        """
        content = self._storage.read(_name(key))
        if content is None:
            return None
        try:
            record = _decode(key, content)
        except Exception as error:  # of zip, JSON or NumPy: there is no end to how a file can be damaged
            path = self._storage.path(_name(key))
            _log.warning("%s is not a record and will be replaced: %s", path, error)
            return None
        return record if record.holds_under(limits) else None

    def put(self, key: str, record: Record) -> None:
        """Write a record in place of what was there.

        Raises
        ------
        StorageError
            When the store cannot be reached, or is full.
        """
        self._storage.write(_name(key), _encode(key, record))


def _name(key: str) -> str:
    return f"{key[:2]}/{key}.npz"


def files_of_store(uri: str) -> Storage:
    """The files of an evaluation store, or of a folder in one."""
    remedy = "see that it is there, or name another with --store, and run the same command again"
    return Storage(uri, what="the evaluation store", remedy=remedy)


def evaluation_key(program: str, data: str, fold: str, *, seed: int, threads: int) -> str:
    """The name of an evaluation: equal keys stand for the same computation.

    Parameters
    ----------
    program, data, fold : str
        Digests of the normalised program, of the data, and of the rows to fit on and to predict.
    seed, threads : int

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return digest([program, data, fold, seed, threads, _versions()])


@functools.cache
def _versions() -> dict[str, str]:
    """Of all that decides what a program computes, and of what it is given."""
    candidate = file_digest(Path(__file__).with_name("candidate.py"))
    return {"mlestar": __version__, "candidate": candidate, **modelling_versions()}


def _encode(key: str, record: Record) -> bytes:
    fields: dict[str, Any] = {"key": key, "status": record.status, "reason": record.reason}
    fields |= {name: getattr(record, name) for name in ("fit_seconds", "predict_seconds", "peak_mb")}
    fields |= {f"limit_{name}": value for name, value in asdict(record.limits).items()}
    arrays: dict[str, NDArray[Any]] = {"record": np.frombuffer(json.dumps(fields).encode(), np.uint8)}
    if record.predictions is not None:
        arrays["predictions"] = np.asarray(record.predictions, np.float64)
    if record.labels is not None:
        arrays["labels"] = np.asarray(record.labels, np.int64)
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _decode(key: str, content: bytes) -> Record:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        fields = json.loads(arrays["record"].tobytes())
        predictions, labels = arrays.get("predictions"), arrays.get("labels")
    if fields.pop("key") != key:
        raise ValueError("it holds another key")
    limits = Limits(fields.pop("limit_seconds"), fields.pop("limit_memory_mb"))
    return Record(limits=limits, predictions=predictions, labels=labels, **fields)
