"""Parameters with bounds come back into range after a step; the others stay."""

import jax.numpy as jnp
import numpy as np

from jslayer import training as utils


def test_bounded_parameters_are_clamped_and_others_are_not():
    params = {
        "neuron": {"voltage_decay": jnp.float32(-0.5), "threshold": jnp.float32(-3.0)},
        "delay_line": {"delay": jnp.array([-1.0, 5.5, 100.0])},
        "synapse": {"weight": jnp.float32(-7.0)},
        "delay": jnp.float32(100.0),
    }
    found = utils.project(params)
    assert found["neuron"] == {"voltage_decay": 0.0, "threshold": 0.0}
    assert found["delay_line"]["delay"].tolist() == [0.0, 5.5, 62.0]
    assert found["synapse"]["weight"] == -7.0
    assert found["delay"] == 100.0


def test_a_rotation_comes_back_into_the_unit_circle():
    outside = {"a": {"sin_decay": jnp.float32(0.9), "cos_decay": jnp.float32(0.9)}}
    found = utils.project(outside)["a"]
    np.testing.assert_allclose(jnp.hypot(found["sin_decay"], found["cos_decay"]), 4095 / 4096)
    inside = {"sin_decay": jnp.float32(0.5), "cos_decay": jnp.float32(0.25)}
    assert utils.project(inside) == inside
