"""The judged model as it would serve: loaded into a clean process, and asked for predictions."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pandas as pd

from mlestar.data.tables import write_arrow
from mlestar.evaluation import CandidateFailure, Limits, Phase, Predictions, Session, Workers, WorkersLost, insisting

__all__ = ["ServedModel"]


class ServedModel:
    """A fitted model in a worker of its own, which is loaded anew after it failed.

    Parameters
    ----------
    workers : Workers
    program : str
    model : Path
        The saved state.
    seed, threads : int
    limits : callable
        What the next worker may use, asked when it starts.
    scratch : Path
        A private folder.

    Attributes
    ----------
    loaded : Phase
        What loading the model took last.
    sandbox : str or None
        The mode of its last worker (:attr:`mlestar.evaluation.Session.mode`); None before there was one.
    """

    def __init__(
        self,
        workers: Workers,
        program: str,
        model: Path,
        *,
        seed: int,
        threads: int,
        limits: Callable[[], Limits],
        scratch: Path,
    ) -> None:
        self._workers, self._program, self._model = workers, program, model
        self._seed, self._threads, self._limits = seed, threads, limits
        self._scratch = scratch
        self._stack = ExitStack()
        self._session: Session | None = None
        self.loaded = Phase(0.0, 0.0)
        self.sandbox: str | None = None

    def predict(self, features: Path | pd.DataFrame) -> Predictions:
        """Predict for the rows of an Arrow file or of a frame.

        Raises
        ------
        CandidateFailure
        """
        if isinstance(features, pd.DataFrame):
            path = self._scratch / "features.arrow"
            write_arrow(features, path)
            return self.predict(path)
        return insisting(lambda: self._predicted(features))

    def _predicted(self, features: Path) -> Predictions:
        try:
            if self._session is None:
                self._session = self._started()
                self.sandbox = self._session.mode
                self.loaded = self._session.load(self._model)
            return self._session.predict(features)
        except (CandidateFailure, WorkersLost):
            self.close()
            raise

    def _started(self) -> Session:
        return self._stack.enter_context(
            self._workers.session(self._program, seed=self._seed, threads=self._threads, limits=self._limits())
        )

    def close(self) -> None:
        """Give the core back."""
        self._session = None
        self._stack.close()
