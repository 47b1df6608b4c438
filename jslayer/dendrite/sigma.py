"""Sigma decoder: adds up the changes that a delta encoder sent."""

import flax.linen as nn
import jax

from jslayer import linen, persistence
from jslayer.ops import engine, layout
from jslayer.ops.sigma_delta import Sigma as SigmaDynamics


class Sigma(linen.Module):
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
        run = lambda state: engine.run(
            SigmaDynamics(), {}, state, x, implementation=self.implementation, policy=self.policy
        )
        return persistence.carry_dynamics(self, self.persistent_state, SigmaDynamics(), x, run)[
            "sum"
        ]
