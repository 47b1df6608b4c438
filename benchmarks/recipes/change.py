"""Recipes with something changed, so that a comparison differs in that alone."""

import dataclasses
import itertools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jslayer.block import Sequential
from jslayer.cli.recipes import Recipe


def network(recipe: Recipe, change: Callable[[Any], Any]) -> Recipe:
    """A recipe with another block in the place of each."""
    return dataclasses.replace(recipe, network=Sequential([*map(change, recipe.network.blocks)]))


def neurons(recipe: Recipe, changes: Mapping[str, Any]) -> Recipe:
    """A recipe with other parameters of all its neurons."""

    def change(block):
        own = getattr(block, "neuron_params", None)
        return block if own is None else block.clone(neuron_params={**own, **changes})

    return network(recipe, change)


def without_delays(recipe: Recipe) -> Recipe:
    """A recipe without delays."""
    return network(
        recipe, lambda block: block.clone(delay=False) if getattr(block, "delay", 0) else block
    )


def widths(recipe: Recipe, hidden: Sequence[int]) -> Recipe:
    """A recipe of dense blocks with other hidden layers."""
    dense = [block for block in recipe.network.blocks if hasattr(block, "out_neurons")]
    sizes = (dense[0].in_neurons, *hidden, dense[-1].out_neurons)
    pairs = {id(block): pair for block, pair in zip(dense, itertools.pairwise(sizes), strict=True)}

    def change(block):
        if id(block) not in pairs:
            return block
        before, after = pairs[id(block)]
        return block.clone(in_neurons=before, out_neurons=after)

    return network(recipe, change)
