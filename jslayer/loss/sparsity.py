"""Losses on the activity of layers, which keep a network sparse."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.ops import check
from jslayer.ops.events import event_fraction

Activity = jax.Array | Mapping[str, Any] | Sequence[Any]


def event_rate_loss(rates: Activity, *, max_rate: float = 0.01, lam: float = 1) -> jax.Array:
    """Penalty on layers that send more events than wanted.

    ``lam sum_layers relu(rate - max_rate)^2``, with a layer's rate the fraction of its outputs that
    are not zero; graded events count once, whatever their size.

    Args:
      rates: A nest, e.g. a mapping by layer: rates, each a scalar, or activations ``[N, ..., T]``,
        whose `event_fraction` is taken. Those that `jslayer.event_rates` finds do.
      max_rate: Rate that is free, in events per neuron and step.
      lam: Weight of the penalty.

    Returns:
      A float32 scalar.

    Raises:
      ValueError: there is no layer, or an argument is out of range.

    Example:
      >>> round(float(event_rate_loss({"blocks_0": 0.3, "blocks_1": 0.05}, max_rate=0.1)), 4)
      0.04
    """
    return lam * jnp.sum(_excess(rates, max_rate, lam, event_fraction))


def sparsity_loss(activations: Activity, *, max_rate: float = 0.01, lam: float = 1) -> jax.Array:
    """Penalty on the mean magnitude of layers: ``lam sum_layers relu(mean|x| - max_rate)^2``.

    For binary spikes the same as `event_rate_loss`; graded events count by their size.

    Args:
      activations: A nest, e.g. a list, of activations ``[N, ..., T]``, or of their means.
      max_rate: Magnitude that is free.
      lam: Weight of the penalty.

    Returns:
      A float32 scalar.

    Raises:
      ValueError: there is no layer, or an argument is out of range.
    """
    return lam * jnp.sum(sparsity_terms(activations, max_rate=max_rate, lam=lam))


def sparsity_terms(activations: Activity, *, max_rate: float = 0.01, lam: float = 1) -> jax.Array:
    """The terms of `sparsity_loss`, one per layer, without ``lam``."""
    # jnp.abs has slope 1 at zero: it would push down what is silent
    magnitude = lambda x: jnp.mean(x * jax.lax.stop_gradient(jnp.sign(x)))
    return _excess(activations, max_rate, lam, magnitude)


def _excess(activity, max_rate, lam, rate):
    check.in_range("max_rate", max_rate, 0, jnp.inf)
    check.in_range("lam", lam, 0, jnp.inf)
    leaves = [jnp.asarray(leaf, jnp.float32) for leaf in jax.tree.leaves(activity)]
    if not leaves:
        raise ValueError(
            "`rates` holds no layer, expected at least one; collect the 'intermediates' of a "
            "network with neurons."
        )
    measured = jnp.stack([rate(leaf) if leaf.ndim else leaf for leaf in leaves])
    return jax.nn.relu(measured - max_rate) ** 2


@dataclasses.dataclass(frozen=True)
class SparsityEnforcer:
    """`sparsity_loss` with its arguments fixed.

    Called, it keeps nothing. What is given to `append` layer by layer, as in lava-dl, is added up
    in ``loss`` until `clear`; both inside the function that is differentiated or compiled.

    Example:
      >>> import jax.numpy as jnp
      >>> x = jnp.ones((1, 2, 10))
      >>> round(float(SparsityEnforcer(max_rate=0.5, lam=2)([x, 0.5 * x])), 4)
      0.5
    """

    max_rate: float = 0.01
    lam: float = 1
    _appended: list[Any] = dataclasses.field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def append(self, x: jax.Array) -> None:
        """Adds the output of a layer."""
        self._appended.append(x)

    @property
    def loss(self) -> jax.Array:
        """Penalty on all that was appended.

        Raises:
          ValueError: nothing was.
        """
        return self(self._appended)

    def clear(self) -> None:
        """Forgets all that was appended."""
        self._appended.clear()

    def __call__(self, activations: Activity) -> jax.Array:
        """Penalty on the activations of several layers."""
        return sparsity_loss(activations, max_rate=self.max_rate, lam=self.lam)

    def terms(self, activations: Activity) -> jax.Array:
        """The penalty of every layer, without ``lam``."""
        return sparsity_terms(activations, max_rate=self.max_rate, lam=self.lam)
