"""Learnable axonal delay."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import linen, persistence
from jslayer.ops import check, fixed_point, layout
from jslayer.ops.delay import delay as delay_op
from jslayer.ops.shift import shift


def delay(
    input: jax.Array, delay_val: jax.Array | float = 1, sampling_time: float = 1
) -> jax.Array:
    """Delays signals by given times; `jslayer.ops.shift.shift` by lava-dl's name.

    Args:
      input: ``[..., T]`` float32.
      delay_val: A number, one per channel, or one per neuron; cut to whole steps.
      sampling_time: Length of a step, in the unit of ``delay_val``.

    Returns:
      float32, shaped like ``input``; zeros come in.
    """
    return shift(input, delay_val, sampling_time)


class Delay(linen.Module):
    """Delays every channel by its own learned time, cut to whole steps.

    ``y[t] = x[t - floor(delay_c / sampling_time)]``, with the delay clamped to
    ``[0, max_delay]``; see `jslayer.ops.delay`. Delays start uniform in [0, 1), that is at no
    step of length 1.

    Attributes:
      sampling_time: Length of a step, in the unit of the delay.
      max_delay: Largest delay, or ``None`` for no bound.
      grad_scale: Factor on the gradient of the delay.
      init_range: Delays are drawn uniformly from here.
      persistent_state: Carry spikes that are under way to the next call, in collection
        ``"state"``; needs ``max_delay``.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> x = jnp.zeros((1, 2, 4)).at[..., 0].set(1)
      >>> Delay().apply({"params": {"delay": jnp.array([0.5, 2.5])}}, x)[0]
      Array([[1., 0., 0., 0.],
             [0., 0., 1., 0.]], dtype=float32)
    """

    sampling_time: float = 1
    max_delay: float | None = None
    grad_scale: float = 1
    init_range: tuple[float, float] = (0.0, 1.0)
    persistent_state: bool = False

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps ``[N, C, ..., T]`` to the delayed signal of the same shape."""
        layout.check_input(x)
        return layout.time_last(self.time_first(layout.time_first(x)))

    @nn.compact
    def time_first(self, x: jax.Array, *, shift: int = 0) -> jax.Array:
        """As ``__call__``, on ``[T, N, ..., C]``; every channel waits ``shift`` steps besides."""
        check.positive("sampling_time", self.sampling_time)
        check.in_range("init_range", self.init_range, 0, jnp.inf)
        if self.max_delay is not None:
            check.in_range("max_delay", self.max_delay, 0, jnp.inf)
        low, high = self.init_range
        if self.has_variable("params", "delay"):
            delay = self.get_variable("params", "delay")
        else:
            draw = lambda key: jax.random.uniform(key, x.shape[-1:], jnp.float32, low, high)
            delay = self.param("delay", draw)
        check.axis_size("x", x, axis=-1, size=delay.shape[0], meaning="channels of the delay")
        delay = self.clamped(delay)
        options = {
            "sampling_time": self.sampling_time,
            "grad_scale": self.grad_scale,
            "shift": shift,
        }
        if self.persistent_state and self.max_delay is None:
            raise ValueError(
                "`max_delay` is None, expected a number with persistent_state=True; "
                "the memory of the delay line needs a length."
            )
        # one step more than the longest delay: the gradient also needs the output before
        rest = lambda: {
            "tail": jnp.zeros(
                (
                    int(self.max_delay / self.sampling_time) + shift + 1,
                    *layout.step_first(x[0]).shape,
                ),
                x.dtype,
            )
        }

        def run(kept: persistence.State | None) -> tuple[jax.Array, persistence.State]:
            tail = None if kept is None else jnp.moveaxis(kept["tail"], 2, -1)
            y, tail = delay_op(x, delay, tail, **options)
            return y, {} if tail is None else {"tail": jnp.moveaxis(tail, -1, 2)}

        return persistence.carry(self, self.persistent_state, rest, run)

    def clamped(self, delay: jax.Array) -> jax.Array:
        """Delays in range, with gradient 1 outside as well."""
        high = jnp.inf if self.max_delay is None else self.max_delay
        return fixed_point.clamp(delay, 0.0, high)
