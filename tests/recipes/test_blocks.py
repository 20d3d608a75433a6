"""What single blocks promise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix
from scipy.stats import skew
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.metrics import f1_score

from mlestar.recipes.clean_standard import clean
from mlestar.recipes.combine_geometric import combine as combine_geometric
from mlestar.recipes.combine_weighted import combine as combine_weighted
from mlestar.recipes.encode_native import encode as encode_native
from mlestar.recipes.encode_target import encode as encode_target
from mlestar.recipes.encode_tfidf import encode as encode_tfidf
from mlestar.recipes.features_arithmetic import features as arithmetic
from mlestar.recipes.features_category_counts import features as counts
from mlestar.recipes.features_clusters import features as clusters
from mlestar.recipes.features_crosses import features as crosses
from mlestar.recipes.features_dates import features as calendar
from mlestar.recipes.features_geography import features as geography
from mlestar.recipes.features_group_statistics import features as statistics
from mlestar.recipes.features_history import features as history
from mlestar.recipes.features_neighbours import features as neighbours
from mlestar.recipes.features_screening import features as screening
from mlestar.recipes.features_text import features as components
from mlestar.recipes.features_untrended import features as untrended
from mlestar.recipes.features_winsorising import features as winsorising
from mlestar.recipes.join_tables import join
from mlestar.recipes.model_extra_trees import model as extra_trees
from mlestar.recipes.model_linear_lightgbm import model as trending
from mlestar.recipes.parts import CategoryNumbers, Tfidf
from mlestar.recipes.postprocess_clip import postprocess as clip
from mlestar.recipes.postprocess_threshold import counted
from mlestar.recipes.postprocess_threshold import postprocess as threshold
from mlestar.recipes.target_log1p import target as log_target
from mlestar.recipes.target_yeo_johnson import target as power_target
from mlestar.stages.weights import MEANS


def context(**changes: Any) -> SimpleNamespace:
    names = dict.fromkeys(("numeric", "categorical", "text", "dates", "day_first", "classes"), ())
    return SimpleNamespace(**names | {"task": "regression", "metric": "rmse", "seed": 0, "threads": 1} | changes)


def test_clean_reads_what_is_written_as_text() -> None:
    table = pd.DataFrame(
        {
            "total": ["12.5", " ", "7", "n/a"],
            "day": ["2020-01-02", "2020-02-01", "?", "2021-03-04"],
            "paid": ["02.01.2020", "13.02.2020", "?", "04.03.2021"],
            "ratio": [1.0, np.inf, -np.inf, 2.0],
            "same": ["a"] * 4,
            "empty": [None] * 4,
            "city": ["Bonn", "NA", "Ulm", "Bonn"],
        }
    ).astype({name: "str" for name in ("total", "day", "paid", "same", "empty", "city")})
    ctx = context(numeric=("total", "ratio"), dates=("day", "paid"), day_first=("paid",))
    cleaned = clean(ctx).fit_transform(table)
    assert cleaned["total"].tolist() == pytest.approx([12.5, np.nan, 7.0, np.nan], nan_ok=True)
    assert cleaned["day"].dt.month.tolist() == pytest.approx([1, 2, np.nan, 3], nan_ok=True)
    assert cleaned["paid"].dt.month.tolist() == pytest.approx([1, 2, np.nan, 3], nan_ok=True)
    assert cleaned["ratio"].tolist() == pytest.approx([1.0, np.nan, np.nan, 2.0], nan_ok=True)
    assert cleaned["city"].isna().tolist() == [False, True, False, False]
    assert list(cleaned.columns) == ["total", "day", "paid", "ratio", "city"]


def test_dates_become_their_calendar_parts() -> None:
    table = pd.DataFrame({"when": pd.to_datetime(["2024-02-29 13:30", "2023-12-31 00:15"]), "x": [1.0, 2.0]})
    parts = calendar(context()).fit_transform(table)
    found = parts[["when_year", "when_month", "when_day", "when_hour", "when_minute", "when_weekday"]]
    assert found.to_numpy().tolist() == [[2024, 2, 29, 13, 30, 4], [2023, 12, 31, 0, 15, 7]]


def test_on_a_circle_december_lies_next_to_january_as_june_to_july() -> None:
    table = pd.DataFrame({"when": pd.to_datetime([f"2023-{month}-15" for month in (12, 1, 6, 7)])})
    on_circle = calendar(context(), periodic="circular").fit_transform(table).filter(like="month_circular").to_numpy()
    december, january, june, july = on_circle
    assert np.linalg.norm(december - january) == pytest.approx(np.linalg.norm(june - july))
    assert np.linalg.norm(december - june) > 3 * np.linalg.norm(december - january)


def test_categories_are_counted_among_the_training_rows() -> None:
    table = pd.DataFrame({"town": list("aaabcde"), "side": list("lrlrlrl")}).astype("category")
    block = counts(context(), least_levels=5).fit(table)
    later = pd.DataFrame({"town": ["a", "z", None], "side": ["l"] * 3}).astype("category")
    added = block.transform(later).drop(columns=["town", "side"])
    assert added.to_numpy().ravel().tolist() == pytest.approx([3 / 7, 0.0, 0.0])  # of `side`, with two values, none


def test_numbers_are_compared_with_those_of_the_same_category() -> None:
    table = pd.DataFrame({"town": pd.Categorical(list("aabb")), "rent": [10.0, 20.0, 100.0, 300.0]})
    block = statistics(context()).fit(table)
    later = pd.DataFrame({"town": pd.Categorical(["a", "b", "z"]), "rent": [15.0, 100.0, 107.5]})
    assert block.transform(later).iloc[:, -1].tolist() == pytest.approx([0.0, -100.0, 0.0])


def test_rows_lie_near_the_centre_of_their_own_cluster() -> None:
    random = np.random.default_rng(0)
    centres = random.choice([-5.0, 5.0], 300)
    table = pd.DataFrame({"x": centres + random.normal(size=300), "y": -centres + random.normal(size=300)})
    distances = clusters(context(), clusters=2).fit_transform(table).iloc[:, 2:]
    nearest = distances.to_numpy().argmin(axis=1)
    assert abs(np.corrcoef(nearest, centres)[0, 1]) > 0.95


def test_no_row_is_encoded_by_its_own_target() -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame({"user": pd.Categorical(random.integers(0, 150, 600))})
    noise = random.normal(size=600)
    block = encode_target(context(categorical=("user",)), smooth=1.0, keep_codes=False)
    assert abs(np.corrcoef(block.fit_transform(table, noise)[:, 0], noise)[0, 1]) < 0.15
    assert np.corrcoef(block.transform(table)[:, 0], noise)[0, 1] > 0.4  # with its own target it would be


def test_arithmetic_finds_the_ratio_that_matters() -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.uniform(1, 10, (1500, 4)), columns=["debt", "income", "age", "height"])
    y = table["debt"] / table["income"] + 0.01 * table["age"]
    features = arithmetic(context(numeric=tuple(table.columns)), most=2).fit(table, y)
    assert {frozenset((a, b)) for a, _, b in features.combinations_} == {frozenset(("debt", "income"))}
    assert features.transform(table).shape == (1500, 6)


def test_geography_knows_how_far_places_are_apart() -> None:
    names = ("start_lat", "start_lon", "end_lat", "end_lon")
    table = pd.DataFrame([[48.857, 2.352, 51.507, -0.128], [40.713, -74.006, 40.713, -74.006]], columns=names)
    added = geography(context(numeric=names)).fit_transform(table)
    assert added["start_lat to end_lat straight"].tolist() == pytest.approx([344, 0], rel=0.1)  # Paris to London
    assert added["start_lat to end_lat north"].tolist() == pytest.approx([295, 0], rel=0.01)


@pytest.mark.parametrize("where", ["places", "numbers"])
def test_neighbours_show_no_row_its_own_target(where: str) -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.uniform(0, 1, (400, 2)), columns=["latitude", "longitude"])
    block = neighbours(context(numeric=("latitude", "longitude")), neighbours=3, where=where)
    noise = random.normal(size=400)
    assert abs(np.corrcoef(block.fit_transform(table, noise).iloc[:, -1], noise)[0, 1]) < 0.15  # else near 1
    hill = np.hypot(table["latitude"] - 0.5, table["longitude"] - 0.5).to_numpy()
    assert np.corrcoef(block.fit_transform(table, hill).iloc[:, -1], hill)[0, 1] > 0.95
    elsewhere = block.transform(pd.DataFrame({"latitude": [0.5, np.nan], "longitude": [0.5, 0.1]}))
    assert elsewhere.iloc[0, -1] < hill.mean()


def test_a_row_is_told_of_targets_that_were_known_before_it() -> None:
    random = np.random.default_rng(0)
    days, shops = np.repeat(np.arange(400.0), 3), np.tile([1.0, 2.0, 3.0], 400)
    table = pd.DataFrame({"day": days, "shop": shops, "x": random.normal(size=1200)})
    y = 100 * shops + days
    shuffled = random.permutation(1200)
    block = history(context(time="day", gap=3), share=0.05, periods=8, most=1)
    told = block.fit_transform(table.iloc[shuffled], y[shuffled]).sort_index()
    known = told.dropna()
    assert list(told.columns[3:]) == [
        "time since the last known target",
        "target 1 lately",
        "target 1 lately by shop",
    ]
    assert known["day"].min() >= 50  # before, nothing is known
    assert (known["time since the last known target"] >= 2).all()  # the gap is a day of three rows
    lag = y[known.index] - known["target 1 lately by shop"]
    assert lag.between(1, 50 + 0.05 * 400 + 2).all()
    changed = np.where(table["day"] >= 200, -1e6, y)
    again = block.fit_transform(table, changed)
    pd.testing.assert_frame_equal(again[table["day"] < 200], told[table["day"] < 200])
    later = block.fit(table, y).transform(pd.DataFrame({"day": [405.0], "shop": [2.0], "x": [0.0]}))
    assert later["target 1 lately by shop"].item() == pytest.approx(200 + 389.5, abs=0.6)


def test_what_only_grows_with_time_is_left_out(bench_data: Path) -> None:
    table = pd.read_csv(bench_data / "bike-sharing-hour" / "train.csv", parse_dates=["dteday"]).drop(columns="cnt")
    dated = calendar(context(dates=("dteday",))).fit_transform(table)
    block = untrended(context(time="dteday")).fit(dated)
    left_out = set(dated.columns) - set(block.transform(dated).columns)
    assert "dteday_total_seconds" in left_out
    assert not left_out & {"hr", "temp", "hum", "season", "mnth", "dteday_day", "dteday_weekday"}
    falling = table[["hr", "temp"]].assign(left=-np.arange(len(table), dtype=float))
    assert list(untrended(context(time="dteday")).fit_transform(falling)) == ["hr", "temp"]
    assert list(untrended(context(time="dteday")).fit_transform(falling[["left"]])) == ["left"]  # else nothing is left


def test_crosses_find_the_pair_that_matters() -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.choice(list("abcd"), (2000, 4)), columns=["sender", "receiver", "day", "shop"])
    y = (table["sender"] == table["receiver"]).to_numpy().astype(int)
    block = crosses(context(task="binary", categorical=tuple(table)), most=1).fit(table.astype("category"), y)
    assert block.pairs_ == [("sender", "receiver")]


def test_a_trend_goes_on_after_the_training_rows() -> None:
    hours = np.arange(1200.0)
    table = np.column_stack([hours, hours % 24])
    y = 0.5 * hours + 20 * (table[:, 1] > 12)
    fitted = trending(context(targets=("sales",))).fit(table[:1000], y[:1000])
    assert np.abs(fitted.predict(table[1000:]) - y[1000:]).mean() < 10  # without a trend it is 50 and more


def test_native_encoding_keeps_levels_of_the_training_rows() -> None:
    table = pd.DataFrame({"city [km]": ["a"] * 5 + ["b"] * 5 + ["c"]}, dtype="category")
    encoder = encode_native(context(categorical=("city [km]",)), rare_below=2).fit(table)
    coded = encoder.transform(pd.DataFrame({"city [km]": ["a", "c", "new", None]}, dtype="category"))
    (column,) = (coded[name] for name in coded)
    assert column.astype("object").tolist()[:3] == ["a", "(rare)", "(rare)"]
    assert column.isna().tolist() == [False, False, False, True]
    assert coded.columns[0].isidentifier()


def test_native_encoding_takes_a_category_of_the_name_that_it_gives_to_rare_ones() -> None:
    table = pd.DataFrame({"city": ["a"] * 5 + ["(rare)"] * 5 + ["c"]}, dtype="category")
    coded = encode_native(context(categorical=("city",))).fit(table).transform(table)
    assert coded.iloc[:, 0].astype("object").tolist() == table["city"].replace("c", "(rare)").tolist()


@given(arrays(float, (5, 3, 4), elements=st.floats(0, 1)), arrays(float, 3, elements=st.floats(0.05, 2)))
def test_members_are_combined_as_the_ensemble_scored_them(stack: np.ndarray, weights: np.ndarray) -> None:
    for name, combine in (("weighted", combine_weighted), ("geometric", combine_geometric)):
        combined = combine(context(), weights=tuple(weights)).fit(stack).transform(stack)
        np.testing.assert_allclose(combined, MEANS[name](stack, weights))
    np.testing.assert_allclose(combined.sum(axis=1), 1.0)


@pytest.mark.parametrize("target", [log_target, power_target], ids=["log1p", "yeo_johnson"])
@given(y=arrays(float, (12, 2), elements=st.floats(-1e6, 1e9)))
def test_a_target_comes_back(target: Callable[..., Any], y: np.ndarray) -> None:
    fitted = target(context()).fit(y)
    assert fitted.inverse_transform(fitted.transform(y)) == pytest.approx(y, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize("target", [log_target, power_target], ids=["log1p", "yeo_johnson"])
@given(
    y=arrays(float, (6, 2), elements=st.floats(0, 1e6)),
    predictions=arrays(float, (6, 2), elements=st.floats(-1e300, 1e300)),
)
def test_a_target_never_explodes(target: Callable[..., Any], y: np.ndarray, predictions: np.ndarray) -> None:
    values = target(context()).fit(y).inverse_transform(predictions)
    assert np.isfinite(values).all()
    assert (values <= (y.max(axis=0) + 1) ** 1.1 + 1).all()


@given(
    y=arrays(float, (6, 2), elements=st.floats(-0.9, 1e6)),
    predictions=arrays(float, (6, 2), elements=st.floats(-1e300, 1e300)),
)
def test_a_logarithm_of_the_target_leaves_rmsle_defined(y: np.ndarray, predictions: np.ndarray) -> None:
    assert (log_target(context()).fit(y).inverse_transform(predictions) > -1).all()


def test_a_tail_below_becomes_as_normal_as_one_above() -> None:
    tail = np.exp(np.random.default_rng(0).normal(3, 1, 1000))
    for y in (tail, -tail):
        powers = power_target(context()).fit(y).transform(y)
        assert abs(skew(powers)) < 0.2


@given(arrays(float, 10, elements=st.floats(-1e9, 1e9)), arrays(float, 7, elements=st.floats(-1e12, 1e12)))
def test_clip_stays_in_the_range_of_training(y: np.ndarray, predictions: np.ndarray) -> None:
    clipped = clip(context()).fit(None, y).predict(predictions)
    assert y.min() <= clipped.min() and clipped.max() <= y.max()


def test_threshold_raises_f1_of_a_rare_class() -> None:
    random = np.random.default_rng(0)
    chance = random.beta(1, 8, 6000)
    y = (random.uniform(size=6000) < chance).astype(int)
    predictions = np.stack([1 - chance, chance], axis=1)
    block = threshold(context(task="binary", metric="f1", classes=(0, 1))).fit(predictions[:3000], y[:3000])
    assert f1_score(y[3000:], predictions[3000:].argmax(axis=1)) < 0.1
    assert f1_score(y[3000:], block.predict(predictions[3000:])) > 0.3


@settings(max_examples=20)
@given(
    st.sampled_from(["accuracy", "balanced_accuracy", "f1_macro", "mcc", "quadratic_kappa"]),
    arrays(int, 40, elements=st.integers(0, 2)),
    arrays(float, (40, 3), elements=st.floats(0, 1)),
)
def test_threshold_never_loses_on_what_it_saw(metric: str, y: np.ndarray, predictions: np.ndarray) -> None:
    assume(len(set(y)) == 3)
    block = threshold(context(task="multiclass", metric=metric, classes=(0, 1, 2)), steps=9).fit(predictions, y)
    labels = block.predict(predictions)
    assert set(labels) <= {0, 1, 2}
    assert block.score(y, labels) >= block.score(y, predictions.argmax(axis=1)) - 1e-12


def test_screening_keeps_what_says_most_of_the_target_straight_or_by_its_distance_from_the_mean() -> None:
    """The patients' own measurements among two hundred columns of chance, and one that counts by its square."""
    table, y = load_diabetes(return_X_y=True, as_frame=True)
    chance = np.random.default_rng(0).normal(size=(len(table), 200))
    wide = pd.concat([pd.DataFrame(chance).add_prefix("chance "), table[["bmi", "s5"]]], axis=1)
    goal = y + 100 * wide["chance 7"] ** 2
    kept = screening(context(), most=3).fit(wide, goal).transform(wide)
    assert sorted(kept) == ["bmi", "chance 7", "s5"]


