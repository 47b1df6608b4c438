"""A neuron of one's own: twenty lines of dynamics serve as neuron, in blocks and in a loop."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, neuron, ops
from jslayer.ops.spike import spike
from jslayer.ops.surrogate import FastSigmoid


@dataclasses.dataclass(frozen=True)
class SoftReset(ops.Dynamics):
    """Leaky integrate-and-fire with a soft reset, on floats, with the automatic adjoint."""

    surrogate: FastSigmoid = FastSigmoid(5.0)  # noqa: RUF009

    def init(self, like):
        return {"voltage": jnp.zeros_like(like)}

    def step(self, constants, state, x):
        voltage = (1 - constants["leak"]) * state["voltage"] + x
        fired = spike(voltage, constants["threshold"], surrogate=self.surrogate)
        reset = voltage - constants["threshold"] * fired
        return {"voltage": reset}, {"spike": fired, "voltage": voltage}


FIELDS = {
    "record": SoftReset(),
    "parameters": {"leak": 0.25, "threshold": 1.0},
    "ranges": {"leak": (0.0, 1.0)},
    "readout": "voltage",
}
X = jnp.asarray(np.random.default_rng(0).random((2, 5, 12)) < 0.5, jnp.float32)
KEY = jax.random.key(0)


def by_hand(x, leak=0.25, threshold=1.0):
    voltage, found = np.zeros(x.shape[:-1], np.float32), []
    for t in range(x.shape[-1]):
        voltage = np.float32(1 - leak) * voltage + x[..., t]
        fired = (voltage >= threshold).astype(np.float32)
        found.append(fired)
        voltage = voltage - np.float32(threshold) * fired
    return np.stack(found, -1)


def test_it_runs_as_a_neuron():
    layer = neuron.custom.Neuron(**FIELDS)
    np.testing.assert_array_equal(layer.apply({}, X), by_hand(np.asarray(X)))
    assert hash(layer) == hash(neuron.custom.Neuron(**FIELDS))
    _, seen = layer.apply({}, X, mutable=["intermediates"])
    assert set(seen["intermediates"]) == {"voltage"}


def test_its_parameters_learn_and_are_clamped():
    layer = neuron.custom.Neuron(**FIELDS, requires_grad=True, shared_param=False)
    params = layer.init(KEY, X)["params"]
    assert {n: v.shape for n, v in params.items()} == {"leak": (5,), "threshold": (5,)}
    gradient = jax.grad(lambda p: jnp.sum(layer.apply({"params": p}, X)))(params)
    assert np.asarray(gradient["leak"]).any()
    assert np.asarray(gradient["threshold"]).any()
    outside = {**params, "leak": jnp.full(5, -0.5)}
    held = {**params, "leak": jnp.zeros(5)}
    np.testing.assert_array_equal(
        layer.apply({"params": outside}, X), layer.apply({"params": held}, X)
    )


def test_its_parts_and_its_steps_equal_the_whole():
    layer = neuron.custom.Neuron(**FIELDS, persistent_state=True)
    whole, _ = layer.apply({}, X, mutable=["state"])
    head, state = layer.apply({}, X[..., :5], mutable=["state"])
    tail, _ = layer.apply(state, X[..., 5:], mutable=["state"])
    np.testing.assert_array_equal(jnp.concatenate([head, tail], -1), whole)
    state = None
    for t in range(X.shape[-1]):
        y, state = layer.step({}, X[..., t], state)
        np.testing.assert_array_equal(y, whole[..., t])


@pytest.mark.parametrize("kind", ["Dense", "Affine", "Recurrent", "Output"])
def test_it_stands_in_blocks(kind):
    layer = getattr(block.custom, kind)(FIELDS, None, 4)
    variables = layer.init(KEY, X)
    y = layer.apply(variables, X)
    assert y.shape == (2, 4, 12)
    gradient = jax.grad(lambda p: jnp.sum(layer.apply({"params": p}, X)))(variables["params"])
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(gradient))
    assert np.asarray(jax.tree.leaves(gradient)[0]).any()


def test_it_streams_in_a_network():
    network = block.Sequential([block.custom.Dense(FIELDS, None, 4, weight_scale=4, delay=True)])
    variables = network.init(KEY, X)
    whole = network.apply(variables, X)
    start, step = block.stream(network)
    state = start(variables, X[..., 0])
    for t in range(X.shape[-1]):
        y, state = step(variables, state, X[..., t])
        np.testing.assert_array_equal(y, whole[..., t])


def test_a_neuron_class_of_ones_own_makes_a_family():
    class Slow(neuron.cuba.Neuron):
        current_decay: float = 0.1
        voltage_decay: float = 0.02

    slow = block.family(Slow)
    layer = slow.Dense({"threshold": 1.0}, None, 3)
    plain = block.cuba.Dense(
        {"threshold": 1.0, "current_decay": 0.1, "voltage_decay": 0.02}, None, 3
    )
    variables = layer.init(KEY, X)
    np.testing.assert_array_equal(layer.apply(variables, X), plain.apply(variables, X))


def test_a_complex_drive_is_a_pair():
    @dataclasses.dataclass(frozen=True)
    class Length(ops.Dynamics):
        def init(self, like):
            return {"sum": jnp.zeros_like(like)}

        def step(self, constants, state, x):
            total = state["sum"] + x["real"] ** 2 + x["imag"] ** 2
            return {"sum": total}, {"spike": total}

    layer = neuron.custom.Neuron(Length(), {}, takes_complex=True)
    np.testing.assert_allclose(layer.apply({}, (X, 2 * X)), np.cumsum(5 * X, axis=-1))
    dense = block.custom.Dense({"record": Length(), "parameters": {}, "takes_complex": True}, 5, 3)
    assert set(dense.init(KEY, X)["params"]["synapse"]) == {"real", "imag"}


def test_bad_parameters_are_refused():
    fields = {**FIELDS, "parameters": {"leak": 1.5, "threshold": 1.0}}
    with pytest.raises(ValueError, match=r"`leak` is 1.5, expected numbers in \[0.0, 1.0\]"):
        neuron.custom.Neuron(**fields).apply({}, X)
