"""How long models of scikit-learn's trees take to be saved and read, as programs do it and tree by tree.

    python benchmarks/saving.py

Prints seconds, the size of the files and the ratio of the times, for models of 300 trees on scikit-learn's diabetes,
and for an ensemble of three fits of each.
"""

from __future__ import annotations

import copy
import statistics
import sys
import tempfile
import time
import zipfile
from pathlib import Path
from typing import Any

import skops.io
from sklearn.datasets import load_diabetes
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor, RandomForestRegressor

from mlestar.recipes.model_extra_trees import CompactExtraTreesRegressor
from mlestar.recipes.model_hist_gradient_boosting import CompactBoostingRegressor
from mlestar.recipes.model_random_forest import CompactRandomForestRegressor

TREES, TIMES = 300, 5
PAIRS = (
    (CompactExtraTreesRegressor(TREES), ExtraTreesRegressor(TREES)),
    (CompactRandomForestRegressor(TREES), RandomForestRegressor(TREES)),
    (CompactBoostingRegressor(max_iter=TREES), HistGradientBoostingRegressor(max_iter=TREES)),
)


def main() -> None:
    X, y = load_diabetes(return_X_y=True)
    heads = ("model", "saved, s", "tree by tree", "ratio", "read, s", "tree by tree", "ratio", "MB", "tree by tree")
    sys.stdout.write(f"| {' | '.join(heads)} |\n|---|{'---:|' * (len(heads) - 1)}\n")
    rows: list[tuple[str, Any, Any]] = [
        (type(plain).__name__, compact.fit(X, y), plain.fit(X, y)) for compact, plain in PAIRS
    ]
    rows.append(("all, three times", *([copy.deepcopy(row[side]) for row in rows * 3] for side in (1, 2))))
    with tempfile.TemporaryDirectory() as folder:
        for name, *models in rows:
            found = [measured(model, Path(folder) / "model.skops") for model in models]
            (saved, read, size), (saved_singly, read_singly, size_singly) = found
            sys.stdout.write(
                f"| {name} | {saved:.3f} | {saved_singly:.3f} | {saved_singly / saved:.1f} | {read:.3f} "
                f"| {read_singly:.3f} | {read_singly / read:.1f} | {size:.2f} | {size_singly:.2f} |\n"
            )


def measured(model: Any, path: Path) -> tuple[float, float, float]:
    """Median seconds to save and to read, and megabytes."""
    saving, reading = [], []
    for _ in range(TIMES):
        start = time.perf_counter()
        skops.io.dump(model, path, compression=zipfile.ZIP_DEFLATED, compresslevel=3)
        saving.append(time.perf_counter() - start)
        start = time.perf_counter()
        skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
        reading.append(time.perf_counter() - start)
    return statistics.median(saving), statistics.median(reading), path.stat().st_size / 1e6


if __name__ == "__main__":
    main()
