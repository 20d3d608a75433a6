"""Scales, numbers, differences and charts, for all that can be put into them."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlestar.report.charts import Interval, Point, intervals, thin, trajectory
from mlestar.report.numbers import ScoreFormat, duration, plain
from mlestar.report.source import blocks_of, changes, highlighted
from mlestar.report.svg import Scale, shorten

NUMBERS = st.floats(-1e12, 1e12).filter(lambda x: x == 0 or abs(x) > 1e-9)


@example([1 / 3])
@given(st.lists(NUMBERS | st.none(), max_size=20))
def test_scale_shows_all_values_in_order(values: list[float | None]) -> None:
    scale = Scale.over(values, 10.0, 90.0)
    places = [scale(value) for value in sorted(value for value in values if value is not None)]
    assert places == sorted(places)
    assert all(10.0 <= place <= 90.0 for place in places)
    assert all(scale.low <= value <= scale.high for value, _ in scale.ticks())


@pytest.mark.parametrize(("low", "high", "labels"), [(0.0, 1.0, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
                                                     (-2e4, 1e4, ["−20,000", "−10,000", "0", "10,000"])])  # fmt: skip
def test_ticks_are_round_numbers(low: float, high: float, labels: list[str]) -> None:
    assert [label for _, label in Scale(low, high, 0.0, 1.0).ticks()] == labels


@example([(5e-324, 0.5, 0)], True)
@given(st.lists(st.tuples(st.floats(0, 1e6), NUMBERS | st.none(), st.integers(0, 20)), max_size=30), st.booleans())
def test_trajectory_draws_every_candidate(candidates: list[tuple[float, float | None, int]], greater: bool) -> None:
    points = [Point(x, y, series, "<&>") for x, y, series in candidates]
    root = ElementTree.fromstring(trajectory(points, greater_is_better=greater, title="scores", axis="roc_auc"))
    hints = [element.text for element in root.iter("title")]
    assert hints.count("<&>") == len(candidates)


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=200), st.text("ab <&", max_size=200))
def test_chart_keeps_any_label_whole(label: str, text: str) -> None:
    row = Interval(label, 0.5, 0.4, 0.6, text)
    root = ElementTree.fromstring(intervals([row], title="t", axis="a"))
    assert f"{label}: {text}" in [element.text for element in root.iter("title")]


@given(st.text(min_size=1), st.integers(4, 60))
def test_shortened_text_fits(text: str, characters: int) -> None:
    assert len(shorten(text, characters)) <= characters


@given(st.lists(st.integers(), min_size=1), st.integers(2, 50))
def test_thinning_keeps_both_ends(values: list[int], most: int) -> None:
    kept = thin(values, most)
    assert len(kept) == min(len(values), most)
    assert (kept[0], kept[-1]) == (values[0], values[-1])


def test_scores_are_written_alike() -> None:
    show = ScoreFormat.suited_to([0.9931, None])
    assert [show(0.9), show.signed(0.01234), show.signed(-0.5), show.signed(-1e-9), show(None)] == [
        "0.9000", "+0.0123", "−0.5000", "0.0000", "–"
    ]  # fmt: skip
    assert ScoreFormat.suited_to([71234.5])(71234.5) == "71,234"


def test_numbers_are_written_for_people() -> None:
    assert [plain(each) for each in (True, None, 12345, 0.123456, -3.0, "x")] == [
        "yes", "–", "12,345", "0.1235", "−3", "x"
    ]  # fmt: skip
    assert [duration(each) for each in (0.42, 59.7, 200, 3900, None)] == [
        "0.4 s", "1 min 00 s", "3 min 20 s", "1 h 05 min", "–"
    ]  # fmt: skip


def test_difference_shows_changed_lines_and_counts_the_others() -> None:
    before = "\n".join(f"line_{n} = {n}" for n in range(20))
    lines = changes(before, before.replace("line_10 = 10", "line_10 = 'ten'"))
    assert [line.kind for line in lines] == ["gap", *["same"] * 3, "removed", "added", *["same"] * 3, "gap"]
    assert lines[0].html == "7 equal lines"
    assert changes(before, before) == []


@given(st.text(max_size=80))
def test_highlighting_keeps_lines_apart_and_text_escaped(source: str) -> None:
    html = highlighted(source)
    assert all(line.count("<span") == line.count("</span>") for line in html.split("\n"))
    assert "<script" not in html


@given(st.text(min_size=1, max_size=80).filter(lambda text: text.strip("\r\n")))
def test_a_new_block_is_shown_whole(block: str) -> None:
    shown = changes("", block)
    assert {line.kind for line in shown} == {"added"}
    assert len(shown) == len(block.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n").split("\n"))


def test_blocks_are_read_by_kind() -> None:
    program = (
        '"""doc"""\n\n# %% block: clean (standard)\nimport re\n\n# %% block: model (ridge)\npass\n\n# %%\nmain()\n'
    )
    assert blocks_of(program) == {"clean": "import re", "model": "pass"}