def test_winsorising_draws_outliers_in_to_the_training_rows() -> None:
    table = load_diabetes(as_frame=True).data[["bmi"]]
    fitted = winsorising(context(), share=0.01).fit(table)
    low, high = table["bmi"].quantile([0.01, 0.99])
    found = fitted.transform(pd.DataFrame({"bmi": [-9.0, 0.0, 9.0, np.nan]}))["bmi"]
    np.testing.assert_allclose(found, [low, 0.0, high, np.nan])


def test_a_category_that_training_never_had_a_value_of_is_numbered_as_unseen() -> None:
    train, new = (pd.DataFrame({"promotion": values}).astype("category") for values in ([None] * 3, ["a", "b", None]))
    numbers = CategoryNumbers(unseen=-1).fit(train).transform(new)
    assert numbers.ravel().tolist() == pytest.approx([-1, -1, np.nan], nan_ok=True)


def test_a_column_of_long_texts_takes_no_more_than_they_do() -> None:
    """Two thousand addresses, one of them a page long."""
    texts = [f"https://example.org/{number}" for number in range(2000)]
    table = pd.DataFrame({"url": pd.Categorical([*texts, "x" * 20_000])})
    size = len(skops.io.dumps(CategoryNumbers().fit(table)))
    assert size < 200_000
    assert len(skops.io.dumps(Tfidf().fit([*texts, "x" * 20_000]))) < 500_000


