"""KFP component: read the scope spec and the data, fix holdout and folds, plan the budget."""

from kfp import dsl

from mlestar.components.image import project_image

__all__ = ["scope"]


@dsl.component(base_image=project_image(), install_kfp_package=False)
def scope(
    spec: str,
    fingerprint: str,
    library: str,
    store: str,
    scope: dsl.Output[dsl.Artifact],
    train: dsl.Output[dsl.Dataset],
    holdout: dsl.Output[dsl.Dataset],
) -> None:
    """Resolve the scope: task, column roles, holdout, folds, baseline and budget plan.

    Args:
        spec: The scope spec, as YAML or JSON text.
        fingerprint: Fingerprint of the data that the spec names.
        library: Digest of the mlestar source that runs.
        store: Evaluation store, a directory or a bucket URI.
        scope: scope.json and plan.json.
        train: Features, target and folds of the training rows.
        holdout: Features and target of the rows that only validate and finalize open.
    """
    from mlestar.stages import run_stage

    run_stage(
        "scope",
        {
            "spec": spec,
            "fingerprint": fingerprint,
            "scope_dir": scope.path,
            "train_dir": train.path,
            "holdout_dir": holdout.path,
            "store": store,
        },
    )
