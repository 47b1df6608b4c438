"""Complex synapses: a real and an imaginary weight on the same real spikes.

They take the arguments of the synapse of the same name and give the pair ``(real, imag)`` that
resonating neurons are driven by. Parameters are those of that synapse, under ``real`` and ``imag``.

Example:
  >>> import jax, jax.numpy as jnp
  >>> from jslayer.synapse import complex
  >>> x = jnp.ones((2, 3, 5))
  >>> layer = complex.Dense(3, 4)
  >>> real, imag = layer.apply(layer.init(jax.random.key(0), x), x)
  >>> real.shape, imag.shape
  ((2, 4, 5), (2, 4, 5))
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax

from jslayer.synapse import base, conv, dense, pool

__all__ = ["Conv", "ConvTranspose", "Dense", "Pair", "Pool", "Unpool"]


def __dir__() -> list[str]:
    return __all__


class Pair(base.Synapse):
    """Base of the complex synapses, which also inherit from the kind that they hold two of."""

    parts = 2

    @nn.compact
    def time_first(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        """``[T, N, ..., C]`` to the pair of ``[T, N, ..., out]``."""
        return self.part(name="real").time_first(x), self.part(name="imag").time_first(x)

    def part(self, **options: Any) -> base.Synapse:
        """One of the two synapses; ``options`` are those of a Flax module."""
        kind = next(one for one in type(self).__mro__ if not issubclass(one, Pair))
        fields = [field.name for field in dataclasses.fields(kind)]
        given = {name: getattr(self, name) for name in fields if name not in ("parent", "name")}
        return kind(**given, **options)

    def weight_in_use(self, params: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
        """The two weights in use, from the layer's own ``params``; needs no bound module."""
        real, imag = (params.get(name, {}) for name in ("real", "imag"))
        return super().weight_in_use(real), super().weight_in_use(imag)


class Dense(Pair, dense.Dense):
    """Complex `jslayer.synapse.Dense`."""


class Conv(Pair, conv.Conv):
    """Complex `jslayer.synapse.Conv`."""


class ConvTranspose(Pair, conv.ConvTranspose):
    """Complex `jslayer.synapse.ConvTranspose`."""


class Pool(Pair, pool.Pool):
    """Complex `jslayer.synapse.Pool`."""


class Unpool(Pair, pool.Unpool):
    """Complex `jslayer.synapse.Unpool`."""
