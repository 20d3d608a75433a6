"""The tables of what was measured.

Where systems are ranked or seeds compared, a run that failed scores as the plain baseline does; failures are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt

import numpy as np
import pandas as pd

__all__ = ["budget_table", "plain_table", "rank_table", "score_table", "stage_table", "wall_clock_table"]

_NORMAL = 1.96  # of 95 %


def score_table(rows: pd.DataFrame, tasks: dict) -> str:
    """A Markdown table: per task each system's mean score and the seconds that it took, and who won."""
    systems = list(dict.fromkeys(rows["system"]))
    lines = ["| task | metric | " + " | ".join(f"{each} | seconds" for each in systems) + " | best |"]
    lines.append("|---|---|" + "---:|---:|" * len(systems) + "---|")
    wins = dict.fromkeys(systems, 0)
    for name, part in rows.groupby("task", sort=False):
        means = part.groupby("system")[["score", "seconds"]].mean().reindex(systems)
        scores = means["score"] if tasks[name]["direction"] == "max" else -means["score"]
        winners = list(scores.index[scores == scores.max()])
        best = winners[0] if len(winners) == 1 else "a tie"
        if len(winners) == 1:
            wins[best] += 1
        cells = " | ".join(f"{means.loc[each, 'score']:.5g} | {means.loc[each, 'seconds']:.1f}" for each in systems)
        lines.append(f"| {name} | {tasks[name]['metric']} | {cells} | {best} |")
    count = rows["task"].nunique()
    lines += ["", ", ".join(f"{system} is best on {won} of {count}" for system, won in wins.items())]
    return "\n".join(lines) + "\n"