def test_a_saved_vocabulary_reads_the_same() -> None:
    texts = ["grüße aus ulm", "日本語 の 文", "plain words", "plain 🎈 text"]
    fitted = Tfidf(analyzer="char_wb", ngram_range=(1, 3)).fit(texts)
    content = skops.io.dumps(fitted)
    again = skops.io.loads(content, trusted=skops.io.get_untrusted_types(data=content))
    assert again.vocabulary_ == fitted.vocabulary_
    assert (again.transform(texts) != fitted.transform(texts)).nnz == 0


def test_texts_with_dates_and_no_number_keep_the_dates() -> None:
    table = pd.DataFrame({"when": pd.date_range("2024-01-01", periods=50), "text": ["same words"] * 50})
    table["text"] = table["text"].astype("string")
    encoded = encode_tfidf(context(text=("text",), dates=("when",))).fit_transform(
        calendar(context()).fit_transform(table)
    )
    assert len(np.unique(csr_matrix(encoded).toarray(), axis=0)) == 50


@pytest.mark.parametrize(
    "texts", [["a b c d", "c d e f"], [None, None], ["Ada Lovelace", "Alan Turing"]], ids=["letters", "none", "names"]
)
def test_texts_without_common_words_are_encoded(texts: list[str | None]) -> None:
    table = pd.DataFrame({"text": pd.Series(texts, dtype="string"), "x": [0.0, 1.0]})
    ctx = context(text=("text",))
    assert np.isfinite(csr_matrix(encode_tfidf(ctx, character_ngrams=0).fit_transform(table)).data).all()
    assert components(ctx, character_ngrams=0).fit_transform(table).shape[0] == 2


