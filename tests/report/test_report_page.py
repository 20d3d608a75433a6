"""The report as its reader has it: whole, offline, safe against what the data says, and the same every time."""

from __future__ import annotations

import base64
import copy
import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from mlestar.errors import DataError
from mlestar.report import Run, render
from mlestar.report.curves import curves
from mlestar.report.inputs import columns
from mlestar.report.lineage import ancestry
from mlestar.report.search import contributions
from mlestar.report.story import tiles, worries

HOSTILE = "<script>alert(1)</script>"
VOID = {"meta", "br", "hr", "img", "link", "input"}

Read = Callable[[str], Run]


class Document(HTMLParser):
    """What a browser makes of the page: elements with attributes, the visible text, and tags that were left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.text += data

    def ids(self) -> set[str | None]:
        return {attributes["id"] for _, attributes in self.elements if "id" in attributes}

    def charts(self) -> list[str]:
        return [str(attributes["aria-label"]) for tag, attributes in self.elements if tag == "svg"]


def with_columns(run: Run, names: list[str]) -> Run:
    """``run`` with further columns of these names."""
    task = run.scope["task"]
    column = task["columns"][0]
    more = [{**column, "name": name, "role": "text", "note": name} for name in names]
    return replace(run, scope={**run.scope, "task": {**task, "columns": [*task["columns"], *more]}})


def with_candidates(run: Run, count: int) -> Run:
    """``run`` with so many further candidates, some of which failed."""
    first = run.candidates["candidates"][0]
    more = [
        {**first, "id": f"{n:012x}", "name": f"candidate {n} " + "of a long name " * (n % 7), "order": 100 + n,
         "elapsed": 0.5 * n, "score": None if n % 9 == 0 else first["score"] - n / 1e4,
         "status": "failed" if n % 9 == 0 else "ok", "reason": "ValueError: NaN" if n % 9 == 0 else None}
        for n in range(count)
    ]  # fmt: skip
    return replace(run, candidates={**run.candidates, "candidates": [*run.candidates["candidates"], *more]})


@pytest.mark.parametrize("name", ["breast_cancer", "diabetes", "digits"])
def test_page_is_whole_and_says_what_the_run_did(read: Read, name: str) -> None:
    run = read(name)
    document = Document(render(run))
    assert not document.open
    sections = {"summary", "checks", "curves", "importance", "search", "ablations", "refinements", "ensemble", "data"}
    assert sections | {"budget", "program", "lineage"} <= document.ids()
    assert run.verdict is not None
    assert run.score_format(run.verdict["score"]) in document.text
    for candidate in run.tried:
        assert candidate["name"] in document.text
    for check in run.verdict["checks"]:
        assert check["title"] in document.text
    assert run.model["model_sha256"] in document.text


def test_curves_suit_the_type_of_the_task(read: Read) -> None:
    binary, regression = (Document(render(read(name))).charts() for name in ("breast_cancer", "diabetes"))
    assert {"Receiver operating characteristic", "Precision against recall"} <= set(binary)
    assert {"Predicted against observed frequency", "True against predicted classes"} <= set(binary)
    assert {"True against predicted target", "Residuals of target"} <= set(regression)
    assert not any("classes" in title for title in regression)


def test_every_link_stays_in_the_page(read: Read) -> None:
    page = render(read("breast_cancer"))
    document = Document(page)
    for _, attributes in document.elements:
        assert not {"src", "srcset", "data", "action", "xlink:href", "style"} & attributes.keys()
        if href := attributes.get("href"):
            assert href.removeprefix("#") in document.ids()
    assert not re.search(r"url\(|@import|https?://", page)


def test_policy_lets_only_the_own_style_and_script_act(read: Read) -> None:
    page = render(read("breast_cancer"))
    for tag in ("style", "script"):
        (content,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        policy = next(a["content"] for t, a in Document(page).elements if t == "meta" and "http-equiv" in a)
        assert f"{tag}-src 'sha256-{digest}'" in str(policy)


def test_text_from_the_data_stays_text(read: Read) -> None:
    run = with_columns(read("breast_cancer"), [HOSTILE])
    names = {
        "name": HOSTILE,
        "block": HOSTILE,
        "variant": HOSTILE,
        "reason": HOSTILE,
        "summary": HOSTILE,
        "method": HOSTILE,
    }

    def poisoned(value: Any) -> Any:
        if isinstance(value, dict):
            return {k: names[k] if k in names and isinstance(v, str) else poisoned(v) for k, v in value.items()}
        return [poisoned(each) for each in value] if isinstance(value, list) else value

    assert run.verdict is not None
    verdict = poisoned(copy.deepcopy(dict(run.verdict)))
    verdict["curves"]["confusion"]["classes"] = [HOSTILE, '"><img src=x onerror=alert(1)>']
    verdict["checks"][0]["evidence"] = {HOSTILE: [{HOSTILE: HOSTILE}]}
    verdict["profile"][HOSTILE] = {"values": [HOSTILE, None], "train": [1, 2], "holdout": [2, 1]}
    evidence = next(check for check in verdict["checks"] if check["id"] == "importance")["evidence"]
    evidence["columns"][0]["column"] = HOSTILE
    evidence["columns_without_effect"] = [HOSTILE]
    run = replace(
        run, scope={**run.scope, "warnings": [HOSTILE]}, verdict=verdict, candidates=poisoned(dict(run.candidates)),
        history=poisoned(dict(run.history)), ensemble=poisoned(dict(run.ensemble)), final_program=f"# {HOSTILE}\n",
    )  # fmt: skip
    document = Document(render(run))
    assert [tag for tag, _ in document.elements].count("script") == 1
    assert not any(name.startswith("on") for _, attributes in document.elements for name in attributes)
    assert "img" not in {tag for tag, _ in document.elements}
    assert HOSTILE in document.text


def test_same_run_gives_the_same_bytes(recorded: Callable[[str], Path], read: Read) -> None:
    """Also in other processes, where sets have another order."""
    root = recorded("diabetes")
    code = f"""
