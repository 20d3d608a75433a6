"""Recipes: the embedded catalogue of blocks, and the proposer that makes solutions of them.

Adding a recipe is adding one file ``<kind>_<name>.py``; see :mod:`mlestar.recipes.catalogue`.
"""

from mlestar.recipes.catalogue import catalogue, find_recipe, knows_recipe, null_recipe, recipes_for
from mlestar.recipes.costs import static_cost
from mlestar.recipes.plain import plain_solution
from mlestar.recipes.proposer import REACH, Proposal, RecipeProposer, Trial
from mlestar.recipes.recipe import Recipe
from mlestar.recipes.space import Choice, Integer, Real

__all__ = [
    "REACH",
    "Choice",
    "Integer",
    "Proposal",
    "Real",
    "Recipe",
    "RecipeProposer",
    "Trial",
    "catalogue",
    "find_recipe",
    "knows_recipe",
    "null_recipe",
    "plain_solution",
    "recipes_for",
    "static_cost",
]
