"""The first page of the report: the verdict, what mattered, and what to worry about, in sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mlestar.report.charts import Interval, intervals
from mlestar.report.numbers import duration, is_number, plain
from mlestar.report.run import Run

__all__ = ["Banner", "Finding", "Tile", "banner", "matters", "score_chart", "threshold", "tiles", "worries"]

CHECK_ORDER = ("fail", "warn", "not_run", "pass")
MOST_FINDINGS = 6


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
    required = [check for check in verdict["checks"] if check["severity"] == "error"]
    blocking = [check for check in required if check["status"] in ("fail", "not_run")]
    reasons = "".join(f"{check['title']}: {check['summary'].rstrip('.')}. " for check in blocking)
    remark = "The judged model stays in the output, marked as refused."
    return Banner("fail", "Refused", f"{reasons}Checks: {counts}. {remark}")


def tiles(run: Run) -> list[Tile]:
    """The figures that a reader asks for first."""
    show, verdict = run.score_format, run.verdict
    found = []
    if verdict is not None:
        note = f"{verdict['rows']:,} rows that nothing was chosen on"
        if verdict.get("interval"):
            note = f"{_interval(run, verdict['interval'])} ({100 * verdict['confidence']:.0f} %), {note}"
        found.append(Tile(f"{run.metric} on the holdout", show(verdict["score"]), note))
    found.append(Tile(f"{run.metric} in cross-validation", show(run.model.get("score")), _validation(run)))
    if verdict is not None and (plain_baseline := verdict["baselines"].get("plain")):
        gain = run.gain(verdict["score"], plain_baseline["score"])
        found.append(Tile("against the plain baseline", _compared(run, gain), _baseline_note(run, plain_baseline)))
    scored = sum(candidate["status"] == "ok" for candidate in run.tried)
    spent = sum(entry["seconds"] for entry in run.history["spent"]) + ((verdict or {}).get("seconds") or 0.0)
    note = f"{scored:,} with a score; {duration(spent)} charged to the stages"
    found.append(Tile("candidates", f"{len(run.tried):,}", note))
    return found


def score_chart(run: Run) -> Any:
    """The holdout score with its interval against the baselines; cross-validation alone before validation."""
    show, verdict = run.score_format, run.verdict
    cross_validated = Interval("Cross-validation", run.model.get("score"), None, None, show(run.model.get("score")))
    trivial = run.scope["baseline"]
    if verdict is None:
        rows = [cross_validated, Interval("Trivial baseline", trivial["score"], None, None, show(trivial["score"]))]
        return intervals(rows, title="Cross-validation score against the trivial baseline", axis=run.metric)
    low, high = verdict.get("interval") or (None, None)
    own = Interval("This solution, holdout", verdict["score"], low, high, _estimate(run, verdict), "strong")
    rows = [own, cross_validated]
    shown = [verdict["score"], low, high, run.model.get("score")]
    for name, baseline in sorted(verdict["baselines"].items(), key=lambda item: -(run.gain(item[1]["score"], 0) or 0)):
        low, high = baseline.get("interval") or (None, None)
        label = f"{name.capitalize()} baseline" if name in ("plain", "trivial") else name.capitalize()
        is_far = name == "trivial" and _is_far(baseline["score"], shown)
        rows.append(Interval(label, baseline["score"], low, high, _estimate(run, baseline), "faint", is_far))
        shown += [baseline["score"], low, high]
    title = "Holdout score and its interval against the baselines"
    return intervals(rows, title=title, axis=run.metric, reference=threshold(run))


def threshold(run: Run) -> float | None:
    """The score that the spec demands (``objective.at_least``)."""
    value = (run.scope.get("spec", {}).get("objective") or {}).get("at_least")
    return float(value) if is_number(value) else None


def matters(run: Run) -> list[Finding]:
    """What the score owes to what, the largest first."""
    show = run.score_format
    found: list[tuple[float, Finding]] = []
    for ablation in run.history["ablations"]:
        effect = ablation["effect"]
        if is_number(effect) and effect > 2 * (ablation["standard_error"] or 0.0):
            text = (
                f"Without it ({ablation['variant']} instead), branch {ablation['branch']} loses "
                f"{show(effect)}{_error(run, ablation)} {run.metric}."
            )
            found.append((effect, Finding("info", f"The {ablation['block']} block", text)))
    for refinement in run.history["refinements"]:
        gain = refinement["gain"]
        if refinement["accepted"] and is_number(gain) and gain > (refinement["standard_error"] or 0.0):
            text = (
                f"Gained {show(gain)}{_error(run, refinement)} in branch {refinement['branch']}, "
                f"step {refinement['step']}; plans tried: {len(refinement['plans'])}."
            )
            found.append((gain, Finding("info", f"Refining the {refinement['block']} block", text)))
    if ensemble := _ensemble_gain(run):
        found.append(ensemble)
    found = [entry for entry in found if show(entry[0]) != show(0.0)]
    distinct = {finding.title: finding for _, finding in sorted(found, key=lambda entry: entry[0])}
    return list(reversed(distinct.values()))[:MOST_FINDINGS]


def worries(run: Run) -> list[Finding]:
    """Everything that a careful reader should know before using the model, the gravest first."""
    checks = (run.verdict or {}).get("checks", [])
    troubled = [check for check in checks if check["status"] != "pass" and check["severity"] != "off"]
    troubled.sort(key=lambda check: CHECK_ORDER.index(check["status"]))
    found = [Finding(check["status"], check["title"], check["summary"]) for check in troubled]
    found += [Finding("warn", "The data", text) for text in run.scope["warnings"]]
    notes = [note for model in (run.model, run.final or {}) for note in model.get("notes", ())]
    found += [Finding("warn", "The model", note) for note in dict.fromkeys(notes)]
    failures = Counter(candidate["status"] for candidate in run.tried if candidate["status"] not in ("ok", "pruned"))
    if failures:
        kinds = _listed([f"{count} {status.replace('_', ' ')}" for status, count in failures.most_common()])
        text = f"{kinds} among {len(run.tried):,}; the leaderboard has the reasons."
        found.append(Finding("info", "Candidates without a score", text))
    return found


def _ensemble_gain(run: Run) -> tuple[float, Finding] | None:
    members = run.ensemble["members"]
    best = run.rank(members)[0]["score"] if members else None
    gain = run.gain(run.model.get("score"), best)
    if len(members) < 2 or gain is None or gain <= 0:
        return None
    together = f"{len(members)} members together ({run.ensemble['method']})"
    text = f"{together} score {run.score_format(gain)} better than the best of them."
    return gain, Finding("info", "The ensemble", text)


def _validation(run: Run) -> str:
    task = run.task
    repeats = f", {task['repeats']} times" if task["repeats"] > 1 else ""
    return f"{task['folds']} folds{repeats}, {task['splitter'].replace('_', ' ')}"


def _baseline_note(run: Run, baseline: Mapping[str, Any]) -> str:
    low, high = (run.verdict or {}).get("interval") or (None, None)
    inside = is_number(low) and is_number(high) and is_number(baseline["score"]) and low <= baseline["score"] <= high
    doubt = ", inside the interval of this solution" if inside else ""
    return f"{baseline['description']}: {run.score_format(baseline['score'])}{doubt}"


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


def _interval(run: Run, interval: Any) -> str:
    return f"{run.score_format(interval[0])} to {run.score_format(interval[1])}"


def _estimate(run: Run, scored: Mapping[str, Any]) -> str:
    low, high = scored.get("interval") or (None, None)
    interval = f" ({_interval(run, (low, high))})" if low != high else ""
    return f"{run.score_format(scored['score'])}{interval}"


def _error(run: Run, measured: Mapping[str, Any]) -> str:
    error = measured["standard_error"]
    return f" ± {run.score_format(error)}" if is_number(error) else ""


def _listed(parts: list[str]) -> str:
    return plain(parts[0]) if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else ""
