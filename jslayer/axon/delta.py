"""Delta encoder: sends the change of its input where that is large enough."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import linen, persistence
from jslayer.neuron import parameters
from jslayer.ops import check, engine, fixed_point, layout
from jslayer.ops.sigma_delta import Delta as DeltaDynamics


class Delta(linen.Module):
    """Sends changes that reach a threshold, and keeps what it did not send; see `jslayer.ops`.

    Attributes:
      threshold: Least change that is sent; at least ``1 / scale``.
      scale: Levels per unit of the output, which is rounded down to them.
      tau_grad: Reach of the threshold's gradient.
      scale_grad: Size of the threshold's gradient.
      cum_error: Compare the sum of the changes since the last event.
      shared_param: ``True``: one threshold, ``False``: one per channel, ``"neuron"``: one each.
      persistent_state: Carry the state to the next call, in collection ``"state"``.
      requires_grad: Learn the threshold.
      implementation: Engine, see `jslayer.ops.engine.run`.
      policy: What training keeps for the gradient, see there.

    Example:
      >>> import jax.numpy as jnp
      >>> Delta(threshold=0.5).apply({}, jnp.array([[[0.25, 0.5, 1.0, 1.25]]]))[0, 0]
      Array([0. , 0.5, 0.5, 0. ], dtype=float32)
    """

    threshold: parameters.Number
    scale: int = 64
    tau_grad: parameters.Number = 1
    scale_grad: parameters.Number = 1
    cum_error: bool = False
    shared_param: parameters.Granularity = True
    persistent_state: bool = False
    requires_grad: bool = False
    implementation: str | None = None
    policy: engine.Policy = "save"

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps ``[N, C, ..., T]`` to graded events of the same shape."""
        layout.check_input(x)
        return layout.time_last(self.time_first(layout.time_first(x)))

    def dynamics(self) -> DeltaDynamics:
        """The record that runs."""
        return DeltaDynamics(self.scale, self.tau_grad, self.scale_grad, self.cum_error)

    @nn.compact
    def time_first(self, x: jax.Array) -> jax.Array:
        """As ``__call__``, on ``[T, N, ..., C]``."""
        check.whole("scale", self.scale)
        check.positive("tau_grad", self.tau_grad)
        check.positive("scale_grad", self.scale_grad)
        check.choice("shared_param", self.shared_param, (True, False, "neuron"))
        check.in_range("threshold", self.threshold, 0, jnp.inf)
        shape = parameters.shape_of(self.shared_param, x)
        stored = parameters.parameter(
            self,
            "threshold",
            parameters.draw(self.threshold, jitter=False),
            shape,
            learned=self.requires_grad,
            swept=parameters.is_swept(self.threshold, drawn=False),
        )
        params = {"threshold": parameters.channel_last(self.clamped(stored))}
        run = lambda state: engine.run(
            self.dynamics(),
            params,
            state,
            x,
            implementation=self.implementation,
            policy=self.policy,
        )
        return persistence.carry_dynamics(self, self.persistent_state, self.dynamics(), x, run)[
            "spike"
        ]

    def clamped(self, threshold: jax.Array) -> jax.Array:
        """Thresholds in range, with gradient 1 outside as well."""
        return fixed_point.clamp(threshold, 1 / self.scale, jnp.inf)
