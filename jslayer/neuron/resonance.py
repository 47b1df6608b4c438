"""Neurons whose membrane is a resonator: period and decay, and what can be read out of them."""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.neuron import parameters
from jslayer.neuron.spiking import Spiking
from jslayer.ops import check, fixed_point
from jslayer.ops.rotation import rotation

SHORTEST_PERIOD = 4
"""Below four steps a rotation leaves the first quadrant, which the hardware cannot hold."""


class Resonance(Spiking):
    """Base of the neurons with fields ``period``, ``decay`` and ``log_init``.

    Their parameters are ``sin_decay = (1 - decay) sin(2 pi / period)`` and ``cos_decay`` likewise,
    kept inside the unit circle where they learn.
    """

    complex_input = True

    def check_fields(self) -> None:
        """Raises ``ValueError`` for constructor arguments out of range."""
        super().check_fields()
        parameters.check_spread("period", self.period, self.shared_param, SHORTEST_PERIOD, jnp.inf)
        parameters.check_spread("decay", self.decay, self.shared_param, 0, 1)

    def membrane_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """Sine and cosine of the rotation, on the 12-bit grid."""
        shape = parameters.shape_of(self.shared_param, x)
        # one draw makes both: a rotation is drawn, not its parts
        key = self.make_rng("params") if self.is_initializing() else jax.random.key(0)
        first = self._first(key, shape)
        options = {"learned": self.requires_grad, "swept": self._swept(shape)}
        sin, cos = (
            parameters.parameter(self, name, lambda _key, _shape, i=i: first[i], shape, **options)
            for i, name in enumerate(("sin_decay", "cos_decay"))
        )
        if self.requires_grad:
            sin, cos = fixed_point.clamp_rotation(sin, cos)
        on_grid = lambda value: parameters.channel_last(fixed_point.quantize_decay(value))
        return {"sin_decay": on_grid(sin), "cos_decay": on_grid(cos)}

    def _swept(self, shape):
        """True if period or decay is traced and nothing is drawn."""
        fields = (self.period, self.decay)
        if shape == ():
            return not all(map(check.is_concrete, fields))
        return all(map(parameters.is_array, fields)) and not all(map(check.is_concrete, fields))

    def _first(self, key, shape):
        """First sine and cosine, float32."""
        if shape == () and self._swept(shape):
            return rotation(self.period, self.decay)
        if shape == ():
            gain, angle = 1 - self.decay, 2 * np.pi / self.period
            return jnp.float32(gain * np.sin(angle)), jnp.float32(gain * np.cos(angle))
        decay_key, period_key = jax.random.split(key)
        low, high = parameters.limits(self.period)
        if parameters.is_array(self.period):
            frequency = 1 / parameters.spread_out(self.period, shape)
        elif self.log_init:
            size = int(np.prod(shape))
            space = np.geomspace if check.is_concrete(self.period) else jnp.geomspace
            frequency = space(1 / high, 1 / low, size).reshape(shape).astype(np.float32)
        else:
            frequency = jax.random.uniform(period_key, shape, jnp.float32, 1 / high, 1 / low)
        decay = parameters.draw(self.decay)(decay_key, shape)
        gain, angle = 1 - decay, 2 * np.float32(np.pi) * frequency
        return gain * jnp.sin(angle), gain * jnp.cos(angle)

    def rotation_integers(self, variables: Mapping[str, Any]) -> tuple[Any, Any]:
        """Sine and cosine in 1/4096: Python integers if shared, else int arrays."""
        found = [parameters.find(variables, name) for name in ("sin_decay", "cos_decay")]
        if any(value is None for value in found):
            if self.shared_param is not True:
                raise ValueError(
                    "`variables` lacks sin_decay and cos_decay, expected the values drawn at "
                    "`init`; pass its 'params' and 'constants' collections."
                )
            found = self._first(None, ())
        sin, cos = (jnp.asarray(value, jnp.float32) for value in found)
        if self.requires_grad:
            sin, cos = fixed_point.clamp_rotation(sin, cos)
        return tuple(parameters.whole(fixed_point.fraction(value)) for value in (sin, cos))

    def cx_sin_decay(self, variables: Mapping[str, Any]) -> Any:
        """``sin_decay`` in 1/4096, given this neuron's variables."""
        return self.rotation_integers(variables)[0]

    def cx_cos_decay(self, variables: Mapping[str, Any]) -> Any:
        """``cos_decay`` in 1/4096, given this neuron's variables."""
        return self.rotation_integers(variables)[1]

    def membrane_integers(self, variables: Mapping[str, Any]) -> dict[str, Any]:
        """The rotation by the network file's keys."""
        sin, cos = self.rotation_integers(variables)
        return {"sinDecay": sin, "cosDecay": cos}


class Spacing(Resonance):
    """The field ``log_init``, which comes behind the common ones.

    Attributes:
      log_init: Space frequencies evenly in the logarithm; ``False`` draws them uniformly.
    """

    log_init: bool = True


def decay(neuron: Resonance, variables: Mapping[str, Any]) -> Any:
    """Fraction of its length that the state loses per step, after rounding to hardware integers.

    ``1 - sqrt(sin_decay^2 + cos_decay^2)``.

    Args:
      neuron: A resonate-and-fire neuron.
      variables: Its own collections.

    Returns:
      A float, or an array where parameters are not shared.
    """
    sin, cos = neuron.rotation_integers(variables)
    return 1 - np.hypot(sin, cos) / fixed_point.DECAY_SCALE


def frequency(neuron: Resonance, variables: Mapping[str, Any]) -> Any:
    """Turns per step of the state: ``atan2(sin_decay, cos_decay) / (2 pi)``; see `decay`."""
    sin, cos = neuron.rotation_integers(variables)
    return np.arctan2(sin, cos) / (2 * np.pi)


def period(neuron: Resonance, variables: Mapping[str, Any]) -> Any:
    """Steps per turn of the state; see `decay`."""
    return 1 / frequency(neuron, variables)


def lam(neuron: Resonance, variables: Mapping[str, Any]) -> Any:
    """Rate of decay per step: ``-log(1 - decay)``; see `decay`."""
    return -np.log(1 - decay(neuron, variables))
