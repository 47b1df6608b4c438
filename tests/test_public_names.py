"""Public names: those that were there before are there, and a look at a module shows no others."""

import importlib
import types
from pathlib import Path

import pytest

import jslayer

NAMES = (Path(__file__).parent / "data" / "public_names.txt").read_text("utf-8").split()
"""What users of the first version may have written; names are added here, never taken away."""

FACES = (
    *("axon", "block", "classifier", "datasets", "dendrite", "hdf5", "io", "loss", "migrate"),
    *("neuron", "nir", "obd", "ops", "spike", "synapse", "training", "utils"),
)
"""Modules that ``import jslayer`` brings, and in which users look around."""


def found(name):
    """What a dotted name means: the longest module in it, and attributes of that."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            value = getattr(value, part)
        return value
    raise AttributeError(name)


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_was_public_is_found(name):
    found(name)


def test_a_moved_module_is_the_same_under_both_names():
    from jslayer.utils.training import train_step

    from jslayer.utils import assistant

    assert assistant is jslayer.training.assistant
    assert train_step is jslayer.utils.train_step is jslayer.training.train_step
    assert jslayer.utils.metrics is jslayer.training.metrics
    with pytest.raises(AttributeError, match="has no attribute 'acumulate'"):
        _ = jslayer.utils.acumulate


def modules():
    """The faces, and the modules in them that were public."""
    yield jslayer
    for face in FACES:
        module = getattr(jslayer, face)
        yield module
        for name in dir(module):
            inner = getattr(module, name)
            if isinstance(inner, types.ModuleType) and f"{module.__name__}.{name}" in NAMES:
                yield inner


@pytest.mark.parametrize("module", tuple(modules()), ids=lambda module: module.__name__)
def test_a_module_shows_nothing_of_others(module):
    for name in dir(module):
        if name.startswith("_"):
            continue
        value = getattr(module, name)
        inner = isinstance(value, types.ModuleType)
        home = value.__name__ if inner else getattr(value, "__module__", None)
        # a type alias is an object of `typing`, and ours where the module says that it is
        named = name in getattr(module, "__all__", ())
        assert home is None or named or home.startswith("jslayer"), f"{module.__name__}.{name}"
