"""Runs to report on: scikit-learn's data sets, searched in miniature by real fits, written as the stages write them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sklearn.datasets
from sklearn.base import BaseEstimator
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.inspection import permutation_importance
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    confusion_matrix,
    precision_recall_curve,
    roc_auc_score,
    roc_curve,
    root_mean_squared_error,
)
from sklearn.model_selection import cross_validate, train_test_split
from sklearn.pipeline import make_pipeline

from mlestar.digests import digest
from mlestar.files import write_json
from mlestar.report import Run

CLEAN = '''
from sklearn.feature_selection import VarianceThreshold


def clean(ctx, *, threshold=0.0):
    """Leave out the columns that never change."""
    return VarianceThreshold(threshold)
'''
SCALE = '''
from sklearn.preprocessing import StandardScaler


def encode(ctx):
    """Numbers at mean zero and unit variance."""
    return StandardScaler()
'''
RANGE = '''
from sklearn.preprocessing import MinMaxScaler


def encode(ctx):
    """Numbers between zero and one."""
    return MinMaxScaler()
'''
QUANTILES = '''
from sklearn.preprocessing import QuantileTransformer


def encode(ctx, *, quantiles=100):
    """Numbers by rank, as normal quantiles: extreme values <lose> their leverage & keep their order."""
    return QuantileTransformer(n_quantiles=quantiles, output_distribution="normal", random_state=ctx.seed)
'''
LINEAR = {
    "classification": '''
from sklearn.linear_model import LogisticRegression


def model(ctx, *, C=1.0):
    """Logistic regression."""
    return LogisticRegression(C=C, max_iter=2000, random_state=ctx.seed)
''',
    "regression": '''
from sklearn.linear_model import Ridge


def model(ctx, *, alpha=1.0):
    """Ridge regression."""
    return Ridge(alpha=alpha, random_state=ctx.seed)
''',
}
TREES = '''
from sklearn.ensemble import ExtraTrees{0}


def model(ctx, *, trees=40, min_samples_leaf=2):
    """Extra trees: many randomised trees, averaged."""
    return ExtraTrees{0}(trees, min_samples_leaf=min_samples_leaf, random_state=ctx.seed, n_jobs=ctx.threads)
'''
SHALLOW = TREES.replace("min_samples_leaf=2)", "min_samples_leaf=8)")
DATA_SETS = {
    "breast_cancer": ("binary", "roc_auc", "roc_auc", "stratified"),
    "diabetes": ("regression", "rmse", "neg_root_mean_squared_error", "kfold"),
    "digits": ("multiclass", "accuracy", "accuracy", "stratified"),
}
METRICS = {"roc_auc": roc_auc_score, "rmse": root_mean_squared_error, "accuracy": accuracy_score}
MOST_ROWS = 600


def recipe(source: str) -> str:
    """The class that a block returns, as the name of its recipe."""
    return source.partition("return ")[2].partition("(")[0]


def program(blocks: dict[str, str]) -> str:
    """The blocks as a percent-cell script."""
    cells = [f"# %% block: {kind} ({recipe(source)})\n{source.strip()}\n" for kind, source in blocks.items()]
    return '"""A solution."""\n\n' + "\n\n".join(cells) + "\n\n# %% the program\n"


def estimator(blocks: dict[str, str]) -> BaseEstimator:
    """The pipeline that the blocks define."""
    context = SimpleNamespace(seed=0, threads=1)
    steps = []
    for kind, source in blocks.items():
        names: dict[str, Any] = {}
        exec(source, names)
        steps.append(names[kind](context))
    return make_pipeline(*steps)


class Recorder:
    """Searches one data set over two branches and writes the directories of the stages."""

    def __init__(self, name: str, root: Path) -> None:
        self.root, self.name = root, name
        self.type, self.metric, self.scoring, self.splitter = DATA_SETS[name]
        self.sign = -1 if self.type == "regression" else 1
        bunch = getattr(sklearn.datasets, f"load_{name}")(as_frame=True)
        self.features, target = bunch.data[:MOST_ROWS], bunch.target[:MOST_ROWS]
        self.classes = [] if self.type == "regression" else [str(each) for each in bunch.target_names]
        self.train_x, self.test_x, self.train_y, self.test_y = train_test_split(
            self.features, target, test_size=0.25, random_state=0, stratify=target if self.classes else None
        )
        self.candidates: list[dict[str, Any]] = []
        self.programs: dict[str, str] = {}
        self.elapsed = {1: 0.0, 2: 0.0}

    def write(self) -> Path:
        """Search, judge and write; returns the root directory."""
        suffix = "Regressor" if self.type == "regression" else "Classifier"
        linear = LINEAR["regression" if self.type == "regression" else "classification"]
        start = {
            1: {"clean": CLEAN, "encode": SCALE, "model": linear},
            2: {"clean": CLEAN, "encode": SCALE, "model": TREES.format(suffix)},
        }
        better = {1: ("encode", QUANTILES), 2: ("model", SHALLOW.format(suffix))}
        ablations, refinements, spent = [], [], []
        best: dict[int, tuple[dict[str, str], dict[str, Any]]] = {}
        for branch, blocks in start.items():
            first = self.evaluate(blocks, branch, "search", None, f"initial solution of branch {branch}")
            null = self.evaluate(blocks | {"encode": RANGE}, branch, "ablate", "encode", "encode by range")
            ablations.append(self.compare(first, null, branch, "encode", "range", worse=True))
            strict = blocks | {"model": linear.replace("=1.0", "=30.0")}
            simple = self.evaluate(strict, branch, "ablate", "model", "regularised linear model")
            ablations.append(self.compare(first, simple, branch, "model", "regularised linear", worse=True))
            kind, source = better[branch]
            refined = self.evaluate(blocks | {kind: source}, branch, "refine", kind, f"{kind} refined")
            refinements.append(self.refinement(first, refined, branch, kind))
            gained = refinements[-1]["accepted"]
            best[branch] = (blocks | {kind: source}, refined) if gained else (blocks, first)
            for stage, evaluations in (("search", 5), ("ablate", 10), ("refine", 5)):
                spent.append(
                    {"stage": stage, "branch": branch, "step": None if stage == "search" else 1,
                     "planned_seconds": 12.0, "seconds": 2.1 * evaluations,
                     "evaluations": evaluations, "executed": evaluations}
                )  # fmt: skip
        spent.append(
            {"stage": "ensemble", "branch": None, "step": None, "planned_seconds": 8.0, "seconds": 5.5,
             "evaluations": 2, "executed": 2}
        )  # fmt: skip
        self.fail(2)
        winner, chosen = max(best.values(), key=lambda pair: self.sign * pair[1]["score"])
        self.write_scope()
        self.write_model(winner, chosen, [pair[1] for pair in best.values()], ablations, refinements, spent)
        self.write_verdict(estimator(winner).fit(self.train_x, self.train_y), chosen)
        return self.root

    def evaluate(self, blocks: dict[str, str], branch: int, stage: str, kind: str | None, name: str) -> dict[str, Any]:
        found = cross_validate(estimator(blocks), self.train_x, self.train_y, cv=5, scoring=self.scoring)
        scores = [float(self.sign * score) for score in found["test_score"]]
        self.elapsed[branch] += 2.5 + len(self.candidates) % 3
        candidate = {
            "id": digest([branch, blocks])[:12], "branch": branch, "stage": stage,
            "step": 0 if stage == "search" else 1, "name": name, "parent": None, "block": kind,
            "status": "ok", "reason": None, "recipes": {key: recipe(source) for key, source in blocks.items()},
            "score": float(np.mean(scores)), "standard_error": float(np.std(scores, ddof=1) / 5**0.5),
            "fold_scores": scores, "seconds": 2.5, "peak_mb": 180.0, "order": len(self.candidates),
            "elapsed": self.elapsed[branch],
        }  # fmt: skip
        self.candidates.append(candidate)
        self.programs[candidate["id"]] = program(blocks)
        return candidate

    def fail(self, branch: int) -> None:
        last = self.candidates[-1]
        self.candidates.append(
            last | {"id": "0" * 12, "name": "support vectors", "status": "timeout",
                    "reason": "fold 0 took more than 20 s", "branch": branch, "score": None,
                    "standard_error": None, "fold_scores": [], "peak_mb": None,
                    "order": len(self.candidates), "elapsed": last["elapsed"] + 20.0}
        )  # fmt: skip

    def compare(
        self, reference: Any, other: Any, branch: int, kind: str, variant: str, *, worse: bool
    ) -> dict[str, Any]:
        """The paired difference on the folds: the loss through ``other`` if ``worse``, else the gain."""
        difference = self.sign * (np.array(other["fold_scores"]) - reference["fold_scores"]) * (-1 if worse else 1)
        return {
            "branch": branch, "step": 1, "candidate": reference["id"], "block": kind, "variant": variant,
            "effect": float(difference.mean()), "standard_error": float(difference.std(ddof=1) / 5**0.5),
            "seconds": 2.5, "status": "ok", "reason": None,
        }  # fmt: skip

    def refinement(self, before: Any, after: Any, branch: int, kind: str) -> dict[str, Any]:
        found = self.compare(before, after, branch, kind, "", worse=False)
        gain, error = found["effect"], found["standard_error"]
        plan = {"id": after["id"], "name": after["name"], "parameters": {"quantiles": 100}, "score": after["score"],
                "gain": gain, "standard_error": error, "status": "ok"}  # fmt: skip
        return {"branch": branch, "step": 1, "block": kind,
                "before": before["id"], "after": after["id"] if gain > 0 else before["id"], "plans": [plan],
                "gain": gain, "standard_error": error, "accepted": gain > 0}  # fmt: skip

    def write_scope(self) -> None:
        dummy = DummyRegressor() if self.type == "regression" else DummyClassifier(strategy="prior")
        scores = cross_validate(dummy, self.train_x, self.train_y, cv=5, scoring=self.scoring)["test_score"]
        columns = [
            {"name": name, "storage": "number", "role": "numeric", "missing": int(values.isna().sum()),
             "unique": int(values.nunique()), "note": None}
            for name, values in self.train_x.items()
        ]  # fmt: skip
        task = {
            "name": self.name.replace("_", "-"), "type": self.type, "targets": ["target"], "metric": self.metric,
            "classes": self.classes, "id": None, "time": None, "group": None, "columns": columns,
            "rows": len(self.train_x), "splitter": self.splitter, "folds": 5, "repeats": 1, "gap": 0, "seed": 0,
        }  # fmt: skip
        described = self.train_x.describe().loc[["mean", "std", "min", "50%", "max"]].rename({"50%": "median"})
        scope = {
            "spec": {"name": task["name"], "purpose": {"intended_use": "an example of a report", "owner": "the tests"},
                     "objective": {"at_least": 0.9} if self.type == "binary" else None},
            "task": task,
            "inferences": [
                {"field": "task.type", "value": self.type, "reason": f"{self.train_y.nunique()} distinct values"},
                {"field": "task.metric", "value": self.metric, "reason": f"the usual one for a {self.type} task"},
            ],
            "warnings": [f"{len(self.train_x)} rows are few: the scores are uncertain, see their intervals"],
            "fingerprint": digest(self.features.to_csv()),
            "rows": {"train": len(self.train_x), "holdout": len(self.test_x)},
            "baseline": {"score": float(self.sign * scores.mean()), "description": "the same prediction for every row"},
            "statistics": {name: {key: float(v) for key, v in values.items()} for name, values in described.items()},
            "seconds_per_evaluation": 0.5,
        }  # fmt: skip
        write_json(self.root / "scope" / "scope.json", scope)
        stages = {"search": 24.0, "ablate": 24.0, "refine": 24.0, "ensemble": 8.0, "validate": 12.0, "finalize": 6.0}
        write_json(self.root / "scope" / "plan.json", {"mode": "wall_clock", "total": 100.0, "stages": stages})

    def write_model(
        self, winner: dict[str, str], chosen: Any, members: list[Any], ablations: Any, refinements: Any, spent: Any
    ) -> None:
        model = {
            "kind": "judged", "blessed": None, "solution": digest(winner), "program_sha256": digest(program(winner)),
            "model_sha256": digest(chosen), "task": {}, "metric": self.metric, "score": chosen["score"],
            "members": [chosen["id"]], "versions": {"python": "3.12.1", "scikit-learn": sklearn.__version__},
        }  # fmt: skip
        weights = [0.7, 0.3] if chosen is members[0] else [0.3, 0.7]
        ensemble = {
            "method": "weighted average",
            "candidates": [
                {"method": "weighted average", "score": chosen["score"], "standard_error": chosen["standard_error"]},
                {"method": "best", "score": members[0]["score"], "standard_error": members[0]["standard_error"]},
            ],
            "members": [
                {key: member[key] for key in ("id", "name", "branch", "score")} | {"weight": weight}
                for member, weight in zip(members, weights, strict=True)
            ],
        }
        for folder, document in (("model", model), ("final", model | {"kind": "final", "blessed": True})):
            write_json(self.root / folder / "model.json", document)
            (self.root / folder / "solution.py").write_text(program(winner), encoding="utf-8")
        write_json(self.root / "model" / "ensemble.json", ensemble)
        write_json(self.root / "model" / "candidates.json", {"best": chosen["id"], "candidates": self.candidates})
        history = {"ablations": ablations, "refinements": refinements, "spent": spent}
        write_json(self.root / "model" / "history.json", history)
        (self.root / "model" / "solutions").mkdir()
        for identifier, text in self.programs.items():
            (self.root / "model" / "solutions" / f"{identifier}.py").write_text(text, encoding="utf-8")

    def write_verdict(self, model: BaseEstimator, chosen: Any) -> None:
        kind = "regression" if self.type == "regression" else "classification"
        dummy = DummyRegressor() if kind == "regression" else DummyClassifier(strategy="prior")
        simple = estimator({"clean": CLEAN, "encode": SCALE, "model": LINEAR[kind]})
        baselines = [each.fit(self.train_x, self.train_y) for each in (dummy, simple)]
        own, trivial, plain = (self.bootstrapped(fitted) for fitted in (model, *baselines))
        by_input = [{"input": "missing values", "lost": 0.01}, {"input": "reordered columns", "lost": 0.0}]
        above = {"difference": own["score"] - trivial["score"]}
        checks = [
            ("performance", "Better than the trivial baseline", "pass", "error", "the intervals are apart", above),
            ("overfit", "Overfit gap", "warn", "warn", "below cross-validation", {"folds": chosen["fold_scores"]}),
            (
                "robustness",
                "Robust to unusual input",
                "pass",
                "error",
                "every input was answered",
                {"inputs": by_input},
            ),
            ("importance", "Permutation importance", "pass", "warn", "few columns matter", self.importance(model)),
            ("label_shuffle", "Label shuffle", "not_run", "warn", "the budget left no time for it", {}),
        ]
        keys = ("id", "title", "status", "severity", "summary", "evidence")
        verdict = {
            "verdict": "blessed", "metric": self.metric, "greater_is_better": self.sign > 0, **own, "confidence": 0.95,
            "bootstrap": {"resamples": 100, "drawn": "rows"},
            "rows": len(self.test_x), "cross_validation_score": chosen["score"],
            "baselines": {"trivial": {**trivial, "description": "the same prediction for every row"},
                          "plain": {**plain, "description": "a linear model on standardised columns"}},
            "checks": [dict(zip(keys, check, strict=True)) for check in checks],
            "curves": self.curves(model), "profile": self.profile(), "environment": {"python": "3.12.1", "cores": 2},
            "seconds": 4.2,
        }  # fmt: skip
        write_json(self.root / "verdict.json", verdict)

    def bootstrapped(self, model: BaseEstimator) -> dict[str, Any]:
        """The holdout score with a bootstrap interval."""
        metric, rows = METRICS[self.metric], np.random.default_rng(0)
        predicted = model.predict_proba(self.test_x)[:, 1] if self.type == "binary" else model.predict(self.test_x)
        true = self.test_y.to_numpy()
        samples = [rows.integers(0, len(true), len(true)) for _ in range(100)]
        low, high = np.quantile([metric(true[sample], predicted[sample]) for sample in samples], [0.025, 0.975])
        return {"score": float(metric(true, predicted)), "interval": [float(low), float(high)]}

    def importance(self, model: BaseEstimator) -> dict[str, Any]:
        """Evidence of what the model depends on."""
        found = permutation_importance(
            model, self.test_x, self.test_y, scoring=self.scoring, n_repeats=3, random_state=0
        ).importances
        columns = [
            {"column": name, "importance": float(lost.mean()), "standard_error": float(lost.std(ddof=1) / 3**0.5)}
            for name, lost in zip(self.test_x, found, strict=True)
        ]
        columns.sort(key=lambda each: -each["importance"])
        unused = [each["column"] for each in columns if not each["importance"]]
        return {"rows": len(self.test_x), "repeats": 3, "columns": columns, "columns_without_effect": unused}

    def profile(self) -> dict[str, Any]:
        """Histograms of the columns."""
        found = {}
        for name, values in self.train_x.items():
            train, edges = np.histogram(values, 8)
            held_out, _ = np.histogram(self.test_x[name], edges)
            found[name] = {"edges": edges.tolist(), "train": train.tolist(), "holdout": held_out.tolist()}
        return found

    def curves(self, model: BaseEstimator) -> dict[str, Any]:
        predicted = model.predict(self.test_x)
        if self.type == "regression":
            return {"residuals": {"true": [float(v) for v in self.test_y], "predicted": [float(v) for v in predicted]}}
        found: dict[str, Any] = {
            "confusion": {"classes": self.classes, "matrix": confusion_matrix(self.test_y, predicted).tolist()}
        }
        if self.type == "binary":
            probability = model.predict_proba(self.test_x)[:, 1]
            false_positive, true_positive, thresholds = roc_curve(self.test_y, probability)
            bins = np.minimum((probability * 5).astype(int), 4)
            found["roc"] = {
                "false_positive_rate": false_positive.tolist(), "true_positive_rate": true_positive.tolist(),
                "thresholds": [float(v) if np.isfinite(v) else None for v in thresholds],
            }  # fmt: skip
            precision, recall, _ = precision_recall_curve(self.test_y, probability)
            found["precision_recall"] = {
                "recall": recall.tolist(), "precision": precision.tolist(), "positives": float(self.test_y.mean()),
                "average_precision": float(average_precision_score(self.test_y, probability)),
            }  # fmt: skip
            found["calibration"] = {
                "predicted": [float(probability[bins == b].mean()) if (bins == b).any() else None for b in range(5)],
                "observed": [float(self.test_y[bins == b].mean()) if (bins == b).any() else None for b in range(5)],
                "count": [int((bins == b).sum()) for b in range(5)],
            }
        return found


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The directories of a run on a data set of scikit-learn, by its name."""
    made: dict[str, Path] = {}

    def directories(name: str) -> Path:
        if name not in made:
            made[name] = Recorder(name, tmp_path_factory.mktemp(name)).write()
        return made[name]

    return directories


@pytest.fixture(scope="session")
def read(recorded: Callable[[str], Path]) -> Callable[[str], Run]:
    """A whole, blessed run on a data set of scikit-learn."""

    def run(name: str) -> Run:
        root = recorded(name)
        return Run.read(scope=root / "scope", model=root / "model", verdict=root / "verdict.json", final=root / "final")

    return run
