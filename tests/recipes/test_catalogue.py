"""The catalogue: what is in it, and how a recipe joins."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlestar.data.task import Column, Task
from mlestar.digests import library_digest
from mlestar.errors import SolutionError
from mlestar.recipes import catalogue, find_recipe, null_recipe, recipes_for
from mlestar.recipes.catalogue import load_recipe

TEXTS = Task(
    name="texts",
    type="binary",
    targets=("spam",),
    metric="f1",
    classes=(0, 1),
    columns=(Column(name="message", storage="string", role="text"),),
    rows=1000,
    splitter="stratified",
    folds=5,
)
AMOUNTS = TEXTS.model_copy(
    update={
        "type": "regression",
        "metric": "rmsle",
        "classes": (),
        "columns": (Column(name="size", storage="number", role="numeric"),),
    }
)
WAVELETS = '''
from __future__ import annotations

import {library}

from mlestar.recipes import Real, Recipe


def features(ctx, *, scale=1.0):
    """Wavelets."""
    return {library}.Wavelets(scale)


RECIPE = Recipe(kind="features", name="wavelets", space={{"scale": Real(0.1, 10.0, log=True)}})
'''


@pytest.fixture
def fresh_catalogue() -> Iterator[None]:
    """A catalogue that is read again, here and afterwards."""
    catalogue.cache_clear()
    yield
    catalogue.cache_clear()


def names(kind: str, task: Task) -> list[str]:
    return [recipe.name for recipe in recipes_for(kind, task)]


def test_everything_in_it_can_run_here() -> None:
    assert [recipe.unavailable for recipe in catalogue() if recipe.unavailable] == []


def test_recipes_are_chosen_by_task() -> None:
    assert names("features", TEXTS) == ["text"]
    assert names("encode", TEXTS)[0] == "tfidf"
    assert names("postprocess", TEXTS) == ["threshold"]
    assert names("target", TEXTS) == []
    assert names("target", AMOUNTS) == ["log1p", "quantile", "yeo_johnson"]
    assert "target" not in names("encode", AMOUNTS)


def test_null_variants() -> None:
    nulls = {
        kind: null_recipe(kind, AMOUNTS) for kind in ("clean", "features", "encode", "target", "model", "postprocess")
    }
    assert {kind: null and null.name for kind, null in nulls.items()} == {
        "clean": "minimal",
        "features": None,
        "encode": "ordinal",
        "target": None,
        "model": "ridge",
        "postprocess": None,
    }


def test_unknown_recipe_names_the_known_ones() -> None:
    with pytest.raises(SolutionError, match="no model recipe 'tabnet'; there are catboost, elastic_net, extra_trees"):
        find_recipe("model", "tabnet")


def test_chain_takes_the_parameters_of_its_parts() -> None:
    chain = find_recipe("features", "dates+text")
    assert chain.block({"components": 10, "periodic": "circular"}).parameters["components"] == 10
    assert set(chain.space) == {*find_recipe("features", "dates").space, *find_recipe("features", "text").space}


def test_reading_it_imports_no_modelling_library() -> None:
    code = (
        "import sys; from mlestar.recipes import catalogue; assert len(catalogue()) > 15; "
        "print(*{'sklearn', 'lightgbm', 'catboost', 'skrub', 'optuna'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "\n"


def test_a_recipe_whose_library_is_absent_says_so(tmp_path: Path) -> None:
    path = tmp_path / "features_wavelets.py"
    path.write_text(WAVELETS.format(library="absent_wavelets"))
    assert load_recipe(path).unavailable == "needs absent_wavelets, which is not installed"


@pytest.mark.usefixtures("fresh_catalogue")
def test_an_installed_distribution_adds_recipes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "acme_recipes.py").write_text(WAVELETS.format(library="math"))
    metadata = tmp_path / "acme-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[mlestar.recipes]\nwavelets = acme_recipes\n")
    library_digest.cache_clear()
    without = library_digest()
    monkeypatch.syspath_prepend(tmp_path)
    assert "wavelets" in names("features", TEXTS)
    assert "acme_recipes" not in sys.modules
    library_digest.cache_clear()
    assert library_digest() != without  # so that no stage is reused that could not know it
    library_digest.cache_clear()


@pytest.mark.usefixtures("fresh_catalogue")
def test_two_recipes_of_one_name_are_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "features_wavelets.py"
    path.write_text(WAVELETS.format(library="math"))
    monkeypatch.setattr(sys.modules["mlestar.recipes.catalogue"], "_files", lambda: iter([path, path]))
    with pytest.raises(SolutionError, match="features_wavelets: defined twice; give one of them another name"):
        catalogue()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import math\n", "no RECIPE; define RECIPE"),
        ("RECIPE = 1\n", "RECIPE must be a Recipe"),
        (WAVELETS.format(library="math").replace('kind="features"', 'kind="encode"'), "RECIPE must be a Recipe"),
    ],
)
def test_a_file_that_holds_no_recipe_is_an_error(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "features_wavelets.py"
    path.write_text(text)
    with pytest.raises(SolutionError, match=message):
        load_recipe(path)


def test_a_chain_narrows_by_the_parameter_of_the_part_that_does() -> None:
    chain = find_recipe("features", "arithmetic+screening")
    assert chain.block().parameters[chain.narrows] == find_recipe("features", "screening").block().parameters["most"]