from pathlib import Path
from mlestar.report import Run, render
root = Path({str(root)!r})
run = Run.read(scope=root / "scope", model=root / "model", verdict=root / "verdict.json", final=root / "final")
print(render(run))
"""
    pages = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONHASHSEED": seed}, capture_output=True, check=True
        ).stdout
        for seed in ("1", "2")
    }
    assert pages == {render(read("diabetes")).encode() + b"\n"}


def test_only_what_is_there_is_shown(read: Read) -> None:
    run = read("breast_cancer")
    first = run.candidates["candidates"][0]
    bare = replace(
        run, verdict=None, final=None, final_program=None, history={"ablations": [], "refinements": [], "spent": []},
        candidates={"best": first["id"], "candidates": [first]},
        ensemble={"method": "best", "candidates": [], "members": run.ensemble["members"][:1]},
    )  # fmt: skip
    document = Document(render(bare))
    assert "Not judged yet" in document.text
    assert not {"checks", "curves", "ablations", "refinements"} & document.ids()


def test_refusal_names_its_reason(read: Read) -> None:
    run = read("breast_cancer")
    verdict = copy.deepcopy(dict(run.verdict or {}))
    verdict["verdict"] = "refused"
    verdict["checks"][0] |= {"status": "fail", "summary": "0.9931 is below 0.9990, which the spec demands"}
    document = Document(render(replace(run, verdict=verdict, final=None, final_program=None)))
    assert "Refused" in document.text
    assert "Better than the trivial baseline: 0.9931 is below 0.9990, which the spec demands." in document.text


def test_large_runs_stay_small_files(read: Read) -> None:
    names = [f"column {HOSTILE} {n}" for n in range(2000)]
    counts = {"edges": [n / 7 for n in range(17)], "train": [*range(16)], "holdout": [*range(16, 0, -1)]}
    run = with_candidates(with_columns(read("digits"), names), 3000)
    page = render(replace(run, verdict={**(run.verdict or {}), "profile": dict.fromkeys(names, counts)}))
    assert len(page.encode()) < 3_000_000
    assert not Document(page).open


def test_a_refinement_is_shown_as_a_difference(read: Read) -> None:
    run = read("breast_cancer")
    (accepted,) = [each for each in run.history["refinements"] if each["accepted"]]
    assert accepted["block"] == "encode"
    page = render(run)
    removed = re.findall(r'<span class="line removed">(.*)', page)
    added = re.findall(r'<span class="line added">(.*)', page)
    assert any("StandardScaler" in line for line in removed)
    assert any("QuantileTransformer" in line for line in added)
    without = Document(render(replace(run, programs={})))
    assert "not at hand" in without.text


def test_failed_candidates_rank_last_with_their_reason(read: Read) -> None:
    run = read("diabetes")
    scores = [candidate["score"] for candidate in run.rank(run.tried)]
    assert scores[-1] is None
    assert scores[:-1] == sorted(scores[:-1])
    assert "fold 0 took more than 20 s" in Document(render(run)).text


def test_reading_an_absent_directory_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"scope\.json|history\.json"):
        Run.read(scope=tmp_path, model=tmp_path)


def test_figures_say_where_they_come_from_and_how_sure_they_are(read: Read) -> None:
    run = read("diabetes")
    error = run.score_format(run.ensemble["candidates"][0]["standard_error"])
    by_label = {tile.label: tile.note for tile in tiles(run)}
    assert by_label["rmse on the holdout"].startswith("95 % interval ")
    assert by_label["rmse in cross-validation"].startswith(f"± {error} standard error; 5-fold")


def test_intervals_say_how_they_were_made(read: Read) -> None:
    run = read("diabetes")
    text = Document(render(run)).text
    rows = (run.verdict or {})["rows"]
    made = "lines are 95 % bootstrap intervals (percentiles of 100 resamples of rows)"
    assert f"Holdout: {rows} rows, the same for all models; {made}." in text
    assert "corrected for the training rows that they have in common" in text


def test_a_score_without_a_mistake_has_no_interval_but_a_bound(read: Read) -> None:
    run = read("digits")
    verdict = {**(run.verdict or {}), "score": 1.0, "interval": None, "rows": 48}
    verdict["curves"] = {**verdict["curves"], "confusion": {"classes": ["0", "1"], "matrix": [[24, 0], [0, 24]]}}
    note = tiles(replace(run, verdict=verdict))[0].note
    assert note.startswith("no row is wrong, which a model that errs in 6.1 % of all rows manages one time in 20")


def test_checks_that_were_not_run_for_one_reason_are_one_worry(read: Read) -> None:
    run = read("digits")
    check = {"severity": "error", "status": "not_run", "summary": "the budget left no time for it", "evidence": {}}
    checks = [check | {"id": title, "title": title} for title in ("Latency", "Missing values")]
    found = worries(replace(run, verdict={**(run.verdict or {}), "checks": checks}))
    assert found[0].title == "2 checks"
    assert found[0].text == "the budget left no time for it. They are: Latency; Missing values"


def test_a_run_without_a_sandbox_says_so(read: Read) -> None:
    run = read("digits")
    for mode, told in (("namespaces", False), ("none", True)):
        verdict = {**(run.verdict or {}), "environment": {"sandbox": mode}}
        assert any(each.title == "The sandbox" for each in worries(replace(run, verdict=verdict))) is told


def test_commands_name_the_tables_that_the_program_asks_for(read: Read) -> None:
    run = read("diabetes")
    assert "--table" not in Document(render(run)).text
    table = {"name": "visits", "keys": ["patient"], "columns": []}
    with_tables = replace(run, scope={**run.scope, "task": {**run.task, "tables": [table]}})
    text = Document(render(with_tables)).text
    assert "fit train.csv --table NAME=FILE ... --model model.skops" in text
    assert "predict data.csv --table NAME=FILE ... --model model.skops" in text


def test_that_no_baseline_has_to_be_beaten_is_shown_as_the_choice_that_it_is(read: Read) -> None:
    run = read("diabetes")
    spec = {**run.scope["spec"], "objective": {"beat": [], "at_least": None}}
    text = Document(render(replace(run, scope={**run.scope, "spec": spec}))).text
    assert "objective:\n  beat: []" in text
    assert "at_least" not in text


def test_values_that_only_one_row_has_are_not_listed(read: Read) -> None:
    run = read("digits")
    name = run.task["columns"][0]["name"]
    for top, shown in (([["0001-AB", 1], ["0002-CD", 1]], []), ([["yes", 7], ["no", 1]], ["yes (7), no (1)"])):
        scope = {**run.scope, "statistics": {name: {"storage": "string", "top": top}}}
        assert [text for _, text in columns(replace(run, scope=scope))[0].statistics] == shown


def test_recall_and_precision_come_with_the_rows_that_they_were_counted_on(read: Read) -> None:
    run = read("breast_cancer")
    figure = next(each for each in curves(run) if each.title == "Confusion matrix")
    (table,) = figure.tables
    matrix = (run.verdict or {})["curves"]["confusion"]["matrix"]
    by_name = {row[0]: row[1:] for row in table.rows}
    found, of, given = matrix[1][1], sum(matrix[1]), matrix[0][1] + matrix[1][1]
    recall, precision = by_name["benign"]
    assert recall == f"{100 * found / of:.1f} % ({found} of {of})"
    assert precision == f"{100 * found / given:.1f} % ({found} of {given})"


def test_gain_over_the_plain_baseline_is_judged_on_the_same_rows(read: Read) -> None:
    run = read("diabetes")
    evidence = {"gain_interval": [1.5, 12.0], "confidence": 0.95}
    paired = {**(run.verdict or {})["checks"][0], "id": "plain_baseline", "evidence": evidence}
    run = replace(run, verdict={**(run.verdict or {}), "checks": [paired]})
    (note,) = [tile.note for tile in tiles(run) if "plain baseline" in tile.label]
    assert note.endswith("95 % interval of the gain, on the same rows: +1.50 to +12.00")


def test_scores_over_time_are_drawn_for_time_ordered_tasks(read: Read) -> None:
    run = read("diabetes")
    scores = {"judged": [50.0, None, 55.0], "plain": [60.0, 61.0, 62.0]}
    start, end = (["2011-01-01T00:00:00", f"2011-02-0{day}T00:00:00", "2011-03-01T00:00:00"] for day in (1, 2))
    by_time = {"start": start, "end": end, "rows": [40, 40, 41], "scores": scores}
    verdict = {**(run.verdict or {}), "curves": {**(run.verdict or {})["curves"], "over_time": by_time}}
    page = render(replace(run, verdict=verdict))
    assert "rmse over time" in Document(page).charts()
    assert "this solution, 2011-03-01 to 2011-03-01, 41 rows: 55.00" in page
    assert "rmse over time" not in Document(render(run)).charts()
    assert "Grey: the plain baseline" in page
    by_time["scores"] = {"judged": scores["judged"]}
    assert "Grey: the plain baseline" not in render(replace(run, verdict=verdict))


def test_what_the_predictions_rest_on_is_said_first_and_drawn(read: Read) -> None:
    document = Document(render(read("diabetes")))
    assert "Holdout rmse lost when a column is permuted" in document.charts()
    assert "Permuting each costs" in document.text


def test_importance_that_was_not_measured_is_visible_with_its_reason(read: Read) -> None:
    run = read("diabetes")
    checks = copy.deepcopy((run.verdict or {})["checks"])
    for check in checks:
        if check["id"] == "importance":
            check |= {"status": "not_run", "summary": "permuting 10 columns takes some 80 s", "evidence": {}}
    document = Document(render(replace(run, verdict={**(run.verdict or {}), "checks": checks})))
    assert "Not measured: permuting 10 columns takes some 80 s." in document.text


def test_every_profiled_column_has_its_distribution(read: Read) -> None:
    run = read("diabetes")
    charts = Document(render(run)).charts()
    for name in (run.verdict or {})["profile"]:
        assert any(title.startswith(f"{name}: ") for title in charts)


def test_members_are_traced_back_to_where_they_came_from(read: Read) -> None:
    run = read("breast_cancer")
    first, last = (run.history["refinements"][0][side] for side in ("before", "after"))
    listed = [each | {"parent": first} if each["id"] == last else each for each in run.candidates["candidates"]]
    run = replace(run, candidates={**run.candidates, "candidates": listed})
    chain = next(chain for chain in ancestry(run) if chain[-1].id == last)
    assert [each.id for each in chain] == [first, last]


def test_contributions_lead_from_the_plain_baseline_to_what_ships(read: Read) -> None:
    run = read("breast_cancer")
    first, *stages, last = contributions(run)
    assert (first.stage, last.stage) == ("plain baseline", "ensemble")
    assert [each.stage for each in stages][:1] == ["search"]
    assert all(each.gain is None or each.gain >= 0 for each in stages)
    assert last.score == run.model["score"]


def test_a_candidate_by_itself_is_no_ensemble_that_was_tried(read: Read) -> None:
    run = read("breast_cancer")
    [weighted, best] = run.ensemble["candidates"]
    ids = [member["id"] for member in run.ensemble["members"]]
    ways = [weighted | {"members": ids}, best | {"members": ids[:1]}]
    run = replace(run, ensemble={**run.ensemble, "candidates": ways})
    assert contributions(run)[-1].tried == 1
