"""The interpreted kernels of this version of JAX, and what it means to agree with scan."""

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops.engines import select

ENGINES = {name: select.engine(name) for name in select.interpreted()}
"""Interpreted kernels by name."""


def equal(found, expected):
    """The same bits everywhere."""
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def close(found, expected, bound=2e-6):
    """Float rows within rounding of their maximum, since compilers contract; others the same."""

    def one(f, e):
        if e.dtype == jnp.float32:
            assert np.max(np.abs(f - e), initial=0) <= bound * np.max(np.abs(e), initial=0)
        else:
            np.testing.assert_array_equal(f, e)

    jax.tree.map(one, found, expected)
