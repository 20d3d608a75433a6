"""How often a holdout was opened: every model that is judged on it makes its scores a little less honest."""

from __future__ import annotations

from mlestar.storage import Storage
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
    remedy = "see that it is there, or name another with --store, and run the same command again"
    storage = Storage(f"{store.rstrip('/')}/openings/{holdout[:32]}", what="the evaluation store", remedy=remedy)
    storage.write(model[:32], b"")
    return len(storage.names())


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
