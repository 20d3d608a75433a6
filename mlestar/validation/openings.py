"""How often a holdout was opened: every model that is judged on it makes its scores a little less honest."""

from __future__ import annotations

from mlestar.evaluation.store import files_of_store
from mlestar.validation.outcome import Outcome
from mlestar.validation.subject import Subject

__all__ = ["openings", "record_opening"]

_MANY = 20


def record_opening(store: str, holdout: str, model: str) -> int:
    """Note that a model was judged on a holdout, and count the models that were.

    Parameters
    ----------
    store : str
        URI of the evaluation store; a folder ``openings`` in it holds one empty file per holdout and model.
    holdout, model : str
        Digests. The same model counts once, however often it is judged.
    """
    files = files_of_store(f"{store.rstrip('/')}/openings/{holdout[:32]}")
    files.write(model[:32], b"")
    return len(files.names())


def openings(subject: Subject) -> Outcome | None:
    """How many models were judged on this holdout, as far as the evaluation store remembers."""
    count = subject.source.openings
    if count is None:
        return None
    evidence = {"models": count}
    if count == 1:
        return Outcome("pass", "no other model was judged on this holdout, as far as this store knows", evidence)
    summary = f"{count} models were judged on this holdout, this one included"
    if count > _MANY:
        return Outcome("warn", f"{summary}; choosing among them overfits it, take fresh rows", evidence)
    return Outcome("pass", summary, evidence)
