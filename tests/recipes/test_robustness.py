"""Whatever a table holds, every block copes: also with what only shows up when the program predicts."""

from __future__ import annotations

import json
import re
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import skops.io

from mlestar.data.task import Column, Task
from mlestar.recipes import catalogue, find_recipe, recipes_for

COLUMNS = {
    "age": ("number", "numeric"),
    'price ["€", net]': ("number", "numeric"),
    "rooms": ("number", "numeric"),
    "income": ("string", "numeric"),  # numbers written as text
    "month": ("number", "categorical"),
    "city": ("string", "categorical"),
    "colour": ("string", "categorical"),
    "note": ("string", "text"),
    "sold": ("string", "date"),  # dates written as text
    "built": ("date", "date"),
    "constant": ("number", "numeric"),
    "nothing": ("string", "categorical"),
    "void": ("number", "numeric"),
}
WORDS = ("bright", "dark", "large", "small", "garden", "balcony", "quiet", "noisy", "old", "new", "cheap", "view")


def make_table(rows: int = 160, seed: int = 0) -> pd.DataFrame:
    """Numbers, categories, text and dates, with gaps, infinities and columns that say nothing."""
    random = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "age": random.normal(40, 12, rows),
            'price ["€", net]': random.lognormal(10, 1, rows),
            "rooms": random.integers(1, 8, rows).astype(float),
            "income": random.integers(10, 99, rows).astype(str),
            "month": random.integers(1, 13, rows).astype(float),
            "city": random.choice(["Athens", "Berlin", "Cairo", "Delhi"], rows, p=[0.5, 0.3, 0.19, 0.01]),
            "colour": random.choice(["red", "green", "blue"], rows),
            "note": [" ".join(random.choice(WORDS, 6)) for _ in range(rows)],
            "sold": pd.date_range("2020-01-01", periods=rows, freq="37h").strftime("%Y-%m-%d %H:%M"),
            "built": pd.date_range("1990-03-01", periods=rows, freq="9D"),
            "constant": 1.0,
            "nothing": None,
            "void": np.nan,
        }
    )
    table.loc[::7, ["age", "city", "note", "sold"]] = None
    table.loc[3, "rooms"] = np.inf
    table.loc[5, "income"] = "n/a"
    return stored(table)


def stored(table: pd.DataFrame) -> pd.DataFrame:
    """The table as tasks hold it."""
    kinds = {"number": "float64", "string": "str", "date": "datetime64[us]"}
    return table.astype({name: kinds[storage] for name, (storage, _) in COLUMNS.items() if name in table})


def make_task(kind: str = "binary", metric: str | None = None, *, outputs: int = 1, **changes: Any) -> Task:
    """A task over the table of :func:`make_table`."""
    settings: dict[str, Any] = {
        "name": "everything",
        "type": kind,
        "targets": tuple(f"target_{n}" for n in range(outputs)),
        "metric": metric or {"binary": "roc_auc", "multiclass": "log_loss", "regression": "rmse"}[kind],
        "classes": {"binary": ("no", "yes"), "multiclass": ("a", "b", "c"), "regression": ()}[kind],
        "columns": tuple(Column(name=name, storage=storage, role=role) for name, (storage, role) in COLUMNS.items()),
        "rows": 160,
        "splitter": "kfold" if kind == "regression" else "stratified",
        "folds": 3,
    }
    return Task(**settings | changes)


def make_target(table: pd.DataFrame, task: Task) -> np.ndarray:
    """Class numbers as labels, or positive values, that depend on columns of every sort."""
    signal = (
        table["age"].fillna(40) / 12 + table["colour"].eq("red") * 2 + table["note"].str.contains("garden") * 2
    ).to_numpy(float)
    if task.type == "regression":
        values = np.exp(signal / 3)
        return values if len(task.targets) == 1 else np.stack([values, 10 - signal], axis=1)[:, : len(task.targets)]
    numbers = pd.qcut(signal, len(task.classes), labels=False)
    return np.array(task.classes, dtype=object)[numbers]


FAST = {
    "lightgbm": {"n_estimators": 10},
    "catboost": {"iterations": 10},
    "xgboost": {"n_estimators": 10},
    "hist_gradient_boosting": {"max_iter": 10},
    "extra_trees": {"n_estimators": 10},
    "random_forest": {"n_estimators": 10},
    "mlp": {"epochs": 5},
    "logistic": {},
    "naive_bayes_logistic": {},
    "ridge": {},
    "elastic_net": {},
    "nearest_neighbours": {},
}
NAMES = {
    kind: [each.name for each in catalogue() if each.kind == kind] for kind in ("clean", "features", "encode", "model")
}
DENSE_ONLY = {"hist_gradient_boosting"}
TASKS = {
    "binary": make_task("binary"),
    "multiclass": make_task("multiclass"),
    "regression": make_task("regression"),
}
PAIRS = [
    (encode, model)
    for encode in NAMES["encode"]
    for model in NAMES["model"]
    if not (model in DENSE_ONLY and find_recipe("encode", encode).sparse)
]