def test_numbers_beyond_single_precision_are_missing() -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame({"debt": random.uniform(1, 10, 400), "income": random.uniform(1, 10, 400)})
    y = (table["debt"] / table["income"]).to_numpy()
    odd = table.assign(debt=np.where(table.index == 0, 1e300, table["debt"]))
    ctx = context(numeric=("debt", "income"))
    steps = [clone(clean(ctx)), arithmetic(ctx, most=2), extra_trees(ctx)]
    features = steps[1].fit(steps[0].fit_transform(odd), y)
    model = steps[2].fit(features.transform(steps[0].transform(odd)), y)
    new = table.assign(income=np.where(table.index == 1, 1e-40, table["income"]))
    assert np.isfinite(model.predict(features.transform(steps[0].transform(new)))).all()


def test_what_is_the_same_everywhere_is_kept_where_there_is_nothing_else() -> None:
    table = pd.DataFrame({"x": [1.0, 1.0, 1.0]})
    assert list(clean(context(numeric=("x",))).fit_transform(table)) == ["x"]


def test_the_target_of_some_of_the_classes_can_be_encoded() -> None:
    """The first rows in the order of time need not have all of them."""
    table = pd.DataFrame({"town": pd.Categorical(["Ulm", "Bonn"] * 30)})
    encode = encode_target(context(task="multiclass", classes=(0, 1, 2), categorical=("town",)), keep_codes=False)
    found = encode.fit(table, np.where(table["town"] == "Ulm", 2, 0)).transform(table)
    assert np.ptp(found) > 0.9


