"""KFP component: measure what each block of the best solution contributes."""

from kfp import dsl

from mlestar.components.image import project_image

__all__ = ["ablate"]


@dsl.component(base_image=project_image(), install_kfp_package=False)
def ablate(
    scope: dsl.Input[dsl.Artifact],
    train: dsl.Input[dsl.Dataset],
    candidates: dsl.Input[dsl.Artifact],
    branch: int,
    step: int,
    fingerprint: str,
    library: str,
    store: str,
    ablated: dsl.Output[dsl.Artifact],
) -> None:
    """Swap each block of the best candidate for its null variant, on the same folds.

    Args:
        scope: Output of the scope component.
        train: Training rows, from the scope component.
        candidates: Candidates of this branch, from search or from the refine before.
        branch: Number of the branch.
        step: Number of the outer step, from 1.
        fingerprint: Fingerprint of the data that the spec names.
        library: Digest of the mlestar source that runs.
        store: Evaluation store, a directory or a bucket URI.
        ablated: The candidates, with the effect, standard error and cost of every block.
    """
    from mlestar.stages import run_stage

    run_stage(
        "ablate",
        {
            "scope_dir": scope.path,
            "train_dir": train.path,
            "candidates_dir": candidates.path,
            "ablated_dir": ablated.path,
            "branch": branch,
            "step": step,
            "store": store,
        },
    )
