"""What an evaluation costs beyond the candidate's own fit and predict, with warm workers.

    python benchmarks/overhead.py

Prints the median over many sessions, each on its own: from asking for a core until the session is closed, without the
seconds that the fit and the prediction took.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sklearn.datasets import load_breast_cancer

from mlestar.data.tables import write_arrow
from mlestar.evaluation import Limits, connect, start_server

PROGRAM = """
from dataclasses import dataclass

from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression

CLASSES = (0, 1)


@dataclass(frozen=True)
class Context:
    seed: int = 0
    threads: int = 1


CONTEXT = Context()


class Solution(BaseEstimator):
    def fit(self, X, y, groups=None):
        self.model_ = LogisticRegression(max_iter=10).fit(X, y.astype(int))
        return self

    def predict_proba(self, X):
        return self.model_.predict_proba(X)

    def predict(self, X):
        return self.model_.predict(X)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--mode", choices=["namespaces", "landlock", "none"])
    arguments = parser.parse_args()
    features, target = load_breast_cancer(return_X_y=True, as_frame=True)
    overheads, works = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_arrow(features, folder / "features.arrow")
        write_arrow(target.to_frame("target"), folder / "target.arrow")
        started = time.monotonic()
        with start_server(1, mode=arguments.mode) as server:
            ready = time.monotonic() - started
            workers = connect(server.address)
            for _ in range(arguments.sessions):
                started = time.monotonic()
                with workers.session(PROGRAM, seed=0, threads=1, limits=Limits(60, 1000)) as session:
                    work = session.fit(folder / "features.arrow", folder / "target.arrow").seconds
                    work += session.predict(folder / "features.arrow").seconds
                overheads.append(time.monotonic() - started - work)
                works.append(work)
    sys.stdout.write(
        f"mode {server.mode}, {arguments.sessions} sessions: overhead {statistics.median(overheads) * 1000:.1f} ms, "
        f"fit and predict {statistics.median(works) * 1000:.1f} ms (medians); the server was ready in {ready:.1f} s\n"
    )


if __name__ == "__main__":
    main()
