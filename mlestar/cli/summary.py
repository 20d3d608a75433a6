"""What ``mlestar run`` says at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from mlestar.cli.view import score_text

if TYPE_CHECKING:
    from mlestar.engines.local import Outcome

__all__ = ["summarize"]


def summarize(outcome: Outcome) -> None:
    """Print the scores, the verdict, the checks that speak against the model, and where everything is."""
    console = Console(highlight=False, soft_wrap=True)
    verdict, folder = outcome.verdict, outcome.folder
    if not outcome.stages_run:
        console.print("Nothing has changed since the last run: every stage was reused.")
    console.print(f"Score    {_holdout(verdict)}", markup=False)
    cross_validated = score_text(verdict["cross_validation_score"])
    console.print(f"         {verdict['metric']} {cross_validated} cross-validated on the training rows", markup=False)
    console.print("Verdict ", Text("blessed", "bold green") if outcome.blessed else Text("refused", "bold red"))
    for status in ("fail", "warn"):
        for check in verdict["checks"]:
            if check["status"] == status:
                console.print(f"         {status}: {check['title']}: {check['summary']}", markup=False)
    places = {"Model": folder.model, "Program": folder.program, "Report": folder.report}
    if outcome.predictions:
        places["Predictions"] = outcome.predictions
    for what, place in places.items():
        console.print(f"{what:<12}{_shown(place)}", markup=False)


def _holdout(verdict: Mapping[str, Any]) -> str:
    metric, rows = verdict["metric"], verdict["rows"]
    if verdict["score"] is None:
        return f"no {metric}: the model could not predict the {rows} holdout rows"
    low, high = verdict["interval"]
    level = f"{verdict['confidence']:.0%} interval {score_text(low)} to {score_text(high)}"
    plain = verdict["baselines"].get("plain", {}).get("score")
    against = f"; plain baseline {score_text(plain)}" if plain is not None else ""
    return f"{metric} {score_text(verdict['score'])} on {rows} holdout rows ({level}{against})"


def _shown(path: Path) -> Path:
    """Relative to the current directory where it is below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
