"""Event rates: of an array, and of all blocks of a network with a gradient."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.block.base import Block
from jslayer.loss.sparsity import event_fraction
from jslayer.ops import check


def event_rate(x: jax.Array) -> jax.Array:
    """Fraction of entries that are not zero, without the first step where there are more.

    The first step is left out since a layer's one-step delay makes it silent.

    Args:
      x: ``[..., T]``.

    Returns:
      A float32 scalar.

    Example:
      >>> event_rate(jnp.array([[0.0, 1.0, 0.0]]))
      Array(0.5, dtype=float32)
    """
    check.rank("x", x, at_least=1, layout="..., T")
    check.time_steps("x", x, axis=-1)
    x = x[..., 1:] if x.shape[-1] > 1 else x
    return jnp.mean(x != 0, dtype=jnp.float32)


@contextlib.contextmanager
def differentiable_rates() -> Iterator[None]:
    """Inside, the event rates that blocks leave in ``intermediates`` carry a gradient.

    Their values are the same counts; their gradient is that of `jslayer.loss.event_fraction`, so
    that a penalty on rates makes a network sparse.

    Example:
      >>> import jax, jax.numpy as jnp, jslayer
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> layer, x = cuba.Dense(neuron, 3, 4, weight_scale=8), jnp.ones((1, 3, 20))
      >>> variables = layer.init(jax.random.key(0), x)
      >>> def penalty(params):
      ...     with differentiable_rates():
      ...         _, seen = layer.apply({"params": params}, x, mutable="intermediates")
      ...     rates = jslayer.event_rates(seen["intermediates"])
      ...     return jslayer.loss.event_rate_loss(rates, max_rate=0.1)
      >>> gradient = jax.grad(penalty)(variables["params"])
      >>> bool((gradient["synapse"]["weight"] != 0).any())
      True
    """

    def watch(
        call: Callable[..., Any],
        arguments: Any,
        options: Any,
        context: nn.module.InterceptorContext,
    ) -> Any:
        found = call(*arguments, **options)
        if context.method_name == "finish" and isinstance(context.module, Block):
            rate = event_fraction(arguments[0])
            context.module.sow("intermediates", "event_rate", rate)  # the last one counts
        return found

    with nn.intercept_methods(watch):
        yield
