"""The STAR pipeline: scope -> branches of search and (ablate -> refine) x T -> ensemble -> validate -> finalize."""

from typing import List, NamedTuple  # noqa: UP035

from kfp import dsl
from kfp.dsl.base_component import BaseComponent

from mlestar.components.ablate import ablate
from mlestar.components.ensemble import ensemble
from mlestar.components.finalize import finalize
from mlestar.components.refine import refine
from mlestar.components.scope import scope
from mlestar.components.search import search
from mlestar.components.validate import validate

__all__ = ["build"]


class Outputs(NamedTuple):
    """What a run leaves; the model that ships comes out of finalize, which a refused run does not reach."""

    verdict: str
    score: float
    scope: dsl.Artifact
    model: dsl.Model
    evidence: dsl.Artifact


def build(outer_steps: int = 2) -> BaseComponent:
    """The pipeline with ``outer_steps`` rounds of ablate and refine, which are nodes of the DAG.

    The rounds are unrolled, because every one needs the output of the one before and KFP has no sequential loop.
    Branches are a parameter of the run, so that one compiled pipeline serves any number of them.
    """

    @dsl.pipeline(
        name="star",
        description="Turns a scope spec and data into a validated model and its program, or into a refusal.",
    )
    def star(spec: str, fingerprint: str, library: str, branches: List[int], store: str) -> Outputs:  # noqa: UP006
        """Run the STAR stages.

        Args:
            spec: The scope spec, as YAML or JSON text.
            fingerprint: Fingerprint of the data that the spec names, so that changed data is not taken for the same.
            library: Digest of the mlestar source that runs, so that changed code is not taken for the same.
            branches: Numbers of the branches, for example [0, 1].
            store: Evaluation store, a directory or a bucket URI.
        """
        same = {"fingerprint": fingerprint, "library": library, "store": store}
        scoped = scope(spec=spec, **same)
        rows = {"scope": scoped.outputs["scope"], "train": scoped.outputs["train"]}

        with dsl.ParallelFor(branches, name="branches") as branch:
            of_branch = {**rows, **same, "branch": branch}
            candidates = search(**of_branch).outputs["candidates"]
            for step in range(1, outer_steps + 1):
                ablated = ablate(candidates=candidates, step=step, **of_branch).set_display_name(f"ablate-{step}")
                refined = refine(ablated=ablated.outputs["ablated"], step=step, **of_branch)
                candidates = refined.set_display_name(f"refine-{step}").outputs["refined"]

        model = ensemble(branches=dsl.Collected(candidates), **rows, **same).outputs["model"]
        judged = {**rows, **same, "holdout": scoped.outputs["holdout"], "model": model}
        validated = validate(**judged)
        with dsl.If(validated.outputs["Output"] == "blessed", name="blessed"):
            finalize(verdict=validated.outputs["verdict"], **judged)
        return Outputs(
            verdict=validated.outputs["Output"],
            score=validated.outputs["score"],
            scope=scoped.outputs["scope"],
            model=model,
            evidence=validated.outputs["verdict"],
        )

    return star
