"""Dropout of neurons for the whole duration of a sample."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import linen
from jslayer.ops import check, layout


class Dropout(linen.Module):
    """Drops neurons, each for all time steps or not at all.

    While training, each neuron of each sample is zero with probability ``p``; the others are
    multiplied by ``1 / (1 - p)``. Needs the RNG stream ``"dropout"``. Otherwise the identity.

    Attributes:
      p: Probability of a neuron to be dropped, in [0, 1]; it may be traced, with no gradient.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> x = jnp.ones((2, 3, 4))
      >>> y = Dropout(0.5).apply({}, x, train=True, rngs={"dropout": jax.random.key(0)})
      >>> bool((y == y[..., :1]).all())
      True
    """

    p: float | jax.Array = 0.5

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Maps ``[N, C, ..., T]`` to the same shape."""
        layout.check_input(x)
        return layout.time_last(self.time_first(layout.time_first(x), train=train))

    @nn.compact
    def time_first(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """As ``__call__``, on ``[T, N, ..., C]``, or a nest of it that drops as one."""
        check.in_range("p", self.p, 0, 1)
        if not train:
            return x
        first = jax.tree.leaves(x)[0]
        if check.is_concrete(self.p):
            if self.p == 0:
                return x
            if self.p == 1:
                return jax.tree.map(jnp.zeros_like, x)
            stays = share = 1 - self.p
        else:  # swept: the draw has no slope, and nothing is left of no share
            stays = 1 - jax.lax.stop_gradient(jnp.asarray(self.p, first.dtype))
            share = jnp.where(stays == 0, 1, stays)
        kept = jax.random.bernoulli(self.make_rng("dropout"), stays, first.shape[1:])
        return jax.tree.map(lambda part: part * (kept.astype(part.dtype) / share), x)
