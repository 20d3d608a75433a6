from __future__ import annotations

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.decomposition import TruncatedSVD
from sklearn.pipeline import make_pipeline

from mlestar.recipes.parts import Tfidf, as_text, counts_of
from mlestar.recipes.recipe import Recipe, is_long
from mlestar.recipes.space import Choice, Integer


class TextComponents(TransformerMixin, BaseEstimator):
    """Text columns as the main components of their word and character TF-IDF, and as counts of what they consist of."""

    def __init__(self, columns, components, word_ngrams, character_ngrams, seed):
        self.columns = columns
        self.components = components
        self.word_ngrams = word_ngrams
        self.character_ngrams = character_ngrams
        self.seed = seed

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        self.encoders_ = {}
        for name in self.columns:
            if name in X:
                self.encoders_[name] = dict(self._encoders(as_text(X[name])))
        return self

    def _encoders(self, text):
        sequences = {"word": (1, self.word_ngrams), "char_wb": (min(3, self.character_ngrams), self.character_ngrams)}
        for analyzer, lengths in sequences.items():
            if lengths[1]:
                pattern = r"(?u)\b\w+\b"
                terms = Tfidf(analyzer=analyzer, ngram_range=lengths, token_pattern=pattern, max_features=30_000)
                matrix = terms.fit_transform(text)
                if matrix.shape[1] > 1:
                    components = TruncatedSVD(min(self.components, matrix.shape[1]), random_state=self.seed).fit(matrix)
                    yield analyzer, make_pipeline(terms, components)

    def transform(self, X):
        texts = {name: as_text(X[name]) for name in self.encoders_}
        parts = [X.drop(columns=list(texts))]
        for name, text in texts.items():
            parts.append(counts_of(text).add_prefix(f"{name} "))
            for analyzer, encoder in self.encoders_[name].items():
                values = encoder.transform(text)
                names = [f"{name} {analyzer} {number}" for number in range(values.shape[1])]
                parts.append(pd.DataFrame(values, columns=names, index=X.index))
        return pd.concat(parts, axis=1)


def features(ctx, *, components=30, word_ngrams=2, character_ngrams=4):
    """Replace every text column by numbers: TF-IDF of words and of characters, reduced to `components` each.

    With `character_ngrams=0` only words count.
    """
    return TextComponents(ctx.text, components, word_ngrams, character_ngrams, ctx.seed)


RECIPE = Recipe(
    kind="features",
    name="text",
    space={
        "components": Integer(10, 100, log=True),
        "word_ngrams": Choice(1, 2),
        "character_ngrams": Choice(0, 3, 4, 5),
    },
    portfolio=lambda task: (
        ({"word_ngrams": 1, "character_ngrams": 0}, {}) if is_long(task) else ({}, {"components": 60})
    ),
    suits=lambda task: 4.0 if task.text else 0.0,
    cost=lambda task: 0.1 + 2e-4 * task.rows * len(task.text) + 1.6e-6 * task.characters,
    grows={
        "word_ngrams": lambda longest: 0.9 + 0.1 * longest,
        "character_ngrams": lambda longest: 0.1 + 0.25 * longest,
    },
)