def with_failures(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows, with the mean score of the plain baseline where a run failed."""
    plain = rows[rows["system"] == "plain"].groupby("task")["score"].mean()
    return rows.assign(score=rows["score"].fillna(rows["task"].map(plain)))


def rank_table(rows: pd.DataFrame, tasks: dict) -> str:
    """A Markdown table: mean rank of each system, and on how many tasks mlestar is better, with a 95 % interval."""
    table = with_failures(rows).pivot_table(index="task", columns="system", values="score", sort=False, dropna=False)
    signs = pd.Series({name: 1.0 if tasks[name]["direction"] == "max" else -1.0 for name in table.index})
    gains = table.mul(signs, axis=0)
    ranks = gains.dropna().rank(axis=1, ascending=False).mean()
    lines = ["| system | mean rank | mlestar is better on | 95 % interval | failed |", "|---|---:|---:|---|---:|"]
    for system in ranks.sort_values().index:
        failed = int(rows.loc[rows["system"] == system, "score"].isna().sum())
        better, interval = "", ""
        if system != "mlestar" and "mlestar" in gains:
            both = gains[["mlestar", system]].dropna()
            won = (both["mlestar"] > both[system]).sum() + 0.5 * (both["mlestar"] == both[system]).sum()
            better = f"{won:g} of {len(both)}"
            interval = "{:.0%} to {:.0%}".format(*_wilson(won, len(both))) if len(both) else ""
        lines.append(f"| {system} | {ranks[system]:.2f} | {better} | {interval} | {failed} |")
    return "\n".join(lines) + "\n"


def _wilson(won: float, count: int) -> tuple[float, float]:
    """The score interval of a share (Wilson 1927)."""
    share, z = won / count, _NORMAL
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def plain_table(rows: pd.DataFrame, tasks: dict) -> str:
    """A Markdown table: mlestar's scores over the seeds beside those of the plain baseline."""
    lines = [
        "| task | metric | seeds | mlestar | worst | best | plain | better |",
        "|---|---|---:|---:|---:|---:|---:|---|",
    ]
    rows = with_failures(rows)
    for name, part in rows[rows["system"].isin(("mlestar", "plain"))].groupby("task", sort=False):
        own, plain = (part.loc[part["system"] == system, "score"] for system in ("mlestar", "plain"))
        if len(own) and len(plain):
            rises = tasks[name]["direction"] == "max"
            worst, best = (own.min(), own.max()) if rises else (own.max(), own.min())
            better = "always" if (worst > plain.max() if rises else worst < plain.min()) else ""
            better = better or ("on average" if (own.mean() > plain.mean()) == rises else "no")
            scores = " | ".join(f"{each:.5g}" for each in (own.mean(), worst, best, plain.mean()))
            lines.append(f"| {name} | {tasks[name]['metric']} | {len(own)} | {scores} | {better} |")
    return "\n".join(lines) + "\n"


def stage_table(rows: pd.DataFrame, stages: Sequence[str]) -> str:
    """A Markdown table: what each stage of mlestar added, in the unit of :func:`stages.stage_gains`."""
    own = rows[rows["system"] == "mlestar"]
    known = own.dropna(subset=list(stages)) if set(stages) <= set(own) else own[:0]
    if known.empty:
        return ""
    means = known.groupby("task", sort=False)[list(stages)].mean()
    means.loc["mean"] = means.mean()
    lines = ["| task | " + " | ".join(stages) + " |", "|---|" + "---:|" * len(stages)]
    lines += [f"| {name} | " + " | ".join(f"{each:+.1f} %" for each in row) + " |" for name, row in means.iterrows()]
    return "\n".join(lines) + "\n"


def budget_table(rows: pd.DataFrame, tasks: dict, trivial: Mapping[str, float]) -> str:
    """A Markdown table: mean score of one system per task and budget; then the mean over tasks of what was won.

    What was won is the lead over the same prediction for every row, in per cent of that with the longest budget; tasks
    that lack a budget do not count there. Its standard error, where there are several seeds, is that of these, not of
    the choice of tasks.
    """
    scores = rows.pivot_table(index="task", columns="budget", values="score", sort=False, dropna=False).sort_index(
        axis=1
    )
    lines = [
        "| task | metric | " + " | ".join(f"{budget:g} s" for budget in scores) + " |",
        "|---|---|" + "---:|" * scores.shape[1],
    ]
    for name, values in scores.iterrows():
        lines.append(f"| {name} | {tasks[name]['metric']} | " + " | ".join(f"{each:.5g}" for each in values) + " |")
    leads = scores.sub(pd.Series(trivial), axis=0).dropna()
    won = leads.div(leads.iloc[:, -1], axis=0).mean() * 100
    lines.append(f"| mean of the leads | % | {' | '.join(f'{each:.2f}' for each in won)} |")
    errors = rows.groupby(["task", "budget"])["score"].sem().unstack().loc[leads.index]
    error = 100 * errors.div(leads.iloc[:, -1].abs(), axis=0).pow(2).sum(skipna=False).pow(0.5) / len(leads)
    if error.notna().all():  # one seed has none
        lines.append(f"| its standard error, by the seeds | % | {' | '.join(f'{each:.2f}' for each in error)} |")
    return "\n".join(lines) + "\n"


def wall_clock_table(rows: pd.DataFrame) -> str:
    """A Markdown table: the longest wall clock per task and budget, and how many runs kept to max(5 %, 3 s)."""
    seconds = rows.pivot_table(index="task", columns="budget", values="seconds", aggfunc="max", sort=False)
    lines = [
        "| task | " + " | ".join(f"{budget:g} s" for budget in seconds) + " |",
        "|---|" + "---:|" * seconds.shape[1],
    ]
    for name, taken in seconds.iterrows():
        lines.append(f"| {name} | " + " | ".join(f"{each:.1f}" for each in taken) + " |")
    kept = rows["seconds"] <= rows["budget"] + np.maximum(0.05 * rows["budget"], 3.0)
    return "\n".join([*lines, "", f"{kept.sum()} of {len(rows)} runs ended in time"]) + "\n"
