"""Calls that type checkers must report: each line marked, and no other.

It is never run; `tools/check_types.py` reads it.
"""

import jax
import jax.numpy as jnp
import numpy as np
import optax

import jslayer as slayer

block = slayer.block
neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
x = jnp.ones((1, 4, 10))
key = jax.random.key(0)

# right, and not to be reported: as in README, and with a mapping of another kind
block.cuba.Dense(dict(threshold=1.0), 4, 2)
block.cuba.Dense({"threshold": 1.0}, 4, 2, delay=True, name="first")
block.cuba.Dense(neuron, None, 2, pre_hook_fx=None, mask=np.ones((2, 4)), dtype=jnp.bfloat16)
block.cuba.Dense(neuron, (2, 2), 2, pre_hook_fx=jnp.round)
block.cuba.Input()
block.cuba.Conv(neuron, 3, 8, kernel_size=(3, 3), padding=1)
block.sigma_delta.Dense(dict(threshold=0.1, activation="relu"), 4, 2, delay_shift=True)
block.rf.KWTA(dict(threshold=1.0, period=8, decay=0.1), 4, 4, num_winners=2)
block.family(slayer.neuron.cuba.Neuron).Dense(neuron, 4, 2)
layer = block.cuba.Dense(neuron, 4, 2)
network = slayer.Sequential([layer, block.cuba.Flatten()])
variables = network.init(key, x)
layer(x, train=True)
network.apply(variables, x, train=True).mean()
spikes, seen = network.apply(variables, x, mutable=["intermediates"])

# a block: misspelt, missing, superfluous, of another type
block.cuba.Dense(neuron, 4, 2, dely=True)  # wrong
block.cuba.Dense(neuron, 4, 2, delay="yes")  # wrong
block.cuba.Dense(neuron, 4)  # wrong
block.cuba.Dense(4, 2)  # wrong
block.cuba.Dense(1.0, 4, 2)  # wrong
block.cuba.Dense(neuron, "4", 2)  # wrong
block.cuba.Dense(neuron, 4, 2, pre_hook_fx="neurons")  # wrong
block.cuba.Dense(neuron, 4, 2, threshold=1.0)  # wrong
block.cuba.Dense(neuron, 4, 2, name=3)  # wrong
block.cuba.Dens(neuron, 4, 2)  # wrong
block.cubas.Dense(neuron, 4, 2)  # wrong
block.alif.Conv(neuron, 3, 8)  # wrong
block.alif.Conv(neuron, 3, 8, kernel_size="3")  # wrong
block.adrf.ConvT(neuron, 3, 8, 3, strides=2)  # wrong
block.adrf_iz.Pool(neuron)  # wrong
block.rf.Unpool(neuron, kernel=2)  # wrong
block.rf.KWTA(neuron, 4, 4)  # wrong
block.rf_iz.Recurrent(neuron, 4, 4, recurent_mask=None)  # wrong
block.sigma_delta.Output(neuron, 4, 4, delay=True)  # wrong
block.sigma_delta.Affine(neuron, 4, 4, dynamic=False)  # wrong
block.custom.Flatten(neuron, 4)  # wrong
block.cuba.Average()  # wrong
block.cuba.TimeDecimation(factors=2)  # wrong
block.cuba.Input(neuron, weights=1.0)  # wrong
block.family(slayer.neuron.cuba.Neuron).Dense(neuron, 4, 2, dely=True)  # wrong
layer(x, trian=True)  # wrong
layer.binary()  # wrong

# networks
slayer.Sequential(layer)  # wrong
slayer.Sequential([layer, 3])  # wrong
slayer.Sequential([layer], name=3)  # wrong
network.apply(variables, x, mutable=["state"]).mean()  # wrong
network.export_hdf5("network.net")  # wrong
print(block.stream(network).stop)  # wrong
block.summary(network, variables)  # wrong
block.Loop(layer, feedbacks=(2,))  # wrong
block.folded(network)  # wrong

# neurons
slayer.neuron.cuba.Neuron(1.0, 0.25)  # wrong
slayer.neuron.cuba.Neuron(1.0, 0.25, 0.03, tau_gard=1)  # wrong
slayer.neuron.cuba.Neuron(1.0, 0.25, 0.03, shared_param="neurons")  # wrong
slayer.neuron.alif.Neuron(1.0, 0.25, 0.03, policy="recomputed")  # wrong
slayer.neuron.rf.Neuron(1.0, perod=8, decay=0.1)  # wrong
slayer.neuron.sigma_delta.Neuron(0.1)  # wrong

# training, data and files
loss = slayer.loss.SpikeRate(true_rate=0.2, flase_rate=0.03)  # wrong
slayer.loss.SpikeRate(0.2, 0.03, reduction="average")  # wrong
slayer.utils.create_state(network, x)  # wrong
slayer.utils.create_state(network, x, optax.adam(1e-3), sed=1)  # wrong
slayer.utils.train_step(slayer.loss.SpikeRate(0.2, 0.03), acumulate=4)  # wrong
slayer.datasets.MovingBars(512, trian=True)  # wrong
slayer.classifier.Rate.predict(spikes, 2)  # wrong
slayer.hdf5.export("network.net", network)  # wrong
slayer.io.read_evnts("events.bs2")  # wrong
