"""The candidate process: runs a program in phases, and is given the data of a phase when that phase begins.

Nothing here is trusted after the program has run: it shares the process, and may replace any of it. What counts (time,
memory, how the process ended, what it could see) is the supervisor's and the sandbox's.
"""

from __future__ import annotations

import dataclasses
import faulthandler
import functools
import inspect
import linecache
import os
import random
import shutil
import socket
import sys
import tempfile
import traceback
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from mlestar.data.tables import read_arrow
from mlestar.evaluation._model_file import copy_canonical
from mlestar.evaluation._packets import receive, send

__all__ = ["look_up_thread_pools", "serve"]

_PROGRAM = "solution.py"
_ERROR_CHARACTERS, _LINE_CHARACTERS, _TRACEBACK_CHARACTERS = 300, 100, 4000
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "LOKY_MAX_CPU_COUNT")


@functools.cache
def look_up_thread_pools() -> ThreadpoolController:
    """The thread pools of the libraries that are loaded at the first call."""
    return ThreadpoolController()


class _UnusablePredictions(Exception):
    """The program returned something that cannot be scored."""


def serve(channel: socket.socket, scratch: Path) -> None:
    """Work through the requests of the supervisor until it closes the channel.

    Every request is one phase and is answered once: ``status`` is ok, failed, out_of_memory or invalid_score,
    ``reason`` says why in a line, and ``details`` is the traceback.

    Parameters
    ----------
    channel : socket
    scratch : Path
        The working directory, and the only one that can be written to.
    """
    cast(TextIOWrapper, sys.stdout).reconfigure(line_buffering=True)  # nothing is lost when the process crashes
    faulthandler.enable(all_threads=False)
    os.environ.update(HOME=str(scratch), TMPDIR=str(scratch))
    tempfile.tempdir = str(scratch)
    directory = os.open(scratch, os.O_RDONLY | os.O_DIRECTORY)
    send(channel, {"status": "ok"}, [directory])
    os.close(directory)
    message, (program, *tables) = receive(channel)
    with os.fdopen(program, encoding="utf-8") as file:
        phases = _Phases(file.read(), message["seed"], message["threads"], scratch)
    phases.take_tables(dict(zip(message["tables"], tables, strict=True)))
    while True:
        try:
            message, descriptors = receive(channel)
        except OSError as error:  # the program holds all the descriptors that it may have
            send(channel, _failure("failed", error))
            continue
        try:
            answer = getattr(phases, message["phase"])(*descriptors)
            reply = {"status": "ok", **(answer or {})}
        except _UnusablePredictions as error:
            reply = {"status": "invalid_score", "reason": str(error)}
        except MemoryError as error:  # refused at once, because it was more than the machine has
            reply = _failure("out_of_memory", error)
        except BaseException as error:  # SystemExit of the program too; the supervisor is told of all
            reply = _failure("failed", error)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        send(channel, reply)