def models_for(kind: str) -> set[str]:
    return {each.name for each in recipes_for("model", TASKS[kind])}


def surprises(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """What a program may be given that it was not trained on."""
    strange = dict(city="Tokyo", month=99.0, note="词语 never seen", income="a lot", sold="one day", nothing="x")
    extreme = dict(age=1e30, rooms=-np.inf, built=pd.Timestamp("2250-01-01"))
    return {
        "single row": table.iloc[[4]],
        "unseen": stored(table.assign(**strange, **extreme)).sample(frac=1, random_state=0),
        "missing": stored(table.assign(**dict.fromkeys(table.columns))),
    }


def check_predictions(module: ModuleType, task: Task, table: pd.DataFrame) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error", category=RuntimeWarning)
        model = module.Solution().fit(table, make_target(table, task))
    for name, rows in surprises(table).items():
        values = np.asarray(model.predict_proba(rows) if task.is_classification else model.predict(rows), dtype=float)
        assert len(values) == len(rows), name
        assert np.isfinite(values).all(), name


@pytest.mark.parametrize(
    ("encode", "model", "kind"), [(*pair, kind) for pair in PAIRS for kind in TASKS if pair[1] in models_for(kind)]
)
def test_every_model_copes_with_every_encoding(
    program: Callable[..., ModuleType], encode: str, model: str, kind: str
) -> None:
    task = TASKS[kind]
    module = program(task, clean="minimal", encode=encode, model=(model, FAST[model]))
    check_predictions(module, task, make_table())


@pytest.mark.parametrize("model", ["lightgbm", "catboost", "hist_gradient_boosting"])
def test_boosting_learns_medians_for_absolute_errors(program: Callable[..., ModuleType], model: str) -> None:
    task = make_task("regression", "mae")
    table = make_table()
    y = np.where(np.arange(len(table)) % 10 == 0, 1000.0, 1.0)
    predictions = program(task, model=(model, FAST[model])).Solution().fit(table, y).predict(table)
    assert np.median(predictions) < 10


@pytest.mark.parametrize("clean", NAMES["clean"])
@pytest.mark.parametrize("features", [*NAMES["features"], "arithmetic+dates+text"])
def test_features_cope(program: Callable[..., ModuleType], clean: str, features: str) -> None:
    task = TASKS["regression"]
    module = program(task, clean=clean, features=features, encode="native", model=("lightgbm", FAST["lightgbm"]))
    check_predictions(module, task, make_table())


@pytest.mark.parametrize(
    ("encode", "model"), [pair for pair in PAIRS if pair[0] != "target" and pair[1] in models_for("regression")]
)
def test_several_targets(program: Callable[..., ModuleType], tmp_path: Path, encode: str, model: str) -> None:
    task = make_task("regression", outputs=2)
    table = make_table()
    module = program(task, encode=encode, target="log1p", model=(model, FAST[model]), postprocess="clip")
    fitted = module.Solution().fit(table, make_target(table, task))
    assert fitted.predict(table).shape == (len(table), 2)
    module.save(fitted, tmp_path / "model.skops")
    assert np.array_equal(module.load(tmp_path / "model.skops").predict(table), fitted.predict(table))


@pytest.mark.parametrize("encode", ["ordinal", "native"])
def test_catboost_copes_with_columns_that_never_vary(program: Callable[..., ModuleType], encode: str) -> None:
    task = TASKS["regression"].model_copy(update={"columns": TASKS["regression"].columns[-3:]})
    table = make_table()
    y = make_target(table, task)
    model = program(task, clean="minimal", encode=encode, model="catboost").Solution().fit(table, y)
    assert model.predict(table) == pytest.approx(np.full(len(table), y.mean()))


@pytest.mark.parametrize("kind", TASKS)
def test_catboost_copes_with_a_dozen_rows(program: Callable[..., ModuleType], kind: str) -> None:
    table = make_table(rows=12)
    solution = program(TASKS[kind], encode="native", model=("catboost", {"subsample": 0.3})).Solution()
    fitted = solution.fit(table, make_target(table, TASKS[kind]))
    assert len(fitted.predict(table)) == len(table)


@pytest.mark.parametrize("model", sorted(models_for("multiclass")))
def test_same_seed_same_predictions(program: Callable[..., ModuleType], model: str) -> None:
    task = TASKS["multiclass"]
    table = make_table()
    module = program(task, encode="target", features="arithmetic+dates+text", model=(model, FAST[model]))
    first, second = (module.Solution().fit(table, make_target(table, task)).predict_proba(table) for _ in range(2))
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    ("encode", "model"),
    [
        ("native", "catboost"),
        ("target", "lightgbm"),
        ("tfidf", "ridge"),
        ("ordinal", "hist_gradient_boosting"),
        ("onehot", "extra_trees"),
        ("onehot", "lightgbm"),
    ],
)
def test_a_program_reads_the_model_that_it_wrote(
    program: Callable[..., ModuleType], tmp_path: Path, encode: str, model: str
) -> None:
    task = TASKS["regression"]
    table = make_table()
    features = "arithmetic+dates" if encode == "tfidf" else "arithmetic+dates+text"
    module = program(
        task, features=features, encode=encode, target="log1p", model=(model, FAST[model]), postprocess="clip"
    )
    fitted = module.Solution().fit(table, make_target(table, task))
    module.save(fitted, tmp_path / "model.skops")
    loaded = module.load(tmp_path / "model.skops")
    assert np.array_equal(loaded.predict(table), fitted.predict(table))


