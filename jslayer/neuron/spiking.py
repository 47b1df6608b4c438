"""What the spiking neurons share: threshold, surrogate and what a network file holds of them."""

from collections.abc import Mapping
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.neuron import base, parameters
from jslayer.ops import check, fixed_point, spiking
from jslayer.ops.surrogate import (
    Exponential,
    OneSidedExponential,
    PhaseExponential,
)


class Spiking(base.Neuron):
    """Base of the neurons that spike at a threshold; a family names its record and its membrane.

    Attributes:
      record: Class of its dynamics in `jslayer.ops`.
      device_type: Its name in a network file.
      silent_at_zero: At rest it does not spike with a threshold of 0 either, which it may have.
    """

    record: ClassVar[type[spiking.Spiking]]
    device_type: ClassVar[str]
    silent_at_zero: ClassVar[bool] = False

    def membrane_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """Parameters of the membrane, see `dynamics_params`."""
        raise NotImplementedError

    def membrane_integers(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The membrane's parameters in 1/4096, by the network file's keys."""
        raise NotImplementedError

    def check_fields(self) -> None:
        """Raises ``ValueError`` for constructor arguments out of range."""
        super().check_fields()
        zero = self.silent_at_zero and not self.threshold_grad  # learned, it stays above
        base.check_threshold("threshold", self.threshold, self.scale, self.shared_param, zero=zero)
        for name in ("tau_grad", "scale_grad"):
            parameters.check_array(name, getattr(self, name), self.shared_param)
            check.positive(name, parameters.numbers(getattr(self, name)))

    def dynamics(self) -> spiking.Spiking:
        """The record that runs."""
        return self.record(
            s_scale=self.s_scale,
            surrogate=self.spike_surrogate(),
            graded=self.graded_spike,
            trace=self.wants_traces(),
            readout=self.readout,
            threshold_grad=self.threshold_grad,
        )

    def dynamics_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """Declares the parameters and returns them as the dynamics read them."""
        membrane = self.membrane_params(x)
        return membrane if self.readout else {**membrane, **self.threshold_params(x)}

    def threshold_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """The threshold, and what adapts it."""
        return {"threshold": self.level_row("threshold", x)}

    def level_row(self, name: str, x: jax.Array) -> jax.Array:
        """A threshold as the dynamics read it: held, or learned with ``threshold_grad``."""
        held = fixed_point.on_weight_grid(parameters.numbers(getattr(self, name)), self.scale)
        shape = parameters.shape_of(self.shared_param, x)
        if not self.threshold_grad:
            if np.ndim(held):
                held = parameters.spread_out(held, shape)
            return parameters.channel_last(jnp.asarray(held, jnp.float32))
        init = parameters.draw(held, jitter=False)
        value = parameters.parameter(self, name, init, shape, learned=True)
        return parameters.channel_last(
            fixed_point.truncate(self._in_range(name, value), 1 / self.scale)
        )

    def _in_range(self, name, value):
        return fixed_point.clamp(value, 1 / self.scale if name == "threshold" else 0.0, jnp.inf)

    def decay_row(
        self, name: str, x: jax.Array, *, jitter: bool = True, learned: bool | None = None
    ) -> jax.Array:
        """Decay parameter ``name`` in [0, 1] on the 12-bit grid, in inner order."""
        value = getattr(self, name)
        parameters.check_spread(name, value, self.shared_param, 0, 1)
        shape = parameters.shape_of(self.shared_param, x)
        init = parameters.draw(value, jitter=jitter)
        learned = self.requires_grad if learned is None else learned
        swept = parameters.is_swept(value, drawn=jitter and shape != ())
        stored = parameters.parameter(self, name, init, shape, learned=learned, swept=swept)
        return parameters.channel_last(
            fixed_point.quantize_decay(fixed_point.clamp(stored, 0.0, 1.0))
        )

    @property
    def main_output(self) -> str:
        """Name of the output that goes on to the next layer."""
        return self.record.value if self.readout else "spike"

    @property
    def binary(self) -> bool:
        """True if all that goes on to the next layer is zero or one."""
        return not (self.graded_spike or self.readout)

    @property
    def v_th_mant(self) -> int | jax.Array:
        """Threshold in integer weights."""
        return fixed_point.whole_weights(parameters.numbers(self.threshold), self.scale)

    @property
    def quantized_threshold(self) -> parameters.Number:
        """Threshold on the grid of the weights, in threshold units."""
        return fixed_point.on_weight_grid(parameters.numbers(self.threshold), self.scale)

    @property
    def tau_rho(self) -> parameters.Number:
        """Width of the surrogate, without multiplier: ``tau_grad threshold``.

        A threshold of 0 has that of the least above it, ``1 / scale``.
        """
        level: Any = self.quantized_threshold
        if self.silent_at_zero:
            least = 1 / self.scale
            if isinstance(level, jax.Array):
                level = jnp.where(level == 0, least, level)
            else:  # numbers stay numbers, which are compiled in
                level = np.where(level == 0, least, level) if np.ndim(level) else level or least
        return parameters.numbers(self.tau_grad) * level

    @property
    def scale_rho(self) -> parameters.Number:
        """Height of the surrogate, without multiplier."""
        return parameters.numbers(self.scale_grad)

    def spike_surrogate(self) -> Any:
        """The surrogate derivative: the given one, or SLAYER's.

        A `jslayer.ops.surrogate.Surrogate`, or for spikes of a phase a `PhaseExponential`.
        """
        if self.surrogate is not None:
            return self.surrogate
        tau = parameters.row(self.tau_rho * self.tau_multiplier)
        scale = parameters.row(self.scale_rho * self.scale_multiplier)
        if self.record.phase:
            return PhaseExponential(tau, scale, one_sided=self.graded_spike)
        return (OneSidedExponential if self.graded_spike else Exponential)(tau, scale)

    def device_params(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What the network file says of this neuron.

        Args:
          variables: The neuron's own collections, ``{"params": ..., "constants": ...}``.

        Returns:
          Values by the file's key: Python integers, or an array where there is one per channel.
        """
        return {
            "type": self.device_type,
            **self.membrane_integers(variables),
            "vThMant": self.mantissa("threshold", variables),
            "gradedSpike": self.graded_spike,
        }

    def integers(self, variables: Mapping[str, Any], name: str, default: Any) -> Any:
        """A decay in 1/4096, as a Python integer if shared, else as an int array."""
        value = parameters.find(variables, name, default)
        if isinstance(value, tuple | list):
            raise ValueError(
                f"`variables` lacks {name}, expected the values drawn at `init`; "
                "pass its 'params' and 'constants' collections."
            )
        clamped = jnp.clip(jnp.asarray(value, jnp.float32), 0, 1)
        return parameters.whole(fixed_point.fraction(clamped))

    def mantissa(self, name: str, variables: Mapping[str, Any]) -> Any:
        """A threshold in integer weights: an integer, or one per channel where it was learned."""
        learned = parameters.find(variables, name)
        if learned is None:
            value = parameters.numbers(getattr(self, name))
            return parameters.whole(fixed_point.whole_weights(value, self.scale))
        value = self._in_range(name, jnp.asarray(learned))
        return parameters.whole(fixed_point.whole_steps(value, 1 / self.scale))


class Adaptive(Spiking):
    """Base of the neurons whose threshold adapts: three more parameters.

    Their fields are ``threshold_step``, ``threshold_decay`` and ``refractory_decay``. The decays
    are learned parameters with ``requires_grad`` or ``threshold_grad``, but only with the latter
    do they get a gradient.
    """

    def check_fields(self) -> None:
        """Raises ``ValueError`` for constructor arguments out of range."""
        super().check_fields()
        parameters.check_array("threshold_step", self.threshold_step, self.shared_param)
        check.in_range("threshold_step", parameters.numbers(self.threshold_step), 0, jnp.inf)

    def threshold_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """The threshold, and what adapts it."""
        learned = self.requires_grad or self.threshold_grad
        return {
            **super().threshold_params(x),
            "threshold_step": self.level_row("threshold_step", x),
            "threshold_decay": self.decay_row("threshold_decay", x, jitter=False, learned=learned),
            "refractory_decay": self.decay_row(
                "refractory_decay", x, jitter=False, learned=learned
            ),
        }

    @property
    def v_th_step(self) -> int | jax.Array:
        """Threshold step in integer weights."""
        return fixed_point.whole_weights(parameters.numbers(self.threshold_step), self.scale)

    def cx_threshold_decay(self, variables: Mapping[str, Any]) -> Any:
        """Threshold decay in 1/4096, given this neuron's variables."""
        return self.integers(variables, "threshold_decay", self.threshold_decay)

    def cx_refractory_decay(self, variables: Mapping[str, Any]) -> Any:
        """Refractory decay in 1/4096, given this neuron's variables."""
        return self.integers(variables, "refractory_decay", self.refractory_decay)

    def device_params(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """What the network file says of this neuron; see `Spiking.device_params`."""
        return {
            **super().device_params(variables),
            "vThStep": self.mantissa("threshold_step", variables),
            "thDecay": self.cx_threshold_decay(variables),
            "refDecay": self.cx_refractory_decay(variables),
        }
