"""The classes of blocks as their reader sees them: written out, with all arguments said."""

import importlib.util
import inspect
import pickle

import pytest

from jslayer import block
from jslayer.block import kinds
from tests.conftest import REPOSITORY

SPEC = importlib.util.spec_from_file_location(
    "write_blocks", REPOSITORY / "tools" / "write_blocks.py"
)
write_blocks = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(write_blocks)


@pytest.mark.parametrize("home", write_blocks.FAMILIES)
def test_the_source_says_what_the_classes_behind_it_say(home):
    source = (write_blocks.FOLDER / f"{home}.py").read_text("utf-8")
    assert source == write_blocks.formatted(write_blocks.module(home)), (
        "run `python tools/write_blocks.py`"
    )


@pytest.mark.parametrize("home", write_blocks.FAMILIES)
def test_a_family_has_all_kinds_and_shows_nothing_else(home):
    family = getattr(block, home)
    assert sorted(family.__dir__()) == sorted(kinds.KINDS)
    for name, kind in kinds.KINDS.items():
        made = getattr(family, name)
        assert issubclass(made, kind) and made.__module__ == family.__name__
        assert pickle.loads(pickle.dumps(made)) is made
        assert list(inspect.signature(made).parameters) == list(inspect.signature(kind).parameters)


def test_help_says_at_once_what_an_argument_of_the_neuron_is():
    text = inspect.getdoc(block.cuba.Dense)
    assert "tau_grad: Width of the surrogate, relative to the threshold. Default: 1." in text
    assert "out_neurons: Outputs. Required." in text
    assert "delay_shift: Delay the output by one step. Default: False." in inspect.getdoc(
        block.sigma_delta.Conv
    )
