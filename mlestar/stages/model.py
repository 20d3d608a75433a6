"""The model directory: the program, the fitted state, and what is known of both."""

from __future__ import annotations

import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

import mlestar
from mlestar.data import Task
from mlestar.digests import file_digest, modelling_versions
from mlestar.errors import ModelError
from mlestar.evaluation import Limits, Workers, insisting
from mlestar.files import read_json, write_bytes, write_json
from mlestar.solution import FIT_THREADS

__all__ = ["MODEL_FILE", "PROGRAM_FILE", "ModelFacts", "fit_and_save", "read_model", "write_model"]

PROGRAM_FILE, MODEL_FILE, FACTS_FILE = "solution.py", "model.skops", "model.json"


class ModelFacts(BaseModel):
    """What ``model.json`` says beside the digests.

    Attributes
    ----------
    kind : {"judged", "final"}
        Fitted on the training rows and judged on the holdout; or what ships, fitted on all rows where that succeeds.
    blessed : bool or None
        None before validation.
    fit_seconds : float
        What fitting and saving it took.
    fit_rows, fit_threads : int
        How many rows it was fitted on, with how many threads.
    """

    kind: Literal["judged", "final"]
    blessed: bool | None = None
    solution: str
    task: Task
    metric: str
    score: float
    members: list[str]
    fit_seconds: float
    fit_rows: int
    fit_threads: int = FIT_THREADS
    notes: list[str] = []


def fit_and_save(
    workers: Workers,
    program: str,
    task: Task,
    data_dir: Path,
    model: Path,
    limits: Limits,
    *,
    threads: int = FIT_THREADS,
) -> float:
    """Fit a program on a data directory, write the state, return the seconds that both took.

    Raises
    ------
    CandidateFailure
        When the fit fails or exceeds the limits; ``model`` is not written then.
    """

    def fit() -> float:
        with workers.session(program, seed=task.seed, threads=threads, limits=limits) as session:
            phase = session.fit(data_dir / "features.arrow", data_dir / "target.arrow")
            saving = time.monotonic()
            session.save(model)
        return phase.seconds + time.monotonic() - saving

    return insisting(fit)


def write_model(directory: Path, program: str, facts: ModelFacts) -> None:
    """Complete a model directory that holds the state already; ``model.json`` is written last."""
    write_bytes(directory / PROGRAM_FILE, program.encode())
    versions = {**modelling_versions(), "skops": version("skops"), "mlestar": mlestar.__version__}
    digests = {
        "program_sha256": file_digest(directory / PROGRAM_FILE),
        "model_sha256": file_digest(directory / MODEL_FILE),
    }
    write_json(directory / FACTS_FILE, {**facts.model_dump(), **digests, "versions": versions})


def read_model(directory: Path) -> tuple[str, dict[str, Any]]:
    """The program and the facts of a model directory whose files are the ones that were written.

    Raises
    ------
    ModelError
        When a file is missing or was changed.
    """
    facts = read_json(directory / FACTS_FILE)
    for name, key in ((PROGRAM_FILE, "program_sha256"), (MODEL_FILE, "model_sha256")):
        if not (directory / name).exists() or file_digest(directory / name) != facts[key]:
            raise ModelError(f"{directory / name}: missing, or changed since it was written; run the pipeline again")
    return (directory / PROGRAM_FILE).read_text(encoding="utf-8"), facts
