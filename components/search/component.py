"""KFP component: evaluate the candidates that suit the task and merge the best into an initial solution."""

from kfp import dsl

from mlestar.components.image import project_image

__all__ = ["search"]


@dsl.component(base_image=project_image(), install_kfp_package=False)
def search(
    scope: dsl.Input[dsl.Artifact],
    train: dsl.Input[dsl.Dataset],
    branch: int,
    fingerprint: str,
    library: str,
    store: str,
    candidates: dsl.Output[dsl.Artifact],
) -> None:
    """Search for an initial solution in the model families of one branch.

    Args:
        scope: Output of the scope component.
        train: Training rows, from the scope component.
        branch: Number of the branch; branches take different model families.
        fingerprint: Fingerprint of the data that the spec names.
        library: Digest of the mlestar source that runs.
        store: Evaluation store, a directory or a bucket URI.
        candidates: The candidates with their scores, programs and out-of-fold predictions.
    """
    from mlestar.stages import run_stage

    run_stage(
        "search",
        {
            "scope_dir": scope.path,
            "train_dir": train.path,
            "candidates_dir": candidates.path,
            "branch": branch,
            "store": store,
        },
    )