class _Phases:
    """The phases by name; their arguments are descriptors, which the caller closes."""

    def __init__(self, program: str, seed: int, threads: int, scratch: Path) -> None:
        self._program, self._seed, self._threads = program, seed, threads
        self._path = scratch / "model.skops"  # absolute: the program may have changed the working directory
        self._module: Any = None
        self._model: Any = None
        self._combination: Any = None
        self._mapped: list[pd.DataFrame] = []
        self._tables: dict[str, pd.DataFrame] = {}

    def take_tables(self, descriptors: dict[str, int]) -> None:
        """The auxiliary tables by name, for the program to know."""
        for name, descriptor in descriptors.items():
            self._tables[name] = self._table(descriptor)
            os.close(descriptor)

    def fit(self, features: int, target: int) -> None:
        module = self._import_program()
        table = self._table(target)
        y = _target(table)
        if module.CLASSES:
            y = np.asarray(module.CLASSES, dtype=object)[y.astype(np.int64)]
        model = module.Solution()
        wanted = "group" in table and "groups" in inspect.signature(model.fit).parameters
        groups = {"groups": table["group"].to_numpy()} if wanted else {}
        self._model = model.fit(self._table(features), y, **groups)

    def load(self, model: int) -> None:
        module = self._import_program()
        with open(model, "rb", closefd=False) as source, self._path.open("wb") as copy:
            shutil.copyfileobj(source, copy)
        self._model = module.load(self._path)
        self._path.unlink()

    def predict(self, features: int, output: int) -> dict[str, Any]:
        frame = self._table(features)
        if not self._module.CLASSES:
            return _write(output, self._model.predict(frame), None)
        numbers = {label: number for number, label in enumerate(self._module.CLASSES)}
        values = self._model.predict_proba(frame)
        # A program that can decide on probabilities need not compute them twice.
        labels = self._model.decide(values) if hasattr(self._model, "decide") else self._model.predict(frame)
        try:
            return _write(output, values, np.array([numbers[label] for label in np.asarray(labels).tolist()]))
        except KeyError as error:
            raise _UnusablePredictions(f"predict returned {error}, which is not in CLASSES") from None

    def combine(self, stack: int, target: int) -> None:
        module = self._import_program()
        self._combination = module.Combination().fit(_array(stack), _target(self._table(target)))

    def combined(self, stack: int, output: int) -> dict[str, Any]:
        return _write(output, *self._combination.predict(_array(stack)))

    def save(self, output: int) -> None:
        self._module.save(self._model, self._path)
        with open(output, "wb", closefd=False) as copy:
            copy_canonical(self._path, copy)
        self._path.unlink()

    def _import_program(self) -> Any:
        if self._module is None:
            os.environ.update(dict.fromkeys(_THREADS, str(self._threads)))
            look_up_thread_pools().limit(limits=self._threads)
            random.seed(self._seed)
            np.random.seed(self._seed % 2**32)  # blocks may use the global generator
            linecache.cache[_PROGRAM] = (len(self._program), None, self._program.splitlines(keepends=True), _PROGRAM)
            module: Any = ModuleType("solution")
            module.__file__ = _PROGRAM
            sys.modules["solution"] = module
            exec(compile(self._program, _PROGRAM, "exec", dont_inherit=True), module.__dict__)
            module.CONTEXT = dataclasses.replace(module.CONTEXT, seed=self._seed, threads=self._threads)
            if hasattr(module, "TABLES"):
                module.use_tables(self._tables)
            self._module = module
        return self._module

    def _table(self, descriptor: int) -> pd.DataFrame:
        frame = read_arrow(descriptor)
        self._mapped.append(frame)
        return frame.copy(deep=False)


def _target(table: pd.DataFrame) -> NDArray[Any]:
    """What is predicted, shape (rows,) or (rows, outputs)."""
    names = [name for name in table if str(name).startswith("target")]
    values: NDArray[Any] = table[names[0] if len(names) == 1 else names].to_numpy()
    return values


def _array(descriptor: int) -> NDArray[Any]:
    with open(descriptor, "rb", closefd=False) as file:
        array: NDArray[Any] = np.load(file, allow_pickle=False)
    return array


def _write(output: int, values: Any, labels: Any) -> dict[str, Any]:
    """Write values as float64, then labels as int64, without a header; the reply holds their shapes."""
    try:
        array = np.asarray(values)
        if array.dtype.kind not in "biufO":  # what else there is would be made numbers without a word
            raise TypeError(f"their type is {array.dtype}")
        numbers = np.ascontiguousarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise _UnusablePredictions(f"predictions are not numbers: {error}") from None
    with open(output, "wb", closefd=False) as file:
        file.write(numbers.data)
        if labels is not None:
            file.write(np.ascontiguousarray(labels, dtype=np.int64).data)
    return {"shape": list(numbers.shape), "labels": None if labels is None else list(np.shape(labels))}


def _failure(status: str, error: BaseException) -> dict[str, Any]:
    """The error with the line of the program that it came from; beside it, the traceback."""
    message = next(iter(str(error).splitlines()), "")
    text = f"{type(error).__name__}: {message}".removesuffix(": ")[:_ERROR_CHARACTERS]
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == _PROGRAM]
    if frames:
        line = (frames[-1].line or "")[:_LINE_CHARACTERS]
        text += f" ({_PROGRAM}, line {frames[-1].lineno}, in {frames[-1].name}: {line})"
    details = "".join(traceback.format_exception(error))[-_TRACEBACK_CHARACTERS:]
    return {"status": status, "reason": text, "details": details}
