"""KFP component: improve the block that promises most."""

from kfp import dsl

from mlestar.components.image import project_image

__all__ = ["refine"]


@dsl.component(base_image=project_image(), install_kfp_package=False)
def refine(
    scope: dsl.Input[dsl.Artifact],
    train: dsl.Input[dsl.Dataset],
    ablated: dsl.Input[dsl.Artifact],
    branch: int,
    step: int,
    fingerprint: str,
    library: str,
    store: str,
    refined: dsl.Output[dsl.Artifact],
) -> None:
    """Try plans for one block of the best candidate and accept a gain that is likely real.

    Args:
        scope: Output of the scope component.
        train: Training rows, from the scope component.
        ablated: Output of the ablate component of this step.
        branch: Number of the branch.
        step: Number of the outer step, from 1.
        fingerprint: Fingerprint of the data that the spec names.
        library: Digest of the mlestar source that runs.
        store: Evaluation store, a directory or a bucket URI.
        refined: The candidates, those of this step included.
    """
    from mlestar.stages import run_stage

    run_stage(
        "refine",
        {
            "scope_dir": scope.path,
            "train_dir": train.path,
            "candidates_dir": ablated.path,
            "refined_dir": refined.path,
            "branch": branch,
            "step": step,
            "store": store,
        },
    )
