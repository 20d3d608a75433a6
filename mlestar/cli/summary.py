"""What ``mlestar run`` says at the end: the scores, and all that speaks against trusting them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from mlestar.cli.output import say, voice
from mlestar.cli.rows import print_rows
from mlestar.cli.words import score_text

if TYPE_CHECKING:
    from mlestar.engines.local import Outcome

__all__ = ["summarize"]


def summarize(outcome: Outcome, status: int) -> None:
    """Say the scores, the verdict, what speaks against the model or is not known of it, and where everything is.

    Parameters
    ----------
    outcome
        Of the run.
    status
        With which the process will exit.
    """
    if voice.json:
        say(_document(outcome, status))
    elif not voice.quiet:
        _print(outcome)


def _document(outcome: Outcome, status: int) -> dict[str, Any]:
    verdict = outcome.verdict
    figures = ("metric", "score", "interval", "confidence", "rows", "cross_validation_score", "baselines")
    return {
        "event": "outcome",
        "verdict": verdict["verdict"],
        **{name: verdict[name] for name in figures},
        "checks": {check["id"]: check["status"] for check in verdict["checks"]},
        "notes": list(outcome.notes),
        "places": {what.lower(): str(place) for what, place in _places(outcome).items()},
        "stages_run": outcome.stages_run,
        "ended_early": outcome.ended_early,
        "exit_status": status,
    }


def _print(outcome: Outcome) -> None:
    console = Console(highlight=False)
    if outcome.ended_early:
        console.print("Ended early, on request; the same command goes on from here.")
    elif not outcome.stages_run:
        console.print("Nothing has changed since the last run: every stage was reused.")
    print_rows(console, [[Text(label), text] for label, text in _rows(outcome)])


def _rows(outcome: Outcome) -> Iterator[tuple[str, Text]]:
    verdict = outcome.verdict
    yield "Score", Text(_holdout(verdict))
    cross_validated = score_text(verdict["cross_validation_score"])
    yield "", Text(f"{verdict['metric']} {cross_validated} cross-validated on the training rows")
    yield "Verdict", Text("blessed", "bold green") if outcome.blessed else Text("refused", "bold red")
    for status in ("fail", "warn"):
        for check in verdict["checks"]:
            if check["status"] == status:
                yield "", Text(f"{status}: {check['title']}: {check['summary']}")
    for reason, titles in _not_run(verdict).items():
        yield "", Text(f"not run: {', '.join(titles)}: {reason}")
    yield from (("", Text(f"note: {note}")) for note in outcome.notes)
    for what, place in _places(outcome).items():
        yield what, Text(str(_shown(place)))
    if outcome.blessed and not outcome.predictions:
        yield "Next", Text(f"mlestar predict {_shown(outcome.folder.out)} TABLE --out predictions.csv")


def _not_run(verdict: Mapping[str, Any]) -> dict[str, list[str]]:
    """The checks that were not run, by the reason; those that the spec turned off were not wanted."""
    found: dict[str, list[str]] = {}
    for check in verdict["checks"]:
        if check["status"] == "not_run" and check["severity"] != "off":
            found.setdefault(check["summary"], []).append(check["title"])
    return found


def _places(outcome: Outcome) -> dict[str, Path]:
    folder = outcome.folder
    places = {"Model": folder.model, "Program": folder.program, "Report": folder.report}
    return places | ({"Predictions": outcome.predictions} if outcome.predictions else {})


def _holdout(verdict: Mapping[str, Any]) -> str:
    metric, rows = verdict["metric"], verdict["rows"]
    if verdict["score"] is None:
        return f"no {metric}: the model could not predict the {rows} holdout rows"
    bounds = " to ".join(map(score_text, verdict["interval"] or ()))
    level = f"{verdict['confidence']:.0%} interval {bounds}" if bounds else "too few mistakes for an interval"
    plain = verdict["baselines"].get("plain", {}).get("score")
    against = f"; plain baseline {score_text(plain)}" if plain is not None else ""
    return f"{metric} {score_text(verdict['score'])} on {rows} holdout rows ({level}{against})"


def _shown(path: Path) -> Path:
    """Relative to the current directory where it is below it."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
