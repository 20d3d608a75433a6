"""Benchmarks compare what they say they compare."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest


@pytest.fixture(autouse=True)
def importable(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The modules of the benchmarks, which are scripts."""
    for folder in ("benchmarks", "benchmarks/peers"):
        monkeypatch.syspath_prepend(str(checkout / folder))


def job(bench_data: Path, name: str, **changes: Any) -> Any:
    from job import Job

    document = {"data": bench_data / name, "out": bench_data, "kind": "regression", "metric": "rmse", "seconds": 60.0}
    return Job(**document | {"started": 0.0, "seed": 0, "cores": 2, "drop": []} | changes)


def test_peers_are_given_dates_as_dates_and_texts_as_texts(bench_data: Path) -> None:
    train, _, test = job(bench_data, "nyc-taxi-fare", target="fare").tables()
    for table in (train, test):
        assert list(table.select_dtypes("datetime").columns) == ["pickup"]
        assert table["pickup"].notna().all()
    assert not pd.api.types.is_numeric_dtype(train["pickup_zone"])


def test_of_two_classes_the_second_in_alphabetical_order_is_the_positive_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In whatever order a system has them."""
    import scores

    labels = pd.Series(["spam", "ham", "spam", "ham", "ham"], name="type")
    (tmp_path / "mail").mkdir()
    for name in ("train", "test_labels"):
        labels.to_frame().to_csv(tmp_path / "mail" / f"{name}.csv", index=False)
    monkeypatch.setattr(scores, "DATA", tmp_path)
    found = {"prediction": ["ham", *labels[1:]], "probability_spam": [0.4, 0.1, 0.9, 0.2, 0.3]}
    pd.DataFrame(found).assign(probability_ham=lambda own: 1 - own["probability_spam"]).to_csv(
        tmp_path / "predictions.csv", index=False
    )
    task = {"kind": "binary", "target": "type"}
    expected = {"f1": 2 / 3, "roc_auc": 1.0}
    for metric, score in expected.items():
        assert scores.score_of("mail", task | {"metric": metric}, tmp_path / "predictions.csv") == pytest.approx(score)


def test_a_failed_seed_is_no_seed_on_which_mlestar_is_better() -> None:
    from summary import plain_table

    rows = pd.DataFrame(
        {"task": "a", "system": ["mlestar", "mlestar", "plain"], "seed": [0, 1, 0], "score": [0.93, None, 0.90]}
    )
    (row,) = plain_table(rows, {"a": {"direction": "max", "metric": "roc_auc"}}).splitlines()[2:]
    assert "always" not in row and "on average" in row


def test_scores_by_budget_need_no_second_seed() -> None:
    from summary import budget_table

    one = pd.DataFrame({"task": "a", "budget": [30.0, 60.0], "seed": 0, "score": [0.80, 0.90]})
    both = pd.concat([one, one.assign(seed=1, score=[0.82, 0.92])])
    for rows, lines in ((one, 2), (both, 3)):
        table = budget_table(rows, {"a": {"metric": "roc_auc"}}, {"a": 0.5}).splitlines()[2:]
        assert len(table) == lines
        assert table[1].startswith("| mean of the leads | % |")
        assert "nan" not in "".join(table)


def test_data_may_lie_in_a_folder_that_is_named_from_here(checkout: Path, bench_data: Path) -> None:
    """Systems run in folders of their own, where another place would have that name."""
    found = "import sys; sys.path.insert(0, 'benchmarks'); import systems; print(systems.DATA)"
    environment = {**os.environ, "MLESTAR_BENCH_DATA": os.path.relpath(bench_data, checkout)}
    printed = subprocess.check_output([sys.executable, "-c", found], cwd=checkout, env=environment, text=True)
    assert Path(printed.strip()) == bench_data.resolve()


def test_memory_is_that_of_the_command(checkout: Path, tmp_path: Path) -> None:
    """Linux hands what a process had on to those that it starts."""
    held = "held = bytearray(300_000_000); import subprocess, sys; subprocess.run(sys.argv[1:], check=True)"
    watch = [sys.executable, str(checkout / "benchmarks" / "watch.py"), str(tmp_path / "peak"), "true"]
    subprocess.run([sys.executable, "-c", held, *watch], check=True)
    assert int((tmp_path / "peak").read_text()) < 50_000
