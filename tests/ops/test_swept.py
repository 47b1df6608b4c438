"""Numbers of a record that are arrays: grids, rotations, and dynamics that hold them."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

from jslayer import ops
from jslayer.ops import check, fixed_point, swept
from jslayer.ops.rotation import rotation
from jslayer.ops.spike import spike
from jslayer.ops.surrogate import FastSigmoid

X = jnp.asarray(np.random.default_rng(0).normal(0.4, 0.3, (20, 2)), jnp.float32)


SURROGATE = FastSigmoid(2.0)


@dataclasses.dataclass(frozen=True)
class Soft(ops.Dynamics):
    """Its numbers are fields, which it checks."""

    leak: float = 0.1
    surrogate: FastSigmoid = SURROGATE

    def __post_init__(self):
        check.in_range("leak", self.leak, 0, 1)

    def init(self, like):
        return {"voltage": jnp.full_like(like, 0.5)}

    def step(self, constants, state, x):
        voltage = (1 - self.leak) * state["voltage"] + x
        fired = spike(voltage, 1.0, surrogate=self.surrogate)
        return {"voltage": voltage - fired}, {"spike": fired}


def total(leak, slope, x=X):
    outputs, last = ops.run(Soft(leak, FastSigmoid(slope)), {}, None, x)
    return jnp.sum(outputs["spike"]) + jnp.sum(last["voltage"])


def test_fields_of_your_own_dynamics_are_swept_and_differentiated():
    leaks = jnp.array([0.05, 0.3], jnp.float32)
    gradient = jax.grad(total, argnums=(0, 2))
    found = jax.jit(jax.vmap(lambda leak: gradient(leak, 2.0, X)))(leaks)
    # the judge hands the leak over as a parameter
    for k, leak in enumerate(leaks):
        by_x = jax.grad(lambda x, leak=leak: total(float(leak), 2.0, x))(X)
        np.testing.assert_allclose(found[1][k], by_x, rtol=1e-5)
        rough = (total(float(leak) + 1e-3, 2.0) - total(float(leak) - 1e-3, 2.0)) / 2e-3
        assert np.sign(rough) == np.sign(found[0][k])


@pytest.mark.parametrize("name", ["leak", "surrogate.slope"])
def test_a_number_that_fits_no_neuron_is_refused_by_name(name):
    given = jnp.full((3,), 0.5)
    record = Soft(given) if name == "leak" else Soft(0.1, FastSigmoid(given))
    with pytest.raises(ValueError, match=rf"`dynamics.{name}` has shape \(3,\), expected one that"):
        ops.run(record, {}, None, X)


def test_what_is_taken_out_is_put_back():
    array = jnp.ones(2)
    record = {
        "dataclass": Soft(array),
        "tuple": (1, array),
        "partial": functools.partial(max, array, key=array),
        "plain": Soft(0.2),
    }
    template, arrays = swept.taken_out(record)
    assert len(arrays) == 4
    assert template["plain"] is record["plain"]
    hash(tuple(template.values()))
    again = swept.put_back(template, arrays)
    assert again["dataclass"].leak is array
    assert again["tuple"][1] is array
    assert again["partial"].keywords["key"] is array
    assert swept.taken_out(Soft(0.2)) == (Soft(0.2), {})


@pytest.mark.parametrize("scale", [1, 7, 50, 64, 100, 1000, 4096])
def test_a_traced_number_is_cut_to_the_grid_as_python_cuts_it(scale):
    rng = np.random.default_rng(0)
    steps = (np.arange(1, 2000) / scale).astype(np.float32)
    below = np.nextafter(steps, np.float32(0))
    values = np.concatenate([steps, below, -steps, rng.uniform(0, 40, 2000).astype(np.float32)])
    whole = [int(float(value) * scale) for value in values]
    found = jax.jit(lambda v: fixed_point.whole_weights(v, scale))(values)
    np.testing.assert_array_equal(found, whole)
    cut = jax.jit(lambda v: fixed_point.on_weight_grid(v, scale))(values)
    np.testing.assert_array_equal(cut, [np.float32(k / scale) for k in whole])
    assert jax.grad(fixed_point.on_weight_grid)(0.3, scale) == 1


def test_a_traced_rotation_lands_on_the_grid_where_that_of_python_does():
    rng = np.random.default_rng(0)
    periods = np.concatenate([rng.uniform(4, 20, 30_000), rng.uniform(4, 2000, 30_000)])
    periods = np.concatenate([periods, np.arange(4, 200)]).astype(np.float32)
    decays = rng.uniform(0, 1, periods.size).astype(np.float32)
    turn = (1 - decays.astype(float)) * np.exp(2j * np.pi / periods.astype(float))
    for found, exact in zip(
        jax.jit(rotation)(periods, decays), (turn.imag, turn.real), strict=True
    ):
        exact = exact.astype(np.float32)
        assert np.mean(np.asarray(found) != exact) < 1e-3
        np.testing.assert_array_equal(
            fixed_point.fraction(found), fixed_point.fraction(jnp.asarray(exact))
        )


def test_a_rotation_is_differentiated():
    check_grads(rotation, (jnp.float32(9.0), jnp.float32(0.25)), 1, rtol=2e-2)
