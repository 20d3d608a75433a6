from __future__ import annotations

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from mlestar.recipes.parts import CATEGORIES, DATES, NUMBERS, TEXTS, CategoryNumbers, Tfidf, as_days, counts_of, filled
from mlestar.recipes.recipe import Recipe, is_long
from mlestar.recipes.space import Choice


def as_one_text(X):
    """The texts of a row, one after the other."""
    return X.fillna("").agg(" ".join, axis=1).where(X.notna().any(axis=1), "missing")


def as_counts(X):
    """How many characters, words, digits, capitals and signs the texts of a row have, as logarithms."""
    return np.log1p(counts_of(as_one_text(X)))


def encode(ctx, *, word_ngrams=2, character_ngrams=5, rare_below=2, most=50_000):
    """Texts as TF-IDF of their words and of the character sequences within words, and as counts, in a sparse matrix.

    Sequences found in fewer than `rare_below` texts are left out, and all but the `most` frequent; with
    `character_ngrams=0` only words count. Categories get a column each; numbers are brought to one scale, without gaps.
    """
    words = Tfidf(
        analyzer="word",
        ngram_range=(1, word_ngrams),
        token_pattern=r"(?u)\b\w+\b",
        min_df=rare_below,
        max_features=most,
        sublinear_tf=True,
    )
    terms = [words]
    if character_ngrams:
        sequences = (2, character_ngrams)
        terms.append(
            Tfidf(analyzer="char_wb", ngram_range=sequences, min_df=rare_below, max_features=most, sublinear_tf=True)
        )
    steps = [
        ("texts", make_pipeline(FunctionTransformer(as_one_text), make_union(*terms)), TEXTS),
        ("counts", make_pipeline(FunctionTransformer(as_counts), StandardScaler()), TEXTS),
    ]
    if ctx.categorical:
        columns = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5, max_categories=100)
        steps.append(("categories", make_pipeline(CategoryNumbers(unseen=-1), columns), CATEGORIES))
    steps.append(("numbers", filled(StandardScaler()), NUMBERS))
    if ctx.dates:
        steps.append(("dates", make_pipeline(FunctionTransformer(as_days), filled(StandardScaler())), DATES))
    return ColumnTransformer(steps, sparse_threshold=1.0)


RECIPE = Recipe(
    kind="encode",
    name="tfidf",
    space={
        "word_ngrams": Choice(1, 2, 3),
        "character_ngrams": Choice(0, 3, 4, 5, 6),
        "rare_below": Choice(1, 2, 3),
        "most": Choice(20_000, 50_000, 200_000),
    },
    # Of long texts single words say most, and cost a fraction of all sequences of characters.
    portfolio=lambda task: ({"word_ngrams": 1, "character_ngrams": 0}, {}) if is_long(task) else ({},),
    suits=lambda task: 4.0 if task.text else 0.0,
    cost=lambda task: 0.1 + 1e-4 * task.rows + 1.8e-6 * task.characters,
    grows={"word_ngrams": lambda longest: 0.9 + 0.1 * longest, "character_ngrams": lambda longest: 0.1 + 0.2 * longest},
    families=("linear", "boosting"),
    excludes=("features_text",),
    sparse=True,
)
