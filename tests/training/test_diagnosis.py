"""Diagnosis: networks made sick on purpose, and a healthy one, are told what is wrong where."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import loss
from jslayer.block import Sequential, cuba, rf, sigma_delta
from jslayer.training import Limits, diagnose

NEURON = {
    "threshold": 1.0,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "tau_grad": 0.1,
    "requires_grad": True,
}
X = jnp.asarray(np.random.default_rng(0).random((4, 12, 24)) < 0.3, jnp.float32)
LABEL = jnp.array([0, 1, 0, 1])
LOSS = loss.SpikeRate(true_rate=0.3, false_rate=0.05)


def network(first=NEURON, second=NEURON, scale=4, **options):
    return Sequential(
        [
            cuba.Dense(first, 12, 16, weight_scale=scale, delay=True),
            cuba.Dense(second, 16, 2, weight_scale=4, **options),
        ]
    )


HEALTHY = network()


def initial(net, x=X):
    """First variables, compiled as one program, of draws that compile soon."""
    return jax.jit(net.init)(jax.random.key(0, impl="rbg"), x)


@pytest.fixture(scope="module")
def variables():
    variables = initial(HEALTHY)
    delay = jnp.linspace(0.5, 9.5, 16)
    return changed(variables, "blocks_0/delay_line/delay", delay)


@pytest.fixture(scope="module")
def healthy(variables):
    """What is said of the healthy network."""
    return diagnose(HEALTHY, variables, X, LOSS, LABEL)


def changed(variables, path, value):
    """A copy with the parameter at ``path`` replaced, or changed by a function."""

    def walk(tree, names):
        name, *below = names
        old = tree[name]
        new = walk(old, below) if below else (value(old) if callable(value) else value)
        return {**tree, name: new}

    return walk(dict(variables), ["params", *path.split("/")])


def kinds(report):
    return {(finding.kind, finding.layer) for finding in report.findings}


def test_a_healthy_network_gives_no_finding(healthy):
    assert healthy.findings == ()
    assert healthy.healthy
    assert str(healthy) == f"nothing found in {len(healthy.measures)} measures"
    assert {"blocks_0: dead neurons", "blocks_1: vanishing gradient"} <= set(healthy.measures)


@pytest.mark.parametrize("threshold", [0.05, 500.0])
def test_dead_and_saturated_layers_are_told_apart(threshold):
    sick = network(first={**NEURON, "threshold": threshold, "tau_grad": 0.1 / threshold}, scale=12)
    variables = jax.jit(sick.init)(jax.random.key(0), X)
    report = diagnose(sick, variables, jnp.ones_like(X))
    if threshold == 500:
        assert ("dead neurons", "blocks_0") in kinds(report)
        assert ("dead neurons", "blocks_1") in kinds(report)  # nothing comes in
        assert not report.of_kind("saturated neurons")
        assert report.of_kind("dead neurons")[0].measure == 1
    else:
        assert ("saturated neurons", "blocks_0") in kinds(report)
        finding = report.of_kind("saturated neurons")[0]
        assert finding.measure > finding.limit == Limits().saturated


@pytest.mark.parametrize("scale_grad", [1e-7, 1e7])
def test_gradients_that_vanish_and_explode_are_told_by_the_ratio_to_the_last_layer(
    variables, healthy, scale_grad
):
    sick = network(first={**NEURON, "scale_grad": scale_grad})
    report = diagnose(sick, variables, X, LOSS, LABEL)
    kind = "vanishing gradient" if scale_grad < 1 else "exploding gradient"
    assert kinds(report) == {(kind, "blocks_0")}
    ratio = "blocks_0: exploding gradient"
    np.testing.assert_allclose(
        report.measures[ratio] / healthy.measures[ratio], scale_grad, rtol=1e-3
    )
    assert not diagnose(sick, variables, X).of_kind(kind)  # no loss, no gradient


def test_no_gradient_at_all_is_one_that_vanishes(variables):
    report = diagnose(HEALTHY, variables, X, lambda y, _: 0 * jnp.sum(y))
    assert kinds(report) == {("vanishing gradient", f"blocks_{k}") for k in (0, 1)}


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("blocks_1/neuron/voltage_decay", jnp.float32(0.0), "decays at bounds"),
        ("blocks_1/neuron/current_decay", jnp.float32(1.0), "decays at bounds"),
        ("blocks_0/delay_line/delay", jnp.full(16, 62.0), "delays at bounds"),
        ("blocks_0/delay_line/delay", jnp.zeros(16), "delays at bounds"),
        ("blocks_0/synapse/weight", lambda w: 40 * w, "clipped weights"),
        ("blocks_0/synapse/weight", lambda w: w / 400, "weights rounded to zero"),
    ],
)
def test_parameters_where_nothing_can_be_learned_are_named(variables, path, value, kind):
    report = diagnose(HEALTHY, changed(variables, path, value), X)
    layer = path.removesuffix("/weight")
    (finding,) = report.of_kind(kind)
    assert finding.layer == layer
    assert finding.measure > finding.limit
    lines = str(finding).splitlines()
    assert lines[0].startswith(f"{layer}: {kind}: ")
    assert lines[0].endswith(f"expected at most {finding.limit:.3g}")
    assert lines[1].strip() == finding.advice
    assert str(finding) in str(report)


@pytest.mark.parametrize("value", [jnp.nan, jnp.inf])
def test_numbers_that_are_not_finite_are_found_where_they_are(variables, value):
    sick = changed(variables, "blocks_1/synapse/weight", lambda w: w.at[0, 0].set(value))
    report = diagnose(HEALTHY, sick, X, LOSS, LABEL)
    found = {f.layer: f.measure for f in report.of_kind("not finite")}
    assert found["params/blocks_1/synapse/weight"] == 1
    assert "params/blocks_0/synapse/weight" not in found
    report = diagnose(HEALTHY, variables, X.at[0, 0, :3].set(value))
    assert {f.layer: f.measure for f in report.of_kind("not finite")}["batch"] == 3


def test_limits_may_be_others(variables):
    strict = Limits(dead=-1.0)
    report = diagnose(HEALTHY, variables, X, limits=strict)
    assert len(report.of_kind("dead neurons")) == 2


def test_resonators_at_the_rim_of_the_circle_are_found():
    neuron = {"threshold": 1.0, "period": 10, "decay": 0.1, "requires_grad": True}
    layer = rf.Dense(neuron, 12, 4, weight_scale=4)
    variables = initial(layer)
    assert not diagnose(layer, variables, X).of_kind("decays at bounds")
    sick = changed(variables, "neuron/cos_decay", jnp.float32(1.0))
    (finding,) = diagnose(layer, sick, X).of_kind("decays at bounds")
    assert finding.layer == "network/neuron/sin_decay"


def test_weights_with_norm_in_modules_of_your_own_are_looked_at():
    class Own(nn.Module):
        @nn.compact
        def __call__(self, x, *, train=False):
            y = cuba.Dense(NEURON, None, 8, weight_scale=0.01, weight_norm=True, name="inner")(x)
            return cuba.Affine(NEURON, None, 2, weight_scale=4, name="readout")(y)

    net = Own()
    report = diagnose(net, initial(net), X)
    assert ("weights rounded to zero", "inner/synapse") in kinds(report)
    assert "readout: dead neurons" not in report.measures  # voltages are no events
    assert "readout/synapse: clipped weights" in report.measures


def test_sigma_delta_layers_may_send_in_every_step():
    neuron = {"threshold": 1 / 64, "activation": "identity"}
    layer = sigma_delta.Dense(neuron, 12, 4, weight_scale=4)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 12, 10)), jnp.float32)
    report = diagnose(layer, initial(layer, x), x)
    assert report.healthy
    assert "network: saturated neurons" not in report.measures


LEAKY = {**NEURON, "requires_grad": False}


def causes(first, scale=4, x=X):
    """Findings on the first layer of a network, by kind."""
    net = network(first={**LEAKY, **first}, scale=scale)
    report = diagnose(net, initial(net), x)
    return {finding.kind: finding for finding in report.findings if finding.layer == "blocks_0"}


def applied(proposal):
    """The fields that a proposal names, e.g. ``tau_grad=0.03, scale_grad=3``."""
    return {k: float(v) for k, v in (part.split("=") for part in proposal.split(", "))}


def test_weights_too_small_for_the_threshold_are_told_the_scale_to_try():
    found = causes({"threshold": 40.0, "tau_grad": 0.02})
    proposal = found["drive below threshold"].proposal
    weight_scale, threshold = proposal.removeprefix("weight_scale=").split(", or threshold=")
    assert "dead neurons" in found
    assert found["drive below threshold"].measure > 1
    assert "try weight_scale=" in str(found["drive below threshold"])
    lower = causes({"threshold": float(threshold), "tau_grad": 0.1})
    assert "drive below threshold" not in lower
    # larger weights than the grid holds need norm or a lower threshold; so the scale is checked
    np.testing.assert_allclose(float(weight_scale) / 4, 40 / float(threshold), rtol=0.05)


@pytest.mark.parametrize(("tau_grad", "word"), [(5.0, "wide"), (1e-5, "narrow")])
def test_a_surrogate_that_does_not_fit_the_voltages_is_told_what_to_try(tau_grad, word):
    kind = f"surrogate too {word}"
    found = causes({"tau_grad": tau_grad})
    assert kind in found
    assert f"expected at {'most' if word == 'wide' else 'least'}" in str(found[kind])
    better = causes(applied(found[kind].proposal))
    assert not {"surrogate too wide", "surrogate too narrow"} & set(better)


def test_a_layer_that_hears_nothing_is_not_blamed():
    found = causes({"threshold": 40.0}, x=jnp.zeros_like(X))
    assert "dead neurons" in found
    assert "drive below threshold" not in found


@pytest.mark.parametrize("home", ["cuba", "rf"])
def test_layers_whose_states_leave_the_hardware_or_int32_are_named(home):
    fields = {"threshold": 1.0, "current_decay": 0.0, "voltage_decay": 0.0, "tau_grad": 0.1}
    if home == "rf":
        fields = {"threshold": 1.0, "period": 8, "decay": 0.0, "tau_grad": 10}
    family = {"cuba": cuba, "rf": rf}[home]
    options = {"weight_scale": 4, "pre_hook_fx": None}
    net = Sequential([family.Affine(fields, 12, 4, **options)])
    variables = initial(net)

    def kinds_at(size):
        weights = jax.tree.map(lambda leaf: size * jnp.ones_like(leaf), variables["params"])
        report = diagnose(net, {**variables, "params": weights}, jnp.ones_like(X))
        return {f.kind for f in report.findings} & {"states beyond int32", "states beyond hardware"}

    assert kinds_at(0.01) == set()
    assert kinds_at(60.0 if home == "rf" else 2.0) == {"states beyond hardware"}
    assert kinds_at(30_000.0) == {"states beyond int32", "states beyond hardware"}


class Skip(nn.Module):
    """A module of one's own: both layers of a network, and a sum around the first."""

    @nn.compact
    def __call__(self, x):
        spikes = cuba.Dense({**NEURON, "threshold": 50.0}, 12, 12, name="silent")(x)
        return cuba.Dense(NEURON, 12, 2, weight_scale=4, name="last")(spikes + x)


def test_a_module_of_ones_own_is_diagnosed_by_the_names_of_its_blocks():
    net = Skip()
    report = diagnose(net, initial(net), X)
    found = {(one.kind, one.layer) for one in report.findings}
    assert ("dead neurons", "silent") in found
    assert ("dead neurons", "last") not in found
