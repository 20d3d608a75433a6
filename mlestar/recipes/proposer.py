"""The embedded proposer: recipes, combined so that they suit each other, and their parameters."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, zip_longest
from typing import Any

from mlestar.data.task import Task
from mlestar.errors import SolutionError
from mlestar.evaluation.metrics import get_metric
from mlestar.recipes.catalogue import find_recipe, knows_recipe, null_recipe, recipes_for
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Parameter, distributions
from mlestar.solution import MEMBER_KINDS, Block, Solution

__all__ = ["Proposal", "RecipeProposer", "Trial"]

_PROPOSED_KINDS = (*MEMBER_KINDS, "postprocess")
_DRAWS = 30  # until a space counts as exhausted


@dataclass(frozen=True)
class Proposal:
    """A solution worth trying."""

    solution: Solution
    name: str


@dataclass(frozen=True)
class Trial:
    """A setting of a block that was tried: the recipe, its parameters, and the score (None where it gave none)."""

    name: str
    parameters: Mapping[str, Any]
    score: float | None = None


class RecipeProposer:
    """Proposes solutions made of recipes; the same questions under the same seed get the same answers.

    Parameters
    ----------
    task : Task
    seed : int
    """

    def __init__(self, task: Task, seed: int = 0) -> None:
        self.task = task
        self.seed = seed

    @staticmethod
    def kinds(task: Task) -> list[str]:
        """The kinds of block that there are recipes for, in the order of application."""
        return [kind for kind in _PROPOSED_KINDS if recipes_for(kind, task)]

    def initial(self, branch: int = 0, branches: int = 1) -> list[Proposal]:
        """Solutions to start a branch from: every model once, the most promising first, then their other settings.

        The models are dealt out to the branches, so that these take different ones. Where there are more branches than
        models, a late branch starts from a later setting.
        """
        models = recipes_for("model", self.task)
        dealt = models[branch % min(branches, len(models)) :: branches]
        by_model = [[self._solution(model, turn) for turn in range(len(model.portfolio))] for model in dealt]
        found = [each for turn in zip_longest(*by_model) for each in turn if each]
        late = branch // len(models) % len(found)
        return found[late:] + found[:late]

    def nulls(self, solution: Solution) -> list[tuple[str, Proposal]]:
        """For every block, the solution with the simplest competent alternative in its place, or without the block."""
        found = []
        for kind, block in solution.blocks.items():
            null = null_recipe(kind, self.task)
            if null is None:
                found.append((kind, Proposal(solution.replace(kind, None), f"without {kind}")))
            elif null.name != block.name:
                found.append(
                    (kind, Proposal(solution.replace(kind, null.block(task=self.task)), f"{kind}: {null.name}"))
                )
        return found

    def plan(self, solution: Solution, kind: str, trials: Sequence[Trial]) -> Proposal | None:
        """An untried change of one block: another recipe first, then other parameters; None when there is none left.

        Parameters
        ----------
        solution : Solution
            What to improve; it may lack the block.
        kind : str
        trials : sequence of Trial
            What was tried for this block, in the order in which it was, failures included.
        """
        current = solution.blocks.get(kind)
        known = {trial.name for trial in trials} | ({current.name} if current else set())
        fresh = next((each for each in self._options(solution, kind) if each.name not in known), None)
        if fresh:
            return Proposal(
                solution.replace(kind, fresh.block(fresh.portfolio[0], task=self.task)), f"{kind}: {fresh.name}"
            )
        if current is None or not knows_recipe(kind, current.name):
            return None
        parameters = self._parameters(find_recipe(kind, current.name), current, trials)
        if parameters is None:
            return None
        block = current.with_parameters(parameters)
        return Proposal(solution.replace(kind, block), f"{kind}: {current.name}, {_difference(block, current)}")

    def _solution(self, model: Recipe, turn: int) -> Proposal:
        """The ``turn``-th setting of a model, with blocks that go with it."""
        encodes = [each for each in recipes_for("encode", self.task) if _feeds(each, model)]
        wanted = [each for name in model.encodes for each in encodes if each.name == name] or encodes[:1]
        if not wanted:
            raise SolutionError(
                f"recipe model_{model.name}: no encode recipe is for its family {model.family!r}; "
                "name the family of a model that there is, or add such a recipe"
            )
        encode = wanted[turn % len(wanted)]
        features = [each.name for each in self._worth_having("features") if not _clash(each, encode)]
        recipes = [
            recipes_for("clean", self.task)[0],
            *([find_recipe("features", "+".join(features))] if features else []),
        ]
        recipes += [encode, *self._worth_having("target")[:1], *self._worth_having("postprocess")[:1]]
        blocks = {each.kind: each.block(each.portfolio[0], task=self.task) for each in recipes}
        blocks["encode"] = encode.block(encode.portfolio[turn % len(encode.portfolio)], task=self.task)
        blocks["model"] = model.block(model.portfolio[turn], task=self.task)
        name = ", ".join(["+".join(features)] * bool(features) + [encode.name, model.name])
        return Proposal(Solution.of(blocks), f"{name} ({turn + 1})" if turn else name)

    def _worth_having(self, kind: str) -> list[Recipe]:
        """What to start with, of the blocks that may be absent."""
        return [each for each in recipes_for(kind, self.task) if each.suits(self.task) > 1]

    def _options(self, solution: Solution, kind: str) -> list[Recipe]:
        """The recipes of a kind (of features: also in chains) that go with the other blocks of a solution."""
        others = [
            find_recipe(other, block.name)
            for other, block in solution.blocks.items()
            if other != kind and knows_recipe(other, block.name)
        ]
        found = [
            each
            for each in recipes_for(kind, self.task)
            if not any(_clash(each, other) for other in others)
            and all(_feeds(each, other) for other in others if (kind, other.kind) == ("encode", "model"))
            and all(_feeds(other, each) for other in others if (kind, other.kind) == ("model", "encode"))
        ]
        if kind != "features":
            return found
        names = [each.name for each in found]
        chains = [chain for size in range(len(names), 0, -1) for chain in combinations(names, size)]
        return [find_recipe(kind, "+".join(chain)) for chain in chains]

    def _parameters(self, recipe: Recipe, current: Block, trials: Sequence[Trial]) -> dict[str, Any] | None:
        """An untried setting: of the portfolio, then by the tree-structured Parzen estimator (Bergstra et al. 2011)."""
        own = set(current.parameters)  # for this task, which some of the recipe's mean nothing to
        defaults, space = _only(own, recipe.defaults), _only(own, recipe.space)
        mine = [(defaults | _only(own, trial.parameters), trial.score) for trial in trials if trial.name == recipe.name]
        tried = {_key(values) for values, _ in mine} | {_key(current.parameters)}
        settings = [defaults | _only(own, setting) for setting in recipe.portfolio]
        fresh = [setting for setting in settings if _key(setting) not in tried]
        if fresh or not space:
            return fresh[0] if fresh else None
        samples = self._samples(space, mine)
        return next((defaults | each for each in samples if _key(defaults | each) not in tried), None)

    def _samples(
        self, space: Mapping[str, Parameter], trials: Sequence[tuple[Mapping[str, Any], float | None]]
    ) -> Iterator[dict[str, Any]]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        greater_is_better = get_metric(self.task.metric, self.task.type).greater_is_better
        sampler = optuna.samplers.TPESampler(n_startup_trials=5, seed=self.seed + len(trials))
        study = optuna.create_study(direction="maximize" if greater_is_better else "minimize", sampler=sampler)
        found = distributions(space)
        for values, score in trials:
            if score is not None and all(values[name] in space[name] for name in space):
                params = _only(space, values)
                study.add_trial(optuna.trial.create_trial(params=params, distributions=found, value=score))
        for _ in range(_DRAWS):
            yield {name: _rounded(value) for name, value in study.ask(found).params.items()}


def _feeds(encode: Recipe, model: Recipe) -> bool:
    """Whether a model gets what it wants and can take."""
    return (not encode.families or model.family in encode.families) and (model.sparse or not encode.sparse)


def _clash(one: Recipe, other: Recipe) -> bool:
    """Whether one has no purpose beside the other."""
    return any(
        f"{each.kind}_{part}" in against.excludes
        for each, against in ((one, other), (other, one))
        for part in each.name.split("+")
    )


def _only(names: Collection[str], values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name in names}


def _rounded(value: Any) -> Any:
    """Numbers that a person would write: more digits say nothing."""
    return float(f"{value:.3g}") if isinstance(value, float) else value


def _key(parameters: Mapping[str, Any]) -> str:
    return json.dumps(parameters, sort_keys=True)


def _difference(new: Block, old: Block) -> str:
    """The parameters that changed, in words."""
    changed = {name: value for name, value in new.parameters.items() if value != old.parameters[name]}
    return ", ".join(
        f"{name}={value:.3g}" if isinstance(value, float) else f"{name}={value}" for name, value in changed.items()
    )
