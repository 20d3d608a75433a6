"""Single components inside a pipeline of one's own: a data step, then scope and search on what it made."""

# No `from __future__ import annotations`: KFP reads the annotations of components and pipelines as objects.

import json
from pathlib import Path
from typing import NamedTuple

from kfp import components, dsl, local
from kfp.compiler import Compiler

from mlestar.components.scope import scope
from mlestar.components.search import search
from mlestar.digests import library_digest


@dsl.component(base_image="python:3.11", install_kfp_package=False)
def malignancy(table: dsl.Output[dsl.Dataset]) -> NamedTuple("Outputs", [("spec", str), ("fingerprint", str)]):  # type: ignore[valid-type]
    """A data step of one's own: it writes a table, and the scope spec for it."""
    import json
    from pathlib import Path

    from sklearn.datasets import load_breast_cancer

    from mlestar.digests import file_digest

    data = load_breast_cancer(as_frame=True)
    path = Path(f"{table.path}.csv")
    data.frame.drop(columns="target").assign(malignant=data.target == 0).to_csv(path, index=False)
    spec = {
        "apiVersion": "mlestar/v1",
        "kind": "Scope",
        "name": "malignancy",
        "data": {"train": str(path)},
        "task": {"target": "malignant", "metric": "roc_auc"},
        "budget": {"evaluations": 20},
        "pipeline": {"branches": 1},
    }
    return json.dumps(spec), file_digest(path)


@dsl.pipeline(name="candidates-for-malignancy")
def candidates_for_malignancy(library: str, store: str) -> dsl.Artifact:
    """Search on data that the step before has made."""
    data = malignancy()
    same = {"fingerprint": data.outputs["fingerprint"], "library": library, "store": store}
    scoped = scope(spec=data.outputs["spec"], **same)
    found = search(scope=scoped.outputs["scope"], train=scoped.outputs["train"], branch=0, **same)
    return found.outputs["candidates"]


def test_search_finds_candidates_in_the_table_of_the_step_before(tmp_path: Path) -> None:
    compiled = tmp_path / "pipeline.yaml"
    Compiler().compile(candidates_for_malignancy, str(compiled))
    local.init(local.SubprocessRunner(use_venv=False), pipeline_root=str(tmp_path / "artifacts"))
    task = components.load_component_from_file(str(compiled))(library=library_digest(), store=str(tmp_path / "store"))
    found = json.loads((Path(task.output.path) / "candidates.json").read_text())
    best = next(candidate for candidate in found["candidates"] if candidate["id"] == found["best"])
    assert best["status"] == "ok"
    assert best["score"] > 0.95
