"""KFP component: open the holdout and decide whether the model may ship."""

from kfp import dsl

from mlestar.components.image import project_image

__all__ = ["validate"]


@dsl.component(base_image=project_image(), install_kfp_package=False)
def validate(
    scope: dsl.Input[dsl.Artifact],
    train: dsl.Input[dsl.Dataset],
    holdout: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    fingerprint: str,
    library: str,
    store: str,
    verdict: dsl.Output[dsl.Artifact],
    report: dsl.Output[dsl.HTML],
    metrics: dsl.Output[dsl.Metrics],
    classification: dsl.Output[dsl.ClassificationMetrics],
    score: dsl.OutputPath(float),  # type: ignore[valid-type]
) -> str:
    """Judge the model on rows that nothing before has seen.

    The verdict is the component's single return value, because kfp.local resolves no other output in a dsl.If.

    Args:
        scope: Output of the scope component.
        train: Training rows, from the scope component.
        holdout: Holdout rows, from the scope component.
        model: The judged model, from the ensemble component.
        fingerprint: Fingerprint of the data that the spec names.
        library: Digest of the mlestar source that runs.
        store: Evaluation store, a directory or a bucket URI.
        verdict: verdict.json, with every check and its evidence.
        report: The report, one HTML file.
        metrics: Scores as numbers.
        classification: ROC curve and confusion matrix, for classification.
        score: The score on the holdout; the worst number there is where the model could not predict it.

    Returns:
        "blessed" or "refused".
    """
    from pathlib import Path

    from mlestar.components.outputs import publish_metrics, publish_report, publish_score
    from mlestar.files import read_json
    from mlestar.stages import run_stage

    run_stage(
        "validate",
        {
            "scope_dir": scope.path,
            "train_dir": train.path,
            "holdout_dir": holdout.path,
            "model_dir": model.path,
            "verdict_dir": verdict.path,
            "store": store,
        },
    )
    publish_report(verdict.path, report)
    publish_metrics(verdict.path, metrics, classification)
    publish_score(verdict.path, score)
    return str(read_json(Path(verdict.path) / "verdict.json")["verdict"])
