"""The rows that ship with a program."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pandas as pd

from mlestar.data.infer import infer_task
from mlestar.data.sources import typed
from mlestar.data.tables import write_arrow
from mlestar.data.target import target_frame, target_values
from mlestar.spec import parse_scope
from mlestar.stages.sample import draw_sample


def test_a_text_with_any_line_end_is_one_row(bench_data: Path, tmp_path: Path) -> None:
    messages = pd.read_csv(bench_data / "sms-spam" / "train.csv", nrows=200)
    for place, end in enumerate(("\r", "\n", "\r\n", '"\r')):
        messages.loc[messages.index % 7 == place, "text"] = f"first{end}second" + messages["text"]
    spec = {"apiVersion": "mlestar/v1", "kind": "Scope", "name": "sms", "data": {"train": "train.csv"}}
    task, _, _ = infer_task(parse_scope(json.dumps({**spec, "task": {"target": "type"}})).scope, messages)
    rows = typed(messages, task.storage)
    write_arrow(rows[list(task.features)], tmp_path / "features.arrow")
    write_arrow(target_frame(target_values(rows, task), None), tmp_path / "target.arrow")
    sample = draw_sample(task, tmp_path, grouped=False, with_tables=False)
    read = pd.read_csv(io.StringIO(sample.csv, newline=""))
    assert set(read["text"]) == set(sample.features["text"]) <= set(messages["text"])
