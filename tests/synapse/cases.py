"""One layer of every kind with input that it takes, and whole numbers to feed and to learn."""

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import synapse

IMAGE = (2, 4, 5, 6, 3)  # [N, C, H, W, T]

LAYERS = {
    "dense": (synapse.Dense(4, 6), (2, 4, 3)),
    "dense of images": (synapse.Dense((6, 5, 4), 3), IMAGE),
    "conv": (synapse.Conv(4, 6, 3, stride=2, padding=1, groups=2), IMAGE),
    "convT": (synapse.ConvTranspose(4, 6, 3, stride=2, padding=1, groups=2), IMAGE),
    "pool": (synapse.Pool(2), IMAGE),
    "unpool": (synapse.Unpool(2), IMAGE),
}
"""Name: (layer, shape of its input)."""


def whole(shape, seed, low=-4, high=5):
    """Whole numbers as float32, whose sums of products are exact in any order."""
    return np.random.default_rng(seed).integers(low, high, shape).astype(np.float32)


def parameters(layer, seed=0):
    """Parameters of a layer, drawn without compiling anything; of a complex one by part."""
    if layer.parts == 2:
        one = layer.part(parent=None)
        return {"real": parameters(one, seed), "imag": parameters(one, seed + 1)}
    if layer.kind in ("pool", "unpool") and not layer.weight_norm:
        return {}
    shape = layer.weight_shape()
    weight = np.random.default_rng(seed).uniform(-0.5, 0.5, shape).astype(np.float32)
    if not layer.weight_norm:
        return {"weight": jnp.asarray(weight)}
    axes = tuple(range(1, weight.ndim))
    length = np.sqrt(np.sum(weight**2, axis=axes, keepdims=True))
    return {"weight_v": jnp.asarray(weight), "weight_g": jnp.asarray(length)}


def shapes(layer, x):
    """Shapes of what the layer stores for ``x``, drawing nothing."""
    found = jax.eval_shape(layer.init, jax.random.key(0), x).get("params", {})
    return jax.tree.map(lambda leaf: leaf.shape, found)


def apply(layer, params, x):
    """The layer's output, compiled."""
    return jax.jit(lambda p, x: layer.apply({"params": p}, x))(params, jnp.asarray(x))


def pull(layer, params, x, cotangent):
    """Gradients of ``<cotangent, output>`` in ``params`` and ``x``, compiled."""

    def run(params, x, cotangent):
        _, pullback = jax.vjp(lambda p, x: layer.apply({"params": p}, x), params, x)
        return pullback(cotangent)

    return jax.jit(run)(params, jnp.asarray(x), jnp.asarray(cotangent))
