"""The first page of the report: the verdict, what mattered, and what to worry about, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlestar.evaluation.results import on_folds
from mlestar.report.charts import Interval, intervals
from mlestar.report.checks import checks
from mlestar.report.importance import importances
from mlestar.report.numbers import duration, is_number, percent, plain
from mlestar.report.run import Run
from mlestar.report.words import outcome, validation, without_block

__all__ = [
    "Banner",
    "Finding",
    "Tile",
    "banner",
    "intervals_note",
    "matters",
    "score_chart",
    "threshold",
    "tiles",
    "worries",
]

MOST_FINDINGS = 6
MOST_NAMED = 3


@dataclass(frozen=True)
class Banner:
    """``status`` is pass, fail or not_run."""

    status: str
    title: str
    reason: str


@dataclass(frozen=True)
class Tile:
    label: str
    value: str
    note: str


@dataclass(frozen=True)
class Finding:
    """One sentence with the place it is about; ``status`` is that of a check, or info."""

    status: str
    title: str
    text: str


def banner(run: Run) -> Banner:
    """Whether the model may be used, and why."""
    verdict = run.verdict
    if verdict is None:
        reason = "The figures below come from cross-validation; the holdout is unopened."
        return Banner("not_run", "Not judged yet", reason)
    ended = Counter(check["status"] for check in verdict["checks"])
    counts = ", ".join(
        f"{ended[status]} {words}"
        for status, words in (("pass", "passed"), ("warn", "warned"), ("fail", "failed"), ("not_run", "not run"))
        if ended[status]
    )
    if verdict["verdict"] == "blessed":
        return Banner("pass", "Blessed", f"Nothing that the scope spec requires failed. Checks: {counts}.")
    blocking = [check for check in verdict["checks"] if (check["severity"], check["status"]) == ("error", "fail")]
    reasons = "".join(f"{check['title']}: {check['summary'].rstrip('.')}. " for check in blocking)
    remark = "The judged model stays in the output, marked as refused."
    return Banner("fail", "Refused", f"{reasons}Checks: {counts}. {remark}")


def tiles(run: Run) -> list[Tile]:
    """The figures that a reader asks for first."""
    show, verdict = run.score_format, run.verdict
    found = []
    if verdict is not None:
        note = f"{_certainty(run, verdict)}; {verdict['rows']:,} rows that no choice was made on"
        found.append(Tile(f"{run.metric} on the holdout", show(verdict["score"]), note))
    error = f"± {show(run.cross_validation_error)} standard error; " if is_number(run.cross_validation_error) else ""
    note = f"{error}{validation(run.task, run.plan)}; choices were made by it, so it tends to flatter"
    found.append(Tile(f"{run.metric} in cross-validation", show(run.model["score"]), note))
    if verdict is not None and (plain_baseline := verdict["baselines"].get("plain")):
        gain = run.gain(verdict["score"], plain_baseline["score"])
        found.append(
            Tile(f"{run.metric} against the plain baseline", _compared(run, gain), _baseline_note(run, plain_baseline))
        )
    ended = Counter(outcome(candidate["status"]) for candidate in run.tried)
    counts = ", ".join(f"{count:,} {words}" for words, count in ended.most_common())
    spent = sum(entry["seconds"] for entry in run.history["spent"]) + ((verdict or {}).get("seconds") or 0.0)
    side_by_side = f", {len(run.branches)} branches side by side" if len(run.branches) > 1 else ""
    note = f"{counts}; {duration(spent)} of work{side_by_side}"
    found.append(Tile("candidates tried", f"{len(run.tried):,}", note))
    return found


def score_chart(run: Run) -> Any:
    """The holdout score with its interval against the baselines; cross-validation alone before validation."""
    show, verdict = run.score_format, run.verdict
    score, error = run.model["score"], run.cross_validation_error
    cross_validated = Interval.around("This solution, cross-validated", score, error, show.with_error(score, error))
    trivial = run.scope["baseline"]
    if verdict is None:
        rows = [cross_validated, Interval.around("Trivial baseline", trivial["score"], None, show(trivial["score"]))]
        return intervals(rows, title="Cross-validation score against the trivial baseline", axis=run.metric)
    low, high = verdict.get("interval") or (None, None)
    own = Interval("This solution, holdout", verdict["score"], low, high, _estimate(run, verdict), "strong")
    rows = [own, cross_validated]
    shown = [verdict["score"], low, high, run.model.get("score")]
    for name, baseline in sorted(verdict["baselines"].items(), key=lambda item: -(run.gain(item[1]["score"], 0) or 0)):
        low, high = baseline.get("interval") or (None, None)
        label = f"{name.capitalize()}{' baseline' if name in ('plain', 'trivial') else ''}, holdout"
        is_far = name == "trivial" and _is_far(baseline["score"], shown)
        rows.append(Interval(label, baseline["score"], low, high, _estimate(run, baseline), "faint", is_far))
        shown += [baseline["score"], low, high]
    title = "Holdout score and its interval against the baselines"
    return intervals(rows, title=title, axis=run.metric, reference=threshold(run))


def intervals_note(run: Run) -> str:
    """How the intervals of the chart were made, and on which rows."""
    error = (
        "Cross-validation: the line is ± 2 standard errors over the folds, corrected for the training rows that they "
        "have in common (Nadeau and Bengio, 2003)."
    )
    if run.verdict is None:
        return error
    rows = f"Holdout: {run.verdict['rows']:,} rows, the same for all models"
    if not run.verdict.get("interval"):
        return f"{rows}. {error}"
    made = run.verdict.get("bootstrap") or {}
    of = f" of {made['resamples']:,} resamples of {made['drawn']}" if made else ""
    return f"{rows}; lines are {100 * run.verdict['confidence']:.0f} % bootstrap intervals (percentiles{of}). {error}"


def threshold(run: Run) -> float | None:
    """The score that the spec demands (``objective.at_least``)."""
    value = (run.scope.get("spec", {}).get("objective") or {}).get("at_least")
    return float(value) if is_number(value) else None


def matters(run: Run) -> list[Finding]:
    """What the score owes to what, the largest first.

    Only refinements that led to the judged model count, and ablations in the branches that its members come from.
    """
    show, ancestry = run.score_format, run.ancestry
    branches = {member["branch"] for member in run.ensemble["members"]}
    found: list[tuple[float, Finding]] = []
    for ablation in run.history["ablations"]:
        effect, error = ablation["effect"], ablation["standard_error"]
        is_clear = is_number(effect) and is_number(error) and effect > 2 * error
        if is_clear and ablation["branch"] in branches:
            swap = without_block(ablation)
            loss = f"{show.with_error(effect, error)} cross-validated {run.metric}{on_folds(ablation['reason'])}"
            text = f"{swap[0].upper()}{swap[1:]}, branch {ablation['branch']} loses {loss}."
            found.append((effect, Finding("info", f"The {ablation['block']} block", text)))
    for refinement in run.history["refinements"]:
        gain, error = refinement["gain"], refinement["standard_error"]
        is_real = refinement["accepted"] and is_number(gain) and is_number(error) and gain > 2 * error
        if is_real and refinement["after"] in ancestry:
            model = run.candidate(refinement["before"])["recipes"]["model"]
            text = (
                f"The candidate with the model {model} gained {show.with_error(gain, error)} cross-validated "
                f"{run.metric} in branch {refinement['branch']}, step {refinement['step']}, as the best of the plans "
                f"tried ({len(refinement['plans'])})."
            )
            found.append((gain, Finding("info", f"Refining the {refinement['block']} block", text)))
    if ensemble := _ensemble_gain(run):
        found.append(ensemble)
    found = [entry for entry in found if show(entry[0]) != show(0.0)]
    largest: dict[str, Finding] = {}
    for _, finding in sorted(found, key=lambda entry: -entry[0]):
        largest.setdefault(finding.title, finding)
    return [*_columns(run), *largest.values()][:MOST_FINDINGS]


def worries(run: Run) -> list[Finding]:
    """Everything that a careful reader should know before using the model, the gravest first."""
    troubled = [check for check in checks(run) if check["status"] != "pass" and check["severity"] != "off"]
    found = [Finding(c["status"], c["title"], c["summary"]) for c in troubled if c["status"] != "not_run"]
    found += _not_run([check for check in troubled if check["status"] == "not_run"])
    if (run.verdict or {}).get("environment", {}).get("sandbox") == "none":
        text = (
            "There was no sandbox here: nothing but their own code kept programs from reading labels and the holdout."
        )
        found.append(Finding("warn", "The sandbox", text))
    found += [Finding("warn", "The data", text) for text in run.scope["warnings"]]
    notes = [note for model in (run.model, run.final or {}) for note in model.get("notes", ())]
    found += [Finding("info", "The model", note) for note in dict.fromkeys(notes)]
    failures = Counter(candidate["status"] for candidate in run.tried if candidate["status"] not in ("ok", "pruned"))
    if failures:
        kinds = _listed([f"{count} {outcome(status)}" for status, count in failures.most_common()])
        text = f"{kinds}, of {len(run.tried):,} tried; the leaderboard has the reasons."
        found.append(Finding("info", "Candidates without a score", text))
    return found


def _not_run(unknown: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """The checks that were not run, by the reason."""
    by_reason: dict[str, list[str]] = {}
    for check in unknown:
        by_reason.setdefault(check["summary"], []).append(check["title"])
    return [
        Finding("not_run", titles[0], reason)
        if len(titles) == 1
        else Finding("not_run", f"{len(titles)} checks", f"{reason}. They are: {'; '.join(titles)}")
        for reason, titles in by_reason.items()
    ]


def _columns(run: Run) -> list[Finding]:
    """The columns that the score on the holdout owes most to."""
    show = run.score_format
    first = [
        each
        for each in importances(run)[:MOST_NAMED]
        if is_number(each["standard_error"]) and each["importance"] > 2 * each["standard_error"]
        if show(each["importance"]) != show(0.0)
    ]
    if not first:
        return []
    names = _listed([str(each["column"]) for each in first])
    lost = _listed([show(each["importance"]) for each in first])
    title = f"The column{'s' if len(first) > 1 else ''} {names}"
    return [
        Finding(
            "info", title, f"Permuting {'each' if len(first) > 1 else 'it'} costs {lost} {run.metric} on the holdout."
        )
    ]


def _ensemble_gain(run: Run) -> tuple[float, Finding] | None:
    members, best = run.ensemble["members"], run.best_alone
    if len(members) < 2 or best is None:
        return None
    gain = run.gain(run.model["score"], best["score"])
    if gain is None or gain <= 0:
        return None
    together = run.score_format.with_error(run.model["score"], run.cross_validation_error)
    alone = run.score_format.with_error(best["score"], best.get("standard_error"))
    text = (
        f"{len(members)} members together ({run.ensemble['method']}) reach {together} {run.metric} in "
        f"cross-validation, the best candidate alone {alone}."
    )
    if not is_number(run.cross_validation_error) or gain < run.cross_validation_error:
        text += " Less than a standard error lies between them."
    return gain, Finding("info", "The ensemble", text)


def _baseline_note(run: Run, baseline: Mapping[str, Any]) -> str:
    """What the baseline is, and how sure the difference is: paired on the same rows, unlike the two intervals."""
    note = f"on the holdout; {baseline['description']} scores {run.score_format(baseline['score'])}"
    paired: Mapping[str, Any] = next(
        (check["evidence"] for check in checks(run) if check["id"] == "plain_baseline"), {}
    )
    low, high = paired.get("gain_interval") or (None, None)
    if low == high:
        return note
    low, high = (run.score_format.signed(end) for end in (low, high))
    return f"{note}; {100 * paired['confidence']:.0f} % interval of the gain, on the same rows: {low} to {high}"


def _compared(run: Run, gain: float | None) -> str:
    """A difference in the reader's terms: metrics differ in what is better, words do not."""
    if gain is None or run.score_format(gain) == run.score_format(0.0):
        return "equal" if gain is not None else run.score_format(None)
    return f"{run.score_format(abs(gain))} {'better' if gain > 0 else 'worse'}"


