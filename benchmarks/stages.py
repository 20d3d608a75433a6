"""What each stage of mlestar added, of the runs that `benchmarks/run.py` has left in `runs/benchmark`.

    python benchmarks/stages.py --seconds 60

Prints a Markdown table: per task and stage, by how much the best cross-validated score over all branches rose, in per
cent of the lead that the plain baseline has over the same prediction for every row; of ensemble, that of what ships.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path

import pandas as pd
from systems import ROOT

from mlestar.report import Run
from mlestar.report.search import contributions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", default="60", help="the budget of the runs to look at")
    parser.add_argument("--out", type=Path, default=ROOT / "runs" / "benchmark", help="where runs are kept")
    arguments = parser.parse_args()
    rows = {}
    for outputs in sorted(arguments.out.glob(f"*-mlestar-{arguments.seconds}s-*/run/pipeline/outputs.json")):
        name = outputs.parents[2].name.removesuffix("-0").removesuffix(f"-mlestar-{arguments.seconds}s")
        rows[name] = _shares(_read(json.loads(outputs.read_text(encoding="utf-8"))))
    table = pd.DataFrame(rows).T.rename_axis("task")
    table.loc["mean"] = table.mean()
    sys.stdout.write(f"{_markdown(table)}\n")


def _read(outputs: dict) -> Run:
    places = {name: Path(outputs[name]) for name in ("scope", "model", "evidence", "final") if outputs[name]}
    return Run.read(scope=places["scope"], model=places["model"], verdict=places["evidence"], final=places.get("final"))


def _shares(run: Run) -> dict[str, float]:
    """Gains by stage, ablate and refine of all steps together."""
    plain, *stages = contributions(run)
    lead = run.gain(plain.score, run.scope["baseline"]["score"])
    found: dict[str, float] = {}
    for each in stages:
        name = re.sub(r" \d+$", "", each.stage)
        found[name] = found.get(name, 0.0) + 100 * (each.gain or 0.0) / lead if lead else 0.0
    return found


def _markdown(table: pd.DataFrame) -> str:
    columns = [each for each in ("search", "ablate", "refine", "ensemble") if each in table]
    lines = ["| task | " + " | ".join(columns) + " |", "|---|" + "---:|" * len(columns)]
    lines += [
        f"| {name} | " + " | ".join(f"{row[each]:+.1f} %" for each in columns) + " |" for name, row in table.iterrows()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
