"""Delivering what a run made, the model, its program with tests, report and verdict, to the top of the run's folder."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlestar.engines.local.folder import RunFolder
from mlestar.files import write_bytes

__all__ = ["deliver"]

_VERDICT = ("verdict.json", "metrics.json")
_SAMPLES = "sample*.csv"  # what the tests of a program read
_CONFTEST = '''"""The tests of the program are those beside this file; folders below it hold copies of them."""

collect_ignore = ["model", "pipeline"]
'''


def deliver(outputs: Mapping[str, Any], folder: RunFolder) -> None:
    """Copy the model that ships, or without a blessing the judged one, report and verdict to the top of the folder.

    Only a program that ships has tests, and only where the spec allows the sample that they need.

    Parameters
    ----------
    outputs
        The pipeline's outputs, as :func:`mlestar.engines.local.pipeline.run_pipeline` writes them.
    folder
        Where to.
    """
    model = Path(outputs["final"] or outputs["model"])
    evidence = Path(outputs["evidence"])
    report = (Path(outputs["final"]) if outputs["final"] else evidence) / "report.html"
    for path in (folder.predictions, *(folder.out / name for name in _VERDICT)):
        path.unlink(missing_ok=True)  # of a model before
    samples = {path.name for each in (folder.model, model) for path in each.glob(_SAMPLES)}  # of this model, and before
    fresh = folder.model.with_name(".model")
    shutil.rmtree(fresh, ignore_errors=True)  # of a run that was killed here
    shutil.copytree(model, fresh)
    shutil.rmtree(folder.model, ignore_errors=True)
    fresh.rename(folder.model)
    write_bytes(folder.program, (model / "solution.py").read_bytes())
    write_bytes(folder.report, report.read_bytes())
    for name in _VERDICT:
        write_bytes(folder.out / name, (evidence / name).read_bytes())
    for name in sorted({folder.tests.name, *samples}):
        (folder.out / name).unlink(missing_ok=True)  # of a model before
        if (model / name).exists():
            write_bytes(folder.out / name, (model / name).read_bytes())
    folder.tests_configuration.unlink(missing_ok=True)
    if folder.tests.exists():
        write_bytes(folder.tests_configuration, _CONFTEST.encode())
