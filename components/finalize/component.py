"""KFP component: fit the blessed solution on all rows and ship it."""

from kfp import dsl

from mlestar.components.image import project_image

__all__ = ["finalize"]


@dsl.component(base_image=project_image(), install_kfp_package=False)
def finalize(
    scope: dsl.Input[dsl.Artifact],
    train: dsl.Input[dsl.Dataset],
    holdout: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    verdict: dsl.Input[dsl.Artifact],
    fingerprint: str,
    library: str,
    store: str,
    final: dsl.Output[dsl.Model],
    report: dsl.Output[dsl.HTML],
) -> None:
    """Refit the judged solution on all rows, holdout included, and check that it still agrees with the judged model.

    Args:
        scope: Output of the scope component.
        train: Training rows, from the scope component.
        holdout: Holdout rows, from the scope component.
        model: The judged model, from the ensemble component.
        verdict: The blessing, from the validate component.
        fingerprint: Fingerprint of the data that the spec names.
        library: Digest of the mlestar source that runs.
        store: Evaluation store, a directory or a bucket URI.
        final: The model that ships: solution.py, its fitted state and the lineage of both.
        report: The report, one HTML file.
    """
    from mlestar.components.outputs import publish_report
    from mlestar.stages import run_stage

    run_stage(
        "finalize",
        {
            "scope_dir": scope.path,
            "train_dir": train.path,
            "holdout_dir": holdout.path,
            "model_dir": model.path,
            "verdict_dir": verdict.path,
            "final_dir": final.path,
            "store": store,
        },
    )
    publish_report(final.path, report)
    final.metadata["verdict"] = verdict.uri
