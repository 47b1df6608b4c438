"""What blocks refuse, and how they say it."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import neuron
from jslayer.block import alif, cuba, rf, sigma_delta
from tests.block import cases

FLAT, IMAGE = jnp.ones((2, 3, 4)), jnp.ones((2, 3, 5, 5, 4))
CUBA, RF = cases.fields("cuba"), cases.fields("rf")
NORM = {**CUBA, "norm": neuron.MeanOnlyBatchNorm}

AT_INIT = {
    "channels of a dense block": (
        cuba.Dense(CUBA, 4, 2),
        FLAT,
        r"`x` has shape \(2, 3, 4\) with 3 along axis 1, expected 4",
    ),
    "channels of a convolution": (
        rf.Conv(RF, 2, 4, 3),
        IMAGE,
        r"`x` has shape \(2, 3, 5, 5, 4\) with 3 along axis 1, expected 2",
    ),
    "rank of a convolution": (cuba.Conv(CUBA, 3, 4, 3), FLAT, r"`x` has shape \(2, 3, 4\)"),
    "rank of a dense block": (cuba.Dense(CUBA, 3, 4), FLAT[0], r"expected \[N, C, ..., T\]"),
    "an image for a pool only": (cuba.Pool(CUBA, 2), FLAT, r"`x` has shape \(2, 3, 4\)"),
    "kernel larger than the image": (cuba.Conv(CUBA, 3, 4, 9), IMAGE, "`kernel_size`"),
    "mask of a dense block": (
        cuba.Dense(CUBA, 3, 2, mask=np.ones((3, 2))),
        FLAT,
        r"`mask` has shape \(3, 2\), expected .*\(2, 3\)",
    ),
    "mask of a convolution": (
        cuba.Conv(CUBA, 3, 4, 3, mask=np.ones((3, 4))),
        IMAGE,
        r"`mask` has shape \(3, 4\), expected",
    ),
    "mask of the feedback": (
        cuba.Recurrent(CUBA, 3, 4, recurrent_mask=np.ones((4, 3))),
        FLAT,
        r"`mask` has shape \(4, 3\), expected .*\(4, 4\)",
    ),
    "groups": (cuba.Conv(CUBA, 3, 4, 3, groups=2), IMAGE, "`groups` is 2"),
    "winners": (cuba.KWTA(CUBA, 3, 4, 5), FLAT, "`num_winners` is 5, expected at most"),
    "a norm with feedback": (
        cuba.Recurrent(NORM, 3, 4),
        FLAT,
        "`norm` is given, expected None in a block with feedback",
    ),
    "a norm among winners": (
        cuba.KWTA(NORM, 3, 4, 2),
        FLAT,
        "`norm` is given, expected None in a block with feedback",
    ),
    "an image into feedback": (
        cuba.Recurrent(CUBA, (5, 5, 3), 4),
        IMAGE,
        r"`x` has 5 axes, expected \[N, C, T\] in a block with feedback",
    ),
    "groups of an average": (cuba.Average(2), FLAT, "`num_outputs` is 2, expected a divisor"),
    "factor": (cuba.TimeDecimation(3), FLAT, "`factor` is 3, expected a power of two"),
    "factor of zero": (cuba.TimeDecimation(0), FLAT, "`factor` is 0"),
    "no outputs": (cuba.Dense(CUBA, 3, 0), FLAT, "`out_neurons` is 0"),
    "threshold": (
        alif.Dense({**cases.fields("alif"), "threshold": 0.001}, 3, 2),
        FLAT,
        "`threshold` is 0.001, expected at least 1 / scale",
    ),
    "activation": (
        sigma_delta.Dense({"threshold": 0.1, "activation": "softsign2"}, 3, 2),
        FLAT,
        "`activation` is 'softsign2', expected the name of a function",
    ),
}


@pytest.mark.parametrize("name", AT_INIT)
def test_what_does_not_fit_is_refused_before_anything_is_drawn(name):
    network, x, message = AT_INIT[name]
    with pytest.raises(ValueError, match=message):
        jax.eval_shape(network.init, cases.KEY, x)


# one family of each build: real, complex, of changes, your own
BUILDS = pytest.mark.parametrize("family", ["cuba", "rf_iz", "sigma_delta", "custom"])


@BUILDS
@pytest.mark.parametrize("name", cases.KINDS)
def test_every_block_refuses_complex_input_and_no_steps(family, name):
    layer, shape = cases.make(family, name), cases.KINDS[name].takes
    x = jnp.ones(shape)
    for bad, error, message in (
        (x.astype(jnp.complex64), TypeError, "`x` is .*complex64.*expected one real array"),
        ((x, x), TypeError, "`x` is .*expected one real array"),
        (x[..., :0], ValueError, "no time step"),
        (jnp.ones((3, 4)), ValueError, r"`x` has shape \(3, 4\).*expected \[N, C"),
    ):
        with pytest.raises(error, match=message):
            jax.eval_shape(layer.init, cases.KEY, bad)


@BUILDS
@pytest.mark.parametrize("name", cases.WITH_NEURON)
def test_a_state_of_another_batch_size_is_refused(family, name):
    layer = cases.make(family, name, {"persistent_state": True})
    shape = cases.KINDS[name].takes
    variables = jax.eval_shape(layer.init, cases.KEY, jnp.ones(shape))
    with pytest.raises(ValueError, match=r"`state` holds .* of shape \(2, .* expected \(1, "):
        jax.eval_shape(layer.apply, variables, jnp.ones((1, *shape[1:])))


def test_unknown_arguments_are_refused_by_name():
    with pytest.raises(TypeError, match="thresold"):
        jax.eval_shape(cuba.Dense({"thresold": 1.0}, 3, 2).init, cases.KEY, FLAT)
    with pytest.raises(TypeError, match="padding"):
        cuba.Dense(CUBA, 3, 2, padding=1)