def _is_far(score: Any, others: list[Any]) -> bool:
    """Whether showing ``score`` on one axis with the others would leave too little of it to tell these apart."""
    finite = [value for value in others if is_number(value)]
    if not (is_number(score) and finite):
        return False
    spread = max(finite) - min(finite)
    return min(abs(score - value) for value in finite) > 4 * spread > 0


def _certainty(run: Run, verdict: Mapping[str, Any]) -> str:
    """The interval of the holdout score; without one, what the rows say nevertheless."""
    if verdict["score"] is None:
        return "the model could not predict these rows"
    if verdict.get("interval"):
        return f"{100 * verdict['confidence']:.0f} % interval {_interval(run, verdict['interval'])}"
    confusion = (verdict.get("curves") or {}).get("confusion")
    if confusion and sum(map(sum, confusion["matrix"])) == sum(row[i] for i, row in enumerate(confusion["matrix"])):
        chance = 1 - verdict["confidence"]
        wrong = percent(1 - chance ** (1 / verdict["rows"]))
        return f"no row is wrong, which a model that errs in {wrong} of all rows manages one time in {1 / chance:.0f}"
    return "no interval: there are too few rows or groups, or all resamples score the same"


def _interval(run: Run, interval: Any) -> str:
    return f"{run.score_format(interval[0])} to {run.score_format(interval[1])}"


def _estimate(run: Run, scored: Mapping[str, Any]) -> str:
    low, high = scored.get("interval") or (None, None)
    interval = f" ({_interval(run, (low, high))})" if low != high else ""
    return f"{run.score_format(scored['score'])}{interval}"


def _listed(parts: list[str]) -> str:
    return plain(parts[0]) if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
