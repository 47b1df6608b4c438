"""Calls that no type checker may let pass: `tools/check_types.py` wants every marked line reported.

Nothing here runs.
"""

import jax.numpy as jnp

import jslayer as slayer
from jslayer.block import alif, cuba, rf, sigma_delta

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}


def right_calls() -> None:
    cuba.Dense(NEURON, 4, 2)
    cuba.Dense(dict(threshold=1.25, current_decay=0.25, voltage_decay=0.03), 4, 2, delay=True)
    slayer.block.cuba.Dense(NEURON, in_neurons=4, out_neurons=2, weight_norm=True)
    rf.Conv(NEURON, 2, 8, 3, padding=1, stride=(2, 1))
    slayer.Sequential([cuba.Dense(NEURON, 4, 3), cuba.Dense(NEURON, 3, 2)])
    slayer.loss.SpikeRate(true_rate=0.2, false_rate=0.03)


def wrong_calls() -> None:
    cuba.Dense(NEURON, 4, 2, dely=True)  # wrong
    cuba.Dense(NEURON, 4)  # wrong
    cuba.Dense(NEURON, 4, "2")  # wrong
    cuba.Dense(1.25, 4, 2)  # wrong
    cuba.Dense(NEURON, 4, 2, weight_scale="large")  # wrong
    cuba.Dens(NEURON, 4, 2)  # wrong
    alif.Conv(NEURON, 2, 8)  # wrong
    alif.Conv(NEURON, 2, 8, kernel=3)  # wrong
    rf.Pool(NEURON, 2, 2, 0, 1, 1.0, False, "neuron", False, True, False, 7)  # wrong
    sigma_delta.Output(NEURON, 4, 2, delay_shift=True)  # wrong
    cuba.KWTA(NEURON, 4, 2, winners=1)  # wrong
    cuba.Average(count_log=True)  # wrong
    slayer.Sequential(3)  # wrong
    slayer.neuron.cuba.Neuron(treshold=1.0)  # wrong
    slayer.hdf5.load(jnp.ones(3), first=1)  # wrong
    slayer.utils.time_chunk()  # wrong