def test_crosses_are_found_where_rows_share_an_index() -> None:
    random = np.random.default_rng(0)
    table = pd.DataFrame({name: random.choice(list("ab"), 800) for name in ("left", "right")}).astype("category")
    y = (table["left"] == table["right"]).to_numpy().astype(float)
    table.index = np.arange(800) // 2
    assert crosses(context(categorical=("left", "right"))).fit(table, y).pairs_ == [("left", "right")]


def test_joined_columns_do_not_take_each_others_names() -> None:
    seats = pd.DataFrame({"rows": ["A", "B", "B"], "price": [1.0, 2.0, 3.0], "price_sum": ["low", "high", "high"]})
    seats.index = pd.Index(["x", "y", "y"], name="flight")
    block = join(context(tables={"seats": seats}, lookups=(), keys=("flight",)))
    found = block.fit_transform(pd.DataFrame({"flight": ["y", "z"]}))
    assert found["seats_rows"].tolist() == [2.0, 0.0]
    assert found["seats_price_sum"].tolist()[0] == 5.0
    assert found[["seats_rows_commonest", "seats_price_sum_commonest"]].iloc[0].tolist() == ["B", "high"]


@settings(max_examples=20)
@given(
    st.sampled_from(["accuracy", "balanced_accuracy", "f1_macro", "mcc", "quadratic_kappa"]),
    arrays(int, 60, elements=st.integers(0, 3)),
    arrays(int, 60, elements=st.integers(0, 3)),
)
def test_a_counted_score_is_the_score(metric: str, y: np.ndarray, labels: np.ndarray) -> None:
    assume(set(labels) <= set(y))
    block = threshold(context(task="multiclass", metric=metric, classes=(0, 1, 2, 3)))
    assert counted(block.score, y, labels, 4) == pytest.approx(block.score(y, labels), abs=1e-12, nan_ok=True)


