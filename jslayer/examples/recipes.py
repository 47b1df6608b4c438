"""The recipes, which are in `jslayer.cli.recipes` now."""

from jslayer.cli.recipes import *  # noqa: F403
