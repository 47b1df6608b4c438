"""A network of elsewhere, loaded as blocks: what hardware gives, in every layer."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import hdf5

STEPS = 16


@pytest.mark.slow
def test_all_layers_of_the_driving_network_give_what_hardware_gives(shared):
    path = shared / "data/networks/pilotnet_lif/network.net"
    if not path.is_file():
        pytest.skip(f"recorded networks absent: no file {path}")
    network, variables = hdf5.load(path)
    # data are those of training, in steps of which 40 x + 36 are whole numbers
    x = np.random.default_rng(0).integers(-8, 9, (1, 3, 66, 200, 1)) / 8
    x = jnp.broadcast_to(jnp.asarray(x, jnp.float32), (*x.shape[:-1], STEPS))

    def layers(variables, x):
        found = []
        for number, block in enumerate(network.blocks):
            own = {
                c: t[f"blocks_{number}"] for c, t in variables.items() if f"blocks_{number}" in t
            }
            x = block.apply(own, x)
            found.append(x)
        return found

    hardware = hdf5.inference(path)
    expected = hardware(hardware.encode(x), layers="all")
    *hidden, _ = jax.jit(layers)(variables, x)  # the last only integrates: it has no spike
    for number, spikes in enumerate(hidden):
        # an input neuron of hardware has no synapse in front, so that it is one step ahead
        np.testing.assert_array_equal(spikes[..., 1:], expected[number]["spike"][..., :-1])
        assert np.asarray(spikes).any(), f"layer {number} is silent"
