"""The training problems of the command line, one file each, to be copied."""

from collections.abc import Callable, Mapping
from types import ModuleType

from jslayer.cli.recipes import (
    chirps,
    consecutive_spikes,
    intervals,
    match_to_sample,
    moving_bars,
    nmnist,
    nmnist_conv,
    oxford,
    pilotnet,
    pilotnet_lif,
    xor,
)
from jslayer.cli.recipes.base import About as About
from jslayer.cli.recipes.base import Recipe as Recipe
from jslayer.cli.recipes.base import Settings as Settings

_MODULES: tuple[ModuleType, ...] = (
    chirps,
    consecutive_spikes,
    intervals,
    match_to_sample,
    moving_bars,
    nmnist,
    nmnist_conv,
    oxford,
    pilotnet,
    pilotnet_lif,
    xor,
)


def _by_name(attribute: str) -> dict:
    return {module.__name__.rpartition(".")[2]: getattr(module, attribute) for module in _MODULES}


RECIPES: Mapping[str, Callable[..., Recipe]] = _by_name("recipe")
"""Recipes, ``(root, seed, settings=its own) -> Recipe``, by the name of their data."""

ABOUT: Mapping[str, About] = _by_name("ABOUT")
"""What there is to say of each."""
