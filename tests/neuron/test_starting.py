"""Numbers to start from: every family has them, they spike, and the page's table is theirs."""

import importlib.util
import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, neuron
from jslayer.neuron.starting import STARTING
from jslayer.training import diagnose
from tests.neuron import cases

X = jnp.asarray(np.random.default_rng(0).random((4, 48, 64)) < 0.05, jnp.float32)


def test_every_spiking_family_has_numbers_to_start_from():
    assert set(STARTING) == {*cases.SPIKING, "lif"}
    assert neuron.starting_values("lif")["current_decay"] == 1
    with pytest.raises(ValueError, match="`family` is 'sigma', expected one of 'cuba', 'lif'"):
        neuron.starting_values("sigma")
    with pytest.raises(ValueError, match="`family` is 'sigma'"):
        neuron.starting_weight_scale("sigma")


def test_numbers_given_are_the_callers_own():
    neuron.starting_values("cuba")["threshold"] = 0
    assert neuron.starting_values("cuba")["threshold"] > 0


@pytest.mark.parametrize("family", STARTING)
def test_layers_spike_and_the_surrogate_fits(family):
    home = getattr(block, "cuba" if family == "lif" else family)
    params, scale = neuron.starting_values(family), neuron.starting_weight_scale(family)
    network = block.Sequential([home.Dense(params, 48, 24, weight_norm=True, weight_scale=scale)])
    variables = jax.jit(network.init)(jax.random.key(0, impl="rbg"), X)
    report = diagnose(network, variables, X)
    assert report.measures["blocks_0: dead neurons"] < 0.75
    for kind in ("surrogate too wide", "surrogate too narrow", "states beyond hardware"):
        assert not report.of_kind(kind)


def test_the_table_of_the_page_is_what_the_script_measured(repository):
    spec = importlib.util.spec_from_file_location("t", repository / "tools" / "silent_network.py")
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    results = json.loads(tool.RESULTS.read_text())
    assert f"{tool.FIRST}\n{tool.table(results)}\n{tool.LAST}" in tool.PAGE.read_text("utf-8")
    reached = {f: [one["accuracy"] for one in found.values()] for f, found in results.items()}
    assert set(reached) == set(STARTING)
    for family, accuracies in reached.items():
        assert len(accuracies) == 3
        assert min(accuracies) >= 0.95, family
        assert max(one["epochs"] for one in results[family].values()) <= 8
