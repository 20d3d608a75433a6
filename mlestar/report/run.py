"""What a report is made from: the outputs of a run's stages, read from their directories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlestar.evaluation.metrics import get_metric
from mlestar.files import read_json
from mlestar.report.numbers import ScoreFormat, is_number

__all__ = ["Run"]

Document = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Run:
    """The documents of one run, as ``docs/contracts.md`` describes them.

    Parameters
    ----------
    scope, plan
        ``scope.json`` and ``plan.json``.
    model, ensemble, candidates, history
        The JSON files of the judged model's directory, and its ``program``.
    verdict
        ``verdict.json``; None before validation.
    final, final_program
        ``model.json`` and ``solution.py`` of the model that ships; None without a blessing.
    programs
        Programs of candidates by id, for what refinement changed; those that are absent are shown without a diff.
    """

    scope: Document
    plan: Document
    model: Document
    ensemble: Document
    candidates: Document
    history: Document
    program: str
    verdict: Document | None = None
    final: Document | None = None
    final_program: str | None = None
    programs: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls,
        *,
        scope: Path,
        model: Path,
        verdict: Path | None = None,
        final: Path | None = None,
    ) -> Run:
        """Read the directories that the stages wrote.

        Parameters
        ----------
        scope, model, final
            Output directories of scope, ensemble and finalize.
        verdict
            ``verdict.json`` or the directory that holds it.

        Raises
        ------
        DataError
            When a file is absent or of another version of the format.
        """
        verdict_file = verdict / "verdict.json" if verdict is not None and verdict.is_dir() else verdict
        history = read_json(model / "history.json")
        return cls(
            scope=read_json(scope / "scope.json"),
            plan=read_json(scope / "plan.json"),
            model=read_json(model / "model.json"),
            ensemble=read_json(model / "ensemble.json"),
            candidates=read_json(model / "candidates.json"),
            history=history,
            program=(model / "solution.py").read_text(encoding="utf-8"),
            verdict=read_json(verdict_file) if verdict_file is not None else None,
            final=read_json(final / "model.json") if final is not None else None,
            final_program=(final / "solution.py").read_text(encoding="utf-8") if final is not None else None,
            programs=_refined_programs(history, model / "solutions"),
        )

    @property
    def task(self) -> Document:
        task: Document = self.scope["task"]
        return task

    @property
    def name(self) -> str:
        return str(self.scope.get("spec", {}).get("name") or self.task["name"])

    @property
    def metric(self) -> str:
        return str(self.task["metric"])

    @property
    def tried(self) -> list[Document]:
        """The candidates, branch by branch in the order in which they were evaluated."""
        return sorted(self.candidates["candidates"], key=lambda candidate: (candidate["branch"], candidate["order"]))

    @property
    def branches(self) -> list[str]:
        return list(dict.fromkeys(str(candidate["branch"]) for candidate in self.tried))

    @property
    def greater_is_better(self) -> bool:
        return get_metric(self.metric, self.task["type"]).greater_is_better

    @property
    def score_format(self) -> ScoreFormat:
        """How this run's scores are written."""
        return ScoreFormat.suited_to([self.model.get("score"), (self.verdict or {}).get("score")])

    @property
    def chosen(self) -> Document | None:
        """What the ensemble stage chose among the ways to combine, where it compared them."""
        in_solution = {member["id"] for member in self.ensemble["members"]}
        chosen = (each for each in self.ensemble["candidates"] if in_solution.issuperset(each.get("members") or ()))
        return next((each for each in chosen if each["method"] == self.ensemble["method"]), None)

    @property
    def alone(self) -> list[Document]:
        """Candidates by themselves, scored by the ensemble stage as it scores ensembles."""
        return [each for each in self.ensemble["candidates"] if len(each.get("members") or ()) == 1]

    @property
    def best_alone(self) -> Document | None:
        """The best candidate by itself."""
        return next(iter(self.rank(self.alone)), None)

    @property
    def cross_validation_error(self) -> float | None:
        """The standard error of the judged model's score in cross-validation."""
        return (self.chosen or {}).get("standard_error")

    @property
    def ancestry(self) -> set[str]:
        """Ids of the members of the judged model and of the candidates that these were made from."""
        found: set[str] = set()
        for member in self.ensemble["members"]:
            identifier = member["id"]
            while identifier and identifier not in found:
                found.add(identifier)
                identifier = self.candidate(identifier).get("parent")
        return found

    def gain(self, score: Any, over: Any) -> float | None:
        """By how much ``score`` is better than ``over``; None when either is unknown."""
        if not (is_number(score) and is_number(over)):
            return None
        return float(score - over) if self.greater_is_better else float(over - score)

    def rank(self, scored: Iterable[Document]) -> list[Document]:
        """The best first; those that did not end with a score on all folds last."""

        def key(each: Document) -> tuple[bool, float]:
            unscored = not is_number(each["score"]) or each.get("status", "ok") != "ok"
            return unscored, 0.0 if unscored else -each["score"] if self.greater_is_better else each["score"]

        return sorted(scored, key=key)

    def candidate(self, identifier: str | None) -> Document:
        """What is listed about a candidate; empty where it is not."""
        return next((each for each in self.candidates["candidates"] if each["id"] == identifier), {})

    def name_of(self, identifier: str | None) -> str:
        """The readable name of a candidate, or its id where it is not listed."""
        return str(self.candidate(identifier).get("name", identifier))


def _refined_programs(history: Document, folder: Path) -> dict[str, str]:
    """The programs that refinements started from and ended with, where the folder holds them."""
    wanted = {r[side] for r in history["refinements"] for side in ("before", "after") if r.get(side)}
    files = {identifier: folder / f"{identifier}.py" for identifier in sorted(wanted)}
    return {name: file.read_text(encoding="utf-8") for name, file in files.items() if file.is_file()}
