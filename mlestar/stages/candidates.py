"""The candidates directory: what a branch has tried, with programs and out-of-fold predictions."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel

from mlestar.evaluation.results import Evaluation
from mlestar.files import read_json, write_bytes, write_json
from mlestar.solution import Solution, read_program

__all__ = ["Candidate", "Candidates"]


class Candidate(BaseModel):
    """A solution that was tried, and what came of it; ``cost`` is its :func:`~mlestar.recipes.static_cost`."""

    id: str
    branch: int
    stage: str
    step: int
    name: str
    parent: str | None
    block: str | None
    recipes: dict[str, str]
    parameters: dict[str, dict[str, Any]]
    status: str
    reason: str | None
    score: float | None
    standard_error: float | None
    fold_scores: list[float]
    seconds: float
    cost: float
    peak_mb: float
    order: int
    elapsed: float


@dataclass
class Candidates:
    """The candidates of one branch, in the order in which they were tried.

    Attributes
    ----------
    history : dict
        ``ablations``, ``refinements`` and ``spent``, see docs/contracts.md.
    """

    entries: list[Candidate] = field(default_factory=list)
    programs: dict[str, str] = field(default_factory=dict)
    predictions: dict[str, np.ndarray] = field(default_factory=dict)
    history: dict[str, list[dict[str, Any]]] = field(
        default_factory=lambda: {"ablations": [], "refinements": [], "spent": []}
    )
    best_id: str | None = None
    _solutions: dict[str, Solution] = field(default_factory=dict, repr=False)

    @classmethod
    def read(cls, directory: Path) -> Candidates:
        """Read what :meth:`write` wrote; a model directory has the predictions of its members only."""
        document = read_json(directory / "candidates.json")
        history = read_json(directory / "history.json")
        entries = [Candidate.model_validate(each) for each in document["candidates"]]
        found = cls(entries, history={key: history[key] for key in ("ablations", "refinements", "spent")})
        found.best_id = document["best"]
        for entry in entries:
            found.programs[entry.id] = (directory / "solutions" / f"{entry.id}.py").read_text(encoding="utf-8")
            path = directory / "predictions" / f"{entry.id}.npz"
            if path.exists():
                with np.load(path, allow_pickle=False) as arrays:
                    found.predictions[entry.id] = arrays["predictions"]
        return found

    def write(self, directory: Path) -> None:
        """Write all of it; ``candidates.json`` last, so that a directory which has one is whole."""
        for name, program in self.programs.items():
            write_bytes(directory / "solutions" / f"{name}.py", program.encode())
        for name, predictions in self.predictions.items():
            buffer = io.BytesIO()
            np.savez(buffer, predictions=predictions)
            write_bytes(directory / "predictions" / f"{name}.npz", buffer.getvalue())
        write_json(directory / "history.json", self.history)
        candidates = [entry.model_dump() for entry in self.entries]
        write_json(directory / "candidates.json", {"best": self.best_id, "candidates": candidates})

    @property
    def best(self) -> Candidate:
        """The candidate that the branch goes on from."""
        return self[self.best_id or ""]

    def __getitem__(self, name: str) -> Candidate:
        return next(entry for entry in self.entries if entry.id == name and entry.status == "ok")

    def find(self, name: str) -> Candidate | None:
        """The entry of a solution that was tried before, whatever came of it."""
        return next((entry for entry in self.entries if entry.id == name), None)

    def solution(self, name: str) -> Solution:
        """The solution of a candidate; its program is read once."""
        if name not in self._solutions:
            self._solutions[name] = read_program(self.programs[name])
        return self._solutions[name]

    def append(self, entry: Candidate) -> None:
        """Append an entry, in place of one of the same solution."""
        self.entries = [*(each for each in self.entries if each.id != entry.id), entry]

    def add(self, evaluation: Evaluation, entry: Candidate, program: str) -> None:
        """Append a candidate, with its program and predictions."""
        self.append(entry)
        self.programs[entry.id] = program
        if evaluation.ok and evaluation.predictions is not None:
            self.predictions[entry.id] = evaluation.predictions
