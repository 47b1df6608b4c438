"""Parameters with bounds come back into range after a step; the others stay."""

import jax.numpy as jnp

from jslayer import utils


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