@pytest.mark.parametrize(("kind", "model"), [(kind, model) for kind in TASKS for model in sorted(models_for(kind))])
def test_a_model_of_any_kind_is_read_as_it_was_written(
    program: Callable[..., ModuleType], tmp_path: Path, kind: str, model: str
) -> None:
    task = TASKS[kind]
    table = make_table()
    module = program(task, encode=find_recipe("model", model).encodes[0], model=(model, FAST[model]))
    fitted = module.Solution().fit(table, make_target(table, task))
    module.save(fitted, tmp_path / "model.skops")
    loaded = module.load(tmp_path / "model.skops")
    predict = "predict_proba" if task.is_classification else "predict"
    for name, rows in surprises(table).items():
        assert np.array_equal(getattr(loaded, predict)(rows), getattr(fitted, predict)(rows)), name


class Made:
    """What a file says to call, with which argument."""

    def __init__(self, argument: str) -> None:
        self.argument = argument

    def __reduce__(self) -> tuple[type[Made], tuple[str]]:
        return Made, (self.argument,)


@pytest.mark.parametrize("name", ["os.system", "subprocess.Popen", "pickle.loads"])
def test_a_file_that_names_what_is_of_no_library_of_the_program_is_not_read(
    program: Callable[..., ModuleType], tmp_path: Path, name: str
) -> None:
    """As one would make it who can write to where models are kept: reading it would call what it names."""
    module, hostile = program(TASKS["regression"], model="lightgbm"), tmp_path / "model.skops"
    skops.io.dump(Made(str(tmp_path / "there.pkl")), tmp_path / "made.skops")
    with zipfile.ZipFile(tmp_path / "made.skops") as made, zipfile.ZipFile(hostile, "w") as written:
        schema = json.loads(made.read("schema.json"))
        schema["__module__"], schema["__class__"] = name.split(".")
        written.writestr("schema.json", json.dumps(schema))
    with pytest.raises(module.BadInput, match=f"model.skops: holds {re.escape(name)}, which is not of this program"):
        module.load(hostile)


@pytest.mark.parametrize("is_small", [True, False])
@pytest.mark.parametrize("model", ["random_forest", "extra_trees", "hist_gradient_boosting"])
def test_small_trees_are_saved_together(
    program: Callable[..., ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str, is_small: bool
) -> None:
    task, trees = TASKS["multiclass"], 50
    table = make_table()
    count = "max_iter" if model == "hist_gradient_boosting" else "n_estimators"
    module = program(task, encode="ordinal", model=(model, {count: trees}))
    monkeypatch.setattr(module, "is_small", lambda arrays: is_small)
    fitted = module.Solution().fit(table, make_target(table, task))
    module.save(fitted, tmp_path / "model.skops")
    assert (len(zipfile.ZipFile(tmp_path / "model.skops").namelist()) < trees) == is_small
    loaded = module.load(tmp_path / "model.skops")
    assert np.array_equal(loaded.predict_proba(table), fitted.predict_proba(table))


def test_fits_are_quiet(
    program: Callable[..., ModuleType],
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    task = TASKS["binary"]
    table = make_table()
    for model in models_for("binary"):
        program(task, model=(model, FAST[model])).Solution().fit(table, make_target(table, task)).predict_proba(table)
    assert capfd.readouterr() == ("", "")
    written = {path.name for path in set(tmp_path.iterdir()) - before if path.suffix != ".py"}
    assert written <= {"__pycache__"}
