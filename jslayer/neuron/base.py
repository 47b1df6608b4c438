"""What all neurons share: scales, threshold, surrogate, state, norm and dropout."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.neuron import parameters
from jslayer.neuron.dropout import Dropout
from jslayer.ops import check, fixed_point, layout, quantize, surrogate
from jslayer.ops.dynamics import Tree


class Neuron(nn.Module):
    """Base of the neurons; a family declares its fields and `time_first`.

    A neuron maps a drive ``[N, C, ..., T]`` to spikes of the same shape. ``scale`` integer weights
    make a threshold unit; thresholds are cut to that grid, states are 64 times finer.
    """

    # multipliers that turn tau_grad and scale_grad into the surrogate's constants
    tau_multiplier = 100.0
    scale_multiplier = 0.1

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Maps ``[N, C, ..., T]`` float32 to spikes of the same shape.

        Args:
          x: Drive of every step, in threshold units.
          train: Drop neurons and use batch statistics.

        Returns:
          Spikes, float32.

        Raises:
          TypeError: ``x`` is not floating-point.
          ValueError: ``x`` has another rank, no time step or NaN, or does not fit the state.
        """
        layout.check_input(x)
        return layout.time_last(self.time_first(layout.time_first(x), train=train))

    @property
    def w_scale(self) -> int:
        """Integer weights per threshold unit."""
        return self.scale

    @property
    def s_scale(self) -> int:
        """Integer states per threshold unit."""
        return self.scale * fixed_point.STATE_PER_WEIGHT

    @property
    def p_scale(self) -> int:
        """Integer that stands for a decay of one."""
        return fixed_point.DECAY_SCALE

    @property
    def v_th_mant(self) -> int:
        """Threshold in integer weights."""
        return int(self.threshold * self.scale)

    @property
    def quantized_threshold(self) -> float:
        """Threshold on the grid of the weights, in threshold units."""
        return self.v_th_mant / self.scale

    @property
    def weight_exponent(self) -> int:
        """Exponent of the weights in hardware, always 0: states are 2^6 finer."""
        return 0

    @property
    def tau_rho(self) -> float:
        """Width of the surrogate, without multiplier: ``tau_grad threshold``."""
        return self.tau_grad * self.quantized_threshold

    @property
    def scale_rho(self) -> float:
        """Height of the surrogate, without multiplier."""
        return self.scale_grad

    def check_fields(self) -> None:
        """Raises ``ValueError`` for constructor arguments out of range."""
        check.whole("scale", self.scale)
        if not math.isfinite(self.threshold) or self.v_th_mant < 1:
            raise ValueError(
                f"`threshold` is {self.threshold}, expected at least 1 / scale = {1 / self.scale} "
                "and finite; below that it rounds to 0 and the surrogate has no width."
            )
        check.positive("tau_grad", self.tau_grad)
        check.positive("scale_grad", self.scale_grad)
        check.choice("shared_param", self.shared_param, (True, False, "neuron"))

    def quantize_8bit(self, weight: jax.Array, descale: bool = False) -> jax.Array:
        """Quantises weights to the grid of this neuron; see `jslayer.ops.quantize`."""
        return quantize.quantize_8bit(weight, self.scale, descale=descale)

    def spike_surrogate(self) -> surrogate.Surrogate:
        """The surrogate derivative: the given one, or SLAYER's."""
        if self.surrogate is not None:
            return self.surrogate
        kind = surrogate.OneSidedExponential if self.graded_spike else surrogate.Exponential
        return kind(
            tau=self.tau_rho * self.tau_multiplier, scale=self.scale_rho * self.scale_multiplier
        )

    def threshold_row(self, x: jax.Array) -> jax.Array:
        """Threshold as the dynamics read it: held, or learned with ``threshold_grad``."""
        if not self.threshold_grad:
            return jnp.asarray(self.quantized_threshold, jnp.float32)
        shape = parameters.shape_of(self.shared_param, x)
        init = parameters.draw(self.quantized_threshold, jitter=False)
        value = parameters.parameter(self, "threshold", init, shape, learned=True)
        value = fixed_point.clamp(value, 1 / self.scale, jnp.inf)
        return parameters.to_rows(fixed_point.truncate(value, 1 / self.scale))

    def decay_row(
        self, name: str, value: parameters.Spread, x: jax.Array, *, jitter: bool = True
    ) -> jax.Array:
        """Decay parameter ``name`` in [0, 1] on the 12-bit grid, in inner order."""
        parameters.check_spread(name, value, self.shared_param, 0, 1)
        shape = parameters.shape_of(self.shared_param, x)
        init = parameters.draw(value, jitter=jitter)
        stored = parameters.parameter(self, name, init, shape, learned=self.requires_grad)
        return parameters.to_rows(fixed_point.quantize_decay(fixed_point.clamp(stored, 0.0, 1.0)))

    def dropped(self, x: jax.Array, train: bool) -> jax.Array:
        """Dropout on the drive, if there is one (a `Dropout`, or its probability)."""
        if self.dropout is None:
            return x
        p = self.dropout.p if isinstance(self.dropout, Dropout) else self.dropout
        return Dropout(p, parent=self, name="drop").time_first(x, train=train)

    def normed(self, x: jax.Array, train: bool, name: str = "norm") -> jax.Array:
        """The norm, if there is one, made with this neuron's quantiser."""
        if self.norm is None:
            return x
        norm = self.norm(pre_hook=self.quantize_8bit, parent=self, name=name)
        return norm.time_first(x, train=train)

    def carried(
        self, names: tuple[str, ...], x: jax.Array, run: Callable[[Tree | None], tuple[Tree, Tree]]
    ) -> Tree:
        """Runs from the kept state and keeps the last one, where ``persistent_state`` asks for it.

        Args:
          names: States to keep.
          x: ``[T, N, ..., C]``, to check the kept state against.
          run: ``state -> (outputs, last state)``; ``None`` is rest.

        Returns:
          The outputs.
        """
        first = f"{names[0]}_state"
        absent = not self.has_variable("state", first) and not self.is_mutable_collection("state")
        if not self.persistent_state or absent:
            return run(None)[0]
        rest = jnp.zeros(layout.step_first(x[0]).shape, jnp.int32)
        kept = {n: self.variable("state", f"{n}_state", lambda: rest) for n in names}
        for name, variable in kept.items():
            if variable.value.shape != rest.shape:
                raise ValueError(
                    f"`state` holds {name}_state of shape {variable.value.shape}, expected "
                    f"{rest.shape} for this batch; pass data of the same batch size, or variables "
                    "without the 'state' collection to start afresh."
                )
        outputs, last = run({n: layout.step_last(v.value) for n, v in kept.items()})
        if not self.is_initializing() and self.is_mutable_collection("state"):
            for name, variable in kept.items():
                variable.value = layout.step_first(last[name])
        return outputs

    def wants_traces(self) -> bool:
        """True if the caller collects ``intermediates``: then traces are sown."""
        return self.is_mutable_collection("intermediates") and not self.is_initializing()

    def sow_traces(self, traces: Mapping[str, jax.Array]) -> None:
        """Sows each time-first trace under its name as ``[N, C, ..., T]``."""
        for name, trace in traces.items():
            self.sow("intermediates", name, layout.time_last(trace))

    def integers(self, variables: Mapping[str, Any], name: str, default: Any) -> Any:
        """A decay in 1/4096, as a Python integer if shared, else as an int array."""
        value = parameters.find(variables, name, default)
        if isinstance(value, tuple | list):
            raise ValueError(
                f"`variables` lacks {name}, expected the values drawn at `init`; "
                "pass its 'params' and 'constants' collections."
            )
        whole = fixed_point.fraction(jnp.clip(jnp.asarray(value, jnp.float32), 0, 1))
        return int(whole) if whole.ndim == 0 else jax.device_get(whole)