def test_categories_are_the_same_whether_or_not_a_gap_has_made_floats_of_them() -> None:
    """In a file without "ICU", a missing value makes floats of the whole numbers; a Parquet file has booleans."""
    train = pd.DataFrame({"ward": ["1", "2", "ICU", "-3"], "own": ["TRUE", "FALSE", "TRUE", None]}, dtype="str")
    new = pd.DataFrame({"ward": ["1.0", "2.0", None, "-3.0"], "own": ["True", "False", "true", None]}, dtype="str")
    ctx = context(categorical=("ward", "own"))
    numbers = CategoryNumbers().fit(clean(ctx).fit_transform(train))
    found = numbers.transform(clean(ctx).fit(train).transform(new))
    expected = numbers.transform(clean(ctx).fit(train).transform(train))
    np.testing.assert_array_equal(np.delete(found, 2, axis=0), np.delete(expected, 2, axis=0))
    assert np.isnan(found[2, 0])
    assert found[2, 1] == expected[0, 1]


def test_truths_of_a_request_are_those_of_a_file() -> None:
    """JSON has true where a file has "True"."""
    ctx = context(categorical=("own",))
    fitted = clean(ctx).fit(pd.DataFrame({"own": ["True", "False"]}, dtype="str"))
    of_file, of_request = (
        fitted.transform(pd.DataFrame({"own": values}))["own"].astype("object").tolist()
        for values in (pd.Series(["True", "False"], dtype="str"), [True, False])
    )
    assert of_file == of_request
