"""What each stage of a run of mlestar added."""

from __future__ import annotations

import json
import re
from pathlib import Path

from mlestar.report import Run
from mlestar.report.search import contributions

__all__ = ["STAGES", "stage_gains"]

STAGES = ("search", "ablate", "refine", "ensemble")


def stage_gains(folder: Path) -> dict[str, float]:
    """By how much each stage raised the best cross-validated score over all branches; of ensemble, that of what ships.

    In per cent of the lead that the plain baseline has over the same prediction for every row; ablate and refine of all
    steps together; 0 where the baseline has no lead. Empty where the folder holds no run that ended.
    """
    path = folder / "pipeline" / "outputs.json"
    if not path.exists():
        return {}
    outputs = json.loads(path.read_text(encoding="utf-8"))
    places = {name: Path(outputs[name]) for name in ("scope", "model", "evidence", "final") if outputs[name]}
    run = Run.read(scope=places["scope"], model=places["model"], verdict=places["evidence"], final=places.get("final"))
    plain, *stages = contributions(run)
    lead = run.gain(plain.score, run.scope["baseline"]["score"]) or 0.0
    found = dict.fromkeys(STAGES, 0.0)
    for each in stages:
        found[re.sub(r" \d+$", "", each.stage)] += 100 * (each.gain or 0.0) / lead if lead > 0 else 0.0
    return {stage: round(gain, 3) for stage, gain in found.items()}
