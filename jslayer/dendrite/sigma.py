"""Sigma decoder: adds up the changes that a delta encoder sent."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import persistence
from jslayer.ops import engine, layout
from jslayer.ops.dynamics import Tree
from jslayer.ops.sigma_delta import Sigma as SigmaDynamics


class Sigma(nn.Module):
    """Running sum over time: ``y[t] = x[0] + ... + x[t]``.

    Attributes:
      persistent_state: Go on from the sum of the call before, in collection ``"state"``.
      implementation: Engine, see `jslayer.ops.engine.run`.
      policy: What training keeps for the gradient, see there.

    Example:
      >>> import jax.numpy as jnp
      >>> Sigma().apply({}, jnp.array([[[1.0, 0.0, 2.0]]]))[0, 0]
      Array([1., 1., 3.], dtype=float32)
    """

    persistent_state: bool = False
    implementation: str | None = None
    policy: engine.Policy = "save"

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps ``[N, C, ..., T]`` to the sums of the same shape."""
        layout.check_input(x)
        return layout.time_last(self.time_first(layout.time_first(x)))

    @nn.compact
    def time_first(self, x: jax.Array) -> jax.Array:
        """As ``__call__``, on ``[T, N, ..., C]``."""
        rest = lambda: {"sum_state": jnp.zeros_like(layout.step_first(x[0]))}

        def run(kept: Tree | None) -> tuple[jax.Array, Tree]:
            state = None if kept is None else {"sum": layout.step_last(kept["sum_state"])}
            outputs, last = engine.run(
                SigmaDynamics(),
                {},
                state,
                x,
                implementation=self.implementation,
                policy=self.policy,
            )
            return outputs["sum"], {"sum_state": layout.step_first(last["sum"])}

        return persistence.carry(self, self.persistent_state, rest, run)
