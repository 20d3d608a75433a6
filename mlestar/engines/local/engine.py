"""Running a scope on this machine."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlestar.data.preflight import check_test, check_train
from mlestar.digests import library_digest
from mlestar.engines.local.delivery import deliver
from mlestar.engines.local.events import Events
from mlestar.engines.local.folder import RunFolder
from mlestar.engines.local.prediction import predict
from mlestar.engines.local.services import Services, open_services
from mlestar.errors import named
from mlestar.files import read_json, telling_storage_errors
from mlestar.spec import Scope, Source, resolve_uri
from mlestar.stages.environment import DEADLINE

__all__ = ["EngineFailure", "Outcome", "run"]

POLL_SECONDS = 0.1
_AGAIN = "run the same command again: it goes on where it was"
PREDICTING_SECONDS = 2.0  # of the budget, kept for the predictions of data.test

Listener = Callable[[Mapping[str, Any]], None]


class EngineFailure(RuntimeError):
    """A run failed for a reason that is not the user's.

    Parameters
    ----------
    message
        What failed.
    log
        The file that says more.
    """

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(message)
        self.log = log


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a run came to.

    Parameters
    ----------
    folder
        Where everything was delivered.
    blessed
        Whether the model passed validation.
    verdict
        The content of ``verdict.json``.
    predictions
        The file of predictions for ``data.test``, where they were wanted and the model may be used.
    stages_run
        How many stages ran; the others were reused.
    ended_early
        Whether it ended early because it was asked to; the same run, started again, then goes on.
    notes
        What whoever uses the model or its predictions should know: that it lacks the holdout rows, or some of its
        tests, or what of ``data.test`` cannot be read.
    """

    folder: RunFolder
    blessed: bool
    verdict: Mapping[str, Any]
    predictions: Path | None
    stages_run: int
    ended_early: bool
    notes: Sequence[str]


def run(
    scope: Scope,
    out: Path,
    *,
    store: str | None = None,
    unblessed: bool = False,
    started: float | None = None,
    listener: Listener = lambda event: None,
    ending: Callable[[], bool] = lambda: False,
) -> Outcome:
    """Run the STAR pipeline for ``scope`` and deliver what it made into the folder ``out``.

    Whatever an earlier run of the same scope, data and code in this folder has finished is not done again, however that
    run ended. No process that was started here outlives the call.

    Parameters
    ----------
    scope
        The scope, as :func:`mlestar.spec.load_scope` gives it.
    out
        A new folder, or that of an earlier run of the scope.
    store
        Evaluation store, a directory or a bucket URI; by default a directory inside ``out``.
    unblessed
        Whether to predict ``data.test`` even with a model that validation refused.
    started
        The instant (``time.monotonic()``) from which ``budget.wall_clock`` counts; now when not given.
    listener
        Called with every event of :mod:`mlestar.progress`.
    ending
        Asked all the time; from when it says yes, the run ends early: fits of candidates are cut off, nothing more is
        tried, and the best so far is judged and delivered.

    Raises
    ------
    MlestarError
        When the user can mend it: the folder, the data, the spec.
    EngineFailure
        When a stage or the orchestrator failed.
    """
    started = time.monotonic() if started is None else started
    _check(scope)
    folder = RunFolder(out.absolute())
    resolved = json.loads(scope.to_json())
    with telling_storage_errors(), folder.claimed(resolved), open_services(folder) as services:
        if changes := folder.changes(resolved):
            message = f"{folder.out}: the spec has changed since the last run ({', '.join(changes)}), which is replaced"
            listener({"event": "note", "time": time.time(), "message": message})
        request = _request(scope, folder, resolve_uri(store, Path()) if store else str(folder.store))
        deadline = started + scope.budget.wall_clock - (PREDICTING_SECONDS if scope.data.test else 0.0)
        environment = {} if scope.budget.evaluations else {DEADLINE: str(deadline)}
        with contextlib.closing(Events(folder.events)) as events:
            services.start_pipeline(request, environment)
            try:
                stages_run = _follow(services, events, folder, listener, ending)
            except EngineFailure as failure:  # whatever failed first: without its folders, nothing can go on
                raise folder.refusal() or failure from None
        outputs = folder.finished()
        deliver(outputs, folder)
        folder.record_scope(resolved)
        folder.discard_unused()
        blessed, test = outputs["verdict"] == "blessed", scope.data.test
        predictions = folder.predictions if test and (blessed or unblessed) else None
        notes = read_json(folder.model / "model.json")["notes"]
        if test and predictions:
            notes += predict(folder.model, test, predictions, services.workers, unblessed=unblessed).notes
        return Outcome(
            folder=folder,
            blessed=blessed,
            verdict=read_json(Path(outputs["evidence"]) / "verdict.json"),
            predictions=predictions,
            stages_run=stages_run,
            ended_early=folder.ending.exists(),
            notes=notes,
        )


def _check(scope: Scope) -> None:
    """Refuse what names, headers and the presence of files show to be wrong, before anything is started or written."""
    if scope.validation.checks:
        from mlestar.validation import require_known  # imports pandas, which takes half a second

        require_known(scope, Source())
    check_train(scope, Source())
    check_test(scope, Source())


def _request(scope: Scope, folder: RunFolder, store: str) -> dict[str, Any]:
    """What :mod:`mlestar.engines.local.pipeline` is asked for."""
    from mlestar.data.sources import data_fingerprint

    return {
        "compiled": str(folder.compiled),
        "outer_steps": scope.pipeline.outer_steps,
        "arguments": {
            "spec": scope.to_json(),
            "fingerprint": data_fingerprint(scope),
            "library": library_digest(),
            "branches": list(range(scope.pipeline.branches)),
            "store": store,
        },
        "artifacts": str(folder.artifacts),
        "cache": str(folder.cache),
        "outputs": str(folder.outputs),
    }


def _follow(
    services: Services,
    events: Events,
    folder: RunFolder,
    listener: Listener,
    ending: Callable[[], bool],
) -> int:
    """Pass events on until the pipeline has ended, which is told when it is to end early; count the stages that ran.

    Raises
    ------
    MlestarError, EngineFailure
        The error of a stage, as soon as there is one.
    """
    ended, stages = False, 0
    while not ended:
        services.worker_server.check()
        ended = services.pipeline.poll() is not None  # before reading, so that the last events are not missed
        for event in events.new():
            listener(event)
            stages += event["event"] == "stage_finished"
            if event["event"] == "stage_failed":
                raise _error(event, folder.log("kfp"))
        if ending() and not folder.ending.exists():
            folder.end_early()
            listener({"event": "ending_early", "time": time.time()})
        if not ended:
            time.sleep(POLL_SECONDS)
    if services.pipeline.returncode:
        message = f"the pipeline ended with status {services.pipeline.returncode}; {_AGAIN}"
        raise EngineFailure(message, folder.log("kfp"))
    return stages


def _error(event: Mapping[str, Any], log: Path) -> Exception:
    message = f"stage {event['stage']}: {event['error']}: {event['message']}"
    return named(event["error"], event["message"]) or EngineFailure(message, log)
