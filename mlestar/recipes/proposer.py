"""The embedded proposer: recipes, combined so that they suit each other, and their parameters."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from typing import Any, TypeAlias

from mlestar.data.task import Task
from mlestar.errors import SolutionError
from mlestar.evaluation.metrics import get_metric
from mlestar.recipes.catalogue import find_recipe, knows_recipe, null_recipe, recipes_for
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import distributions
from mlestar.solution import MEMBER_KINDS, REQUIRED_KINDS, Block, Solution

__all__ = ["REACH", "Proposal", "RecipeProposer", "Trial"]

REACH = 0.15
"""Of a parameter's space, on either side of its value, within which better ones are sought first."""

_PROPOSED_KINDS = (*MEMBER_KINDS, "postprocess")
_DRAWS = 30  # until a space counts as exhausted
_FURTHER_SETTING = 0.7  # of the promise of the one before it
_Known: TypeAlias = tuple[Mapping[str, Any], float | None]  # parameters that were tried, and their score


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
    branch, branches : int
        The models are dealt out to so many branches, so that these try different ones. Where there are more branches
        than models, a late branch starts from a later setting.
    """

    def __init__(self, task: Task, seed: int = 0, *, branch: int = 0, branches: int = 1) -> None:
        self.task = task
        self.seed = seed
        models = recipes_for("model", task)
        self._models = models[branch % min(branches, len(models)) :: branches]
        self._late = branch // len(models)

    @staticmethod
    def kinds(task: Task) -> list[str]:
        """The kinds of block that there are recipes for, in the order of application."""
        return [kind for kind in _PROPOSED_KINDS if recipes_for(kind, task)]

    def starts(self) -> Iterator[Proposal]:
        """Solutions to start from, the most promising first: every further setting of a model promises less.

        One after the other: of wide tables, making them takes a while.
        """
        settings = [(model, turn) for model in self._models for turn in range(len(model.settings(self.task)))]
        settings.sort(key=lambda each: -each[0].suits(self.task) * _FURTHER_SETTING ** each[1])
        late = self._late % len(settings)
        for model, turn in settings[late:] + settings[:late]:
            start = self._solution(model, turn)
            yield start
            if self.task.time:
                yield self._untrended(start)

    def adapted(self, blocks: Mapping[str, Block], name: str) -> Proposal | None:
        """What did well on another task, with the recipes that suit this one.

        None where its model is another branch's, or nothing of it suits that a solution has to have.

        Blocks that are no recipes stay as they are. What a postprocess has learned of the other task is left out.
        """
        found = {}
        for kind, block in blocks.items():
            if kind not in MEMBER_KINDS:
                continue
            if not knows_recipe(kind, block.name):
                found[kind] = block
                continue
            recipe = find_recipe(kind, block.name)
            if not recipe.unavailable and recipe.suits(self.task) > 0:
                found[kind] = recipe.block(_only(recipe.defaults, block.parameters), task=self.task)
        if not found.keys() >= set(REQUIRED_KINDS):
            return None
        model, own = found["model"].name, [each.name for each in self._models]
        if model not in own and knows_recipe("model", model):
            return None
        own_kinds = ("join", "postprocess")  # by the tables of this task, and by its labels
        found |= {
            each.kind: each.block(task=self.task)
            for kind in own_kinds
            if kind not in found
            for each in self._worth_having(kind)[:1]
        }
        chain = ", ".join(found[kind].name for kind in ("features", "encode", "model") if kind in found)
        return Proposal(Solution.of(found), f"{name}: {chain}")

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

    def plan(self, solution: Solution, kind: str, trials: Sequence[Trial], *, reach: float = REACH) -> Proposal | None:
        """An untried change of one block; None when there is none left.

        Another recipe first, then other parameters; of a model its proven settings first, then another model, then the
        present one in smaller steps, then other parameters.

        Parameters
        ----------
        solution : Solution
            What to improve; it may lack the block.
        kind : str
        trials : sequence of Trial
            What was tried for this block, in the order in which it was, failures included.
        reach : float
            Of a parameter's space, on either side of its value, within which better ones are sought; 1 for all of it.
        """
        plans = [self._fresh, self._setting]
        if kind == "model":
            plans = [self._setting, self._fresh, self._slower]
        found = (plan(solution, kind, trials) for plan in plans)
        return next(filter(None, found), None) or self._sample(solution, kind, trials, reach)

    def _fresh(self, solution: Solution, kind: str, trials: Sequence[Trial]) -> Proposal | None:
        """A recipe that was not tried."""
        known = {trial.name for trial in trials} | {each.name for each in [solution.blocks.get(kind)] if each}
        fresh = next((each for each in self._options(solution, kind) if each.name not in known), None)
        if fresh is None:
            return None
        block = fresh.block(fresh.settings(self.task)[0], task=self.task)
        return Proposal(solution.replace(kind, block), f"{kind}: {fresh.name}")

    def _setting(self, solution: Solution, kind: str, trials: Sequence[Trial]) -> Proposal | None:
        """A setting of the portfolio of the block's recipe."""
        return self._changed(solution, kind, trials, lambda recipe, *_: iter(recipe.settings(self.task)))

    def _slower(self, solution: Solution, kind: str, trials: Sequence[Trial]) -> Proposal | None:
        """The model as it is, with more and smaller steps."""

        def settings(recipe: Recipe, current: Block, _: Sequence[_Known]) -> Iterator[Mapping[str, Any]]:
            changed = {
                name: type(current.parameters[name])(_rounded(current.parameters[name] * factor))
                for name, factor in recipe.slower.items()
            }
            if changed and all(value in recipe.space[name] for name, value in changed.items()):
                yield {**current.parameters, **changed}

        return self._changed(solution, kind, trials, settings)

    def _sample(self, solution: Solution, kind: str, trials: Sequence[Trial], reach: float) -> Proposal | None:
        """Parameters near the present ones, drawn by the tree-structured Parzen estimator (Bergstra et al. 2011)."""
        return self._changed(solution, kind, trials, partial(self._samples, reach=reach))

    def _changed(
        self,
        solution: Solution,
        kind: str,
        trials: Sequence[Trial],
        settings: Callable[[Recipe, Block, Sequence[_Known]], Iterator[Mapping[str, Any]]],
    ) -> Proposal | None:
        """The block with the first of these settings that was not tried."""
        current = solution.blocks.get(kind)
        if current is None or not knows_recipe(kind, current.name):
            return None
        recipe, own = find_recipe(kind, current.name), set(current.parameters)  # of this task: others mean nothing here
        defaults = _only(own, recipe.defaults)
        known = [
            (defaults | _only(own, trial.parameters), trial.score) for trial in trials if trial.name == recipe.name
        ]
        tried = {_key(values) for values, _ in known} | {_key(current.parameters)}
        found = (defaults | _only(own, each) for each in settings(recipe, current, known))
        fresh = next((each for each in found if _key(each) not in tried), None)
        if fresh is None:
            return None
        block = current.with_parameters(fresh)
        return Proposal(solution.replace(kind, block), f"{kind}: {current.name}, {_difference(block, current)}")

    def _solution(self, model: Recipe, turn: int) -> Proposal:
        """The ``turn``-th setting of a model, with blocks that go with it."""
        encodes = {each.name: each for each in recipes_for("encode", self.task) if _feeds(each, model)}
        pairs = [(each, None) if isinstance(each, str) else each for each in model.encodes]
        wanted = [each for each in pairs if each[0] in encodes] or [(name, None) for name in list(encodes)[:1]]
        if self.task.text:  # what reads texts itself says more of them than their components
            wanted = [each for each in wanted if "features_text" in encodes[each[0]].excludes] or wanted
        if not wanted:
            raise SolutionError(
                f"recipe model_{model.name}: no encode recipe is for its family {model.family!r}; "
                "name the family of a model that there is, or add such a recipe"
            )
        chosen, values = wanted[turn % len(wanted)]
        encode = encodes[chosen]
        features = [each.name for each in self._worth_having("features") if not _clash(each, encode)]
        recipes = [
            *self._worth_having("join")[:1],
            recipes_for("clean", self.task)[0],
            *([find_recipe("features", "+".join(features))] if features else []),
        ]
        recipes += [encode, *self._worth_having("target")[:1], *self._worth_having("postprocess")[:1]]
        blocks = {each.kind: each.block(each.settings(self.task)[0], task=self.task) for each in recipes}
        encode_settings = encode.settings(self.task)
        values = encode_settings[turn % len(encode_settings)] if values is None else values
        blocks["encode"] = encode.block(values, task=self.task)
        blocks["model"] = model.block(model.settings(self.task)[turn], task=self.task)
        name = ", ".join(["+".join(features)] * bool(features) + [encode.name, model.name])
        return Proposal(Solution.of(blocks), f"{name} ({turn + 1})" if turn else name)

    def _untrended(self, start: Proposal) -> Proposal:
        """The same without what only grows with time: which of both predicts later rows better, the folds tell."""
        present = start.solution.blocks.get("features")
        chain = "+".join([*([present.name] if present else []), "untrended"])
        recipe = find_recipe("features", chain)
        block = recipe.block(recipe.settings(self.task)[0], task=self.task)
        return Proposal(start.solution.replace("features", block), f"{start.name}, untrended")

    def _worth_having(self, kind: str) -> list[Recipe]:
        """What to start with, of the blocks that may be absent."""
        return [each for each in recipes_for(kind, self.task) if each.suits(self.task) > 1]

    @staticmethod
    def fits_together(solution: Solution) -> bool:
        """Whether every block gets what it can take, and has a purpose beside the others."""
        return all(_goes_with(one, other) for one, other in combinations(_recipes_of(solution), 2))

    def _options(self, solution: Solution, kind: str) -> list[Recipe]:
        """The recipes of a kind that go with the other blocks of a solution.

        Of models those of the branch; of features the present ones with one more, then with one less, then each alone.
        """
        others = [each for each in _recipes_of(solution) if each.kind != kind]
        found = [
            each
            for each in (self._models if kind == "model" else recipes_for(kind, self.task))
            if all(_goes_with(each, other) for other in others)
        ]
        if kind != "features":
            return found
        names, present = [each.name for each in found], solution.blocks.get(kind)
        chain = present.name.split("+") if present and knows_recipe(kind, present.name) else []
        chains = [sorted([*chain, name], key=_is_last) for name in names if name not in chain]
        chains += [[each for each in chain if each != name] for name in chain if len(chain) > 1]
        chains += [[name] for name in names]
        return [find_recipe(kind, "+".join(each)) for each in chains]

    def _samples(
        self, recipe: Recipe, current: Block, known: Sequence[_Known], *, reach: float
    ) -> Iterator[Mapping[str, Any]]:
        import optuna

        space = {
            name: parameter.around(current.parameters[name], reach)
            if current.parameters[name] in parameter
            else parameter
            for name, parameter in recipe.space.items()
            if name in current.parameters
        }
        if not space:
            return
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        greater_is_better = get_metric(self.task.metric, self.task.type).greater_is_better
        sampler = optuna.samplers.TPESampler(n_startup_trials=5, seed=self.seed + len(known))
        study = optuna.create_study(direction="maximize" if greater_is_better else "minimize", sampler=sampler)
        found = distributions(space)
        for values, score in known:
            if score is not None and all(values[name] in space[name] for name in space):
                params = _only(space, values)
                study.add_trial(optuna.trial.create_trial(params=params, distributions=found, value=score))
        for _ in range(_DRAWS):
            yield {name: _rounded(value) for name, value in study.ask(found).params.items()}


def _recipes_of(solution: Solution) -> list[Recipe]:
    return [find_recipe(kind, each.name) for kind, each in solution.blocks.items() if knows_recipe(kind, each.name)]


def _is_last(name: str) -> bool:
    return find_recipe("features", name).last


def _feeds(encode: Recipe, model: Recipe) -> bool:
    """Whether a model gets what it wants and can take."""
    return (not encode.families or model.family in encode.families) and (model.sparse or not encode.sparse)


def _goes_with(one: Recipe, other: Recipe) -> bool:
    """Whether one has a purpose beside the other, and gets what it can take from it."""
    by_kind = {one.kind: one, other.kind: other}
    feeds = by_kind.keys() != {"encode", "model"} or _feeds(by_kind["encode"], by_kind["model"])
    return feeds and not _clash(one, other)


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
