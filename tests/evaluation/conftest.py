"""Worker servers, one per sandbox mode, and programs that follow the contract but are up to something."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mlestar.data.tables import write_arrow
from mlestar.errors import MlestarError
from mlestar.evaluation import Server, Workers, connect, start_server

PROGRAM = """
import ctypes, os, signal, socket, sys, time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import skops.io
from sklearn.base import BaseEstimator

CLASSES = {classes}


@dataclass(frozen=True)
class Context:
    seed: int = 0
    threads: int = 0


CONTEXT = Context()
{helpers}

class Solution(BaseEstimator):
    def fit(self, X, y, groups=None):
{fit}
        return self

    def predict_proba(self, X):
{predict_proba}

    def predict(self, X):
{predict}


class Combination(BaseEstimator):
    def fit(self, stack, y):
{combine}


def save(model, path):
    skops.io.dump(model, path)


def load(path):
    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))
"""

Program = Callable[..., str]


@pytest.fixture(scope="session")
def program() -> Program:
    """``program(fit="...", predict="...")``: a script with these lines in the methods, and ``helpers`` above them."""

    def make(
        *,
        fit: str = "pass",
        predict: str = "return np.zeros(len(X))",
        predict_proba: str = "return np.full((len(X), len(CLASSES)), 1 / len(CLASSES))",
        combine: str = "pass",
        helpers: str = "",
        classes: tuple[object, ...] = (),
    ) -> str:
        def body(code: str, depth: int) -> str:
            return textwrap.indent(textwrap.dedent(code).strip(), " " * depth)

        methods = {"fit": body(fit, 8), "predict": body(predict, 8), "predict_proba": body(predict_proba, 8)}
        return PROGRAM.format(**methods, combine=body(combine, 8), helpers=textwrap.dedent(helpers), classes=classes)

    return make


@pytest.fixture(scope="session")
def server_in() -> Iterator[Callable[[str], Server]]:
    """``server_in(mode)``: a worker server with two cores; skips where the machine refuses the mode."""
    with ExitStack() as stack:
        servers: dict[str, Server | MlestarError] = {}

        def get(mode: str) -> Server:
            if mode not in servers:
                try:
                    servers[mode] = stack.enter_context(start_server(2, mode=mode))
                except MlestarError as error:
                    servers[mode] = error
            server = servers[mode]
            if isinstance(server, MlestarError):
                pytest.skip(str(server))
            return server

        yield get


@pytest.fixture
def workers(server_in: Callable[[str], Server]) -> Workers:
    """Workers in the strongest mode."""
    return connect(server_in("namespaces").address)


@pytest.fixture(params=["namespaces", "landlock"])
def any_workers(request: pytest.FixtureRequest, server_in: Callable[[str], Server]) -> Workers:
    """Workers in each mode that promises isolation."""
    return connect(server_in(request.param).address)


@pytest.fixture(scope="session")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Features and target of a small regression: 30 rows."""
    folder = tmp_path_factory.mktemp("tables")
    features = pd.DataFrame({"number": np.arange(30.0)})
    write_arrow(features, folder / "features.arrow")
    write_arrow(pd.DataFrame({"target": np.arange(30.0) * 2}), folder / "target.arrow")
    return folder / "features.arrow", folder / "target.arrow"
