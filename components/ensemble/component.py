"""KFP component: combine the candidates of all branches and fit the judged model."""

from typing import List  # noqa: UP035  (KFP reads list[Artifact] as a parameter)

from kfp import dsl

from mlestar.components.image import project_image

__all__ = ["ensemble"]


@dsl.component(base_image=project_image(), install_kfp_package=False)
def ensemble(
    scope: dsl.Input[dsl.Artifact],
    train: dsl.Input[dsl.Dataset],
    branches: dsl.Input[List[dsl.Artifact]],  # noqa: UP006
    fingerprint: str,
    library: str,
    store: str,
    model: dsl.Output[dsl.Model],
) -> None:
    """Choose the best solution or combination by nested folds, and fit it on all training rows.

    Args:
        scope: Output of the scope component.
        train: Training rows, from the scope component.
        branches: The last candidates of every branch.
        fingerprint: Fingerprint of the data that the spec names.
        library: Digest of the mlestar source that runs.
        store: Evaluation store, a directory or a bucket URI.
        model: The judged model: solution.py, its fitted state and what it was chosen from.
    """
    from mlestar.stages import run_stage

    run_stage(
        "ensemble",
        {
            "scope_dir": scope.path,
            "train_dir": train.path,
            "branch_dirs": [branch.path for branch in branches],
            "model_dir": model.path,
            "store": store,
        },
    )
