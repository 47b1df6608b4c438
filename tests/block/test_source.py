"""The block families as source: what is written is what the kinds say, and reads well."""

import ast
import dataclasses
import inspect
import pydoc
import re
import runpy

import pytest

from jslayer import block, neuron
from jslayer.block.kinds import KINDS
from tests.block import cases

FAMILY = pytest.mark.parametrize("family", cases.FAMILIES)
KIND = pytest.mark.parametrize("name", KINDS)
UNKNOWN = ("parent", "name")
"""Fields that every Flax module has."""


def names(module):
    """Constructor arguments of a module."""
    return [field.name for field in dataclasses.fields(module) if field.name not in UNKNOWN]


@pytest.fixture(scope="module")
def written(repository):
    """The script that writes the families."""
    return runpy.run_path(str(repository / "tools" / "write_blocks.py"))


def test_the_script_knows_every_family(written):
    assert set(written["FAMILIES"]) == set(cases.FAMILIES)


@FAMILY
def test_a_family_is_what_the_script_writes(written, repository, family):
    held = (repository / "jslayer" / "block" / f"{family}.py").read_text("utf-8")
    assert held == written["source"](family), "run: python tools/write_blocks.py"


@FAMILY
@KIND
def test_a_block_is_a_short_class_of_its_own(family, name):
    cls = getattr(getattr(block, family), name)
    (definition,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(definition, ast.ClassDef)
    docstring, *code = definition.body
    assert isinstance(docstring, ast.Expr)
    assert len(code) <= 2
    assert issubclass(cls, KINDS[name])
    assert cls.neuron_kind is getattr(neuron, family).Neuron
    assert (cls.__module__, cls.__qualname__) == (f"jslayer.block.{family}", name)


@FAMILY
@KIND
def test_a_docstring_lists_every_argument_and_every_key_of_the_neuron(family, name):
    cls = getattr(getattr(block, family), name)
    own, _, of_neuron = inspect.getdoc(cls).partition("Keys of ``neuron_params``:")
    listed = lambda text: re.findall(r"^  (\w+) \(", text, re.MULTILINE)
    assert listed(own) == names(cls)
    expected = names(cls.neuron_kind) if "neuron_params" in names(cls) else []
    assert listed(of_neuron) == expected


@FAMILY
@KIND
def test_help_is_short_and_begins_with_the_arguments(family, name):
    text = pydoc.render_doc(getattr(getattr(block, family), name), renderer=pydoc.plaintext)
    assert len(text.splitlines()) < 250
    if family != "custom" and "neuron_params" in names(KINDS[name]):
        assert "tau_grad" in text.partition("Method resolution order")[0]


@FAMILY
def test_a_family_shows_blocks_only(family):
    module = getattr(block, family)
    assert {name for name in dir(module) if not name.startswith("_")} == set(KINDS)
    assert set(module.__all__) == set(KINDS)


def test_the_package_shows_public_names_only():
    assert dir(block) == sorted(block.__all__)
    assert set(cases.FAMILIES) <= set(dir(block))
    for name in ("base", "layers", "jax", "jnp", "Literal", "dataclasses"):
        assert name not in dir(block)
    for name in block.__all__:
        assert getattr(block, name)


def test_a_block_has_all_that_flax_modules_have():
    layer = block.cuba.Dense(cases.fields("cuba"), 3, 2)
    assert {"apply", "init", "clone", "tabulate", "scope"} <= set(dir(layer))
    assert "apply" not in dir(block.cuba.Dense)
    assert callable(block.cuba.Dense.apply)
