"""Compiling the pipeline and the components to the YAML that orchestrators read."""

from __future__ import annotations

import re
import tempfile
from importlib.resources import files
from pathlib import Path

__all__ = ["compile_pipeline", "compiled_assets", "stale_assets"]


def compile_pipeline(path: Path, outer_steps: int) -> None:
    """Write the STAR pipeline with ``outer_steps`` rounds of ablate and refine to ``path``, as one YAML document."""
    from kfp.compiler import Compiler

    from mlestar.pipelines.star import build

    Compiler().compile(build(outer_steps), str(path))


def compiled_assets(outer_steps: int) -> dict[Path, str]:
    """What the compiled files of the project hold when they are up to date, by path."""
    from kfp.compiler import Compiler

    from mlestar.components.ablate import ablate
    from mlestar.components.ensemble import ensemble
    from mlestar.components.finalize import finalize
    from mlestar.components.refine import refine
    from mlestar.components.scope import scope
    from mlestar.components.search import search
    from mlestar.components.validate import validate
    from mlestar.pipelines.star import build

    components, pipelines = (Path(str(files(f"mlestar.{name}"))) for name in ("components", "pipelines"))
    stages = (scope, search, ablate, refine, ensemble, validate, finalize)
    assets = {components / stage.name / "component.yaml": stage for stage in stages}
    assets[pipelines / "star" / "star.yaml"] = build(outer_steps)
    with tempfile.TemporaryDirectory() as scratch:
        compiled = Path(scratch) / "compiled.yaml"
        texts = {}
        for path, asset in assets.items():
            Compiler().compile(asset, str(compiled))
            texts[path] = compiled.read_text(encoding="utf-8")
    return texts


def stale_assets(outer_steps: int) -> list[Path]:
    """The compiled files that are absent or do not say what the source says; the version of the SDK is ignored."""
    return [
        path
        for path, text in compiled_assets(outer_steps).items()
        if not path.is_file() or _without_version(path.read_text(encoding="utf-8")) != _without_version(text)
    ]


def _without_version(text: str) -> str:
    return re.sub(r"^sdkVersion: .*$", "", text, flags=re.MULTILINE)
