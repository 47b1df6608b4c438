"""A neuron of your own: any `jslayer.ops.Dynamics` as a Flax module."""

from collections.abc import Mapping
from typing import Any

import flax
import jax
import jax.numpy as jnp

from jslayer.neuron import base, parameters
from jslayer.neuron.dropout import Dropout
from jslayer.ops import fixed_point
from jslayer.ops.dynamics import Dynamics

__all__ = ["Neuron"]


def __dir__() -> list[str]:
    return __all__


class Neuron(base.Neuron):
    """Runs a `Dynamics` that you define: as a neuron, and in any block of `jslayer.block.custom`.

    The record says what one time step does; parameters, layout, state, norms, dropout, blocks,
    recurrence and streaming are the same as for the library's own neurons.

    Attributes:
      record: The dynamics, with the output to send on named ``output``.
      parameters: First value of each of its parameters: a number, or with ``shared_param=False``
        or ``"neuron"`` also a (min, max) pair to draw from.
      ranges: Least and largest value by parameter's name, where there are bounds; parameters are
        clamped to them, and gradients pass outside too.
      output: Name of the output that goes on; the others are traces.
      readout: Name of the output that a read-out block gives, or ``None`` for the same.
      scale: Integer weights per unit of weight, for the weights in front.
      norm: A norm class (or factory) that takes ``pre_hook``, or ``None``; acts on the drive.
      dropout: A `Dropout` or its probability, or ``None``.
      shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: each.
      persistent_state: Carry the state to the next call, in collection ``"state"``.
      requires_grad: Learn the parameters.
      takes_complex: The drive is a pair of ``real`` and ``imag``.
      implementation: Engine; ``None``: the fastest that works here, see `jslayer.ops.engine.run`.
      policy: What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    Example:
      An integrate-and-fire neuron with a soft reset and the automatic adjoint:

      >>> import dataclasses
      >>> import jax, jax.numpy as jnp
      >>> from jslayer import ops
      >>> from jslayer.ops.spike import spike
      >>> from jslayer.ops.surrogate import FastSigmoid
      >>> @dataclasses.dataclass(frozen=True)
      ... class IntegrateAndFire(ops.Dynamics):
      ...     def init(self, like):
      ...         return {"voltage": jnp.zeros_like(like)}
      ...
      ...     def step(self, constants, state, x):
      ...         voltage = (1 - constants["leak"]) * state["voltage"] + x
      ...         fired = spike(voltage, 1.0, surrogate=FastSigmoid())
      ...         return {"voltage": voltage - fired}, {"spike": fired}
      >>> neuron = Neuron(IntegrateAndFire(), {"leak": 0.0}, requires_grad=True)
      >>> x = jnp.full((1, 1, 6), 0.5)
      >>> variables = neuron.init(jax.random.key(0), x)
      >>> neuron.apply(variables, x)[0, 0]
      Array([0., 1., 0., 1., 0., 1.], dtype=float32)
    """

    record: Dynamics
    parameters: Mapping[str, parameters.Spread]
    ranges: Mapping[str, tuple[float, float]] | None = None
    output: str = "spike"
    readout: str | None = None
    scale: int = 64
    norm: Any = None
    dropout: Dropout | parameters.Number | None = None
    shared_param: parameters.Granularity = True
    persistent_state: bool = False
    requires_grad: bool = False
    takes_complex: bool = False
    implementation: str | None = None
    policy: base.Policy = "save"

    def __post_init__(self):
        for name in ("parameters", "ranges"):
            value = getattr(self, name)
            if value is not None:
                tupled = {k: parameters.hashable(v) for k, v in value.items()}
                object.__setattr__(self, name, flax.core.freeze(tupled))
        super().__post_init__()

    @property
    def complex_input(self) -> bool:
        """True if the drive is a pair."""
        return self.takes_complex

    @property
    def main_output(self) -> str:
        """Name of the output that goes on to the next layer."""
        return self.output

    def as_readout(self) -> "Neuron":
        """This neuron with the output named ``readout``, or as it is without one."""
        return self if self.readout is None else self.clone(output=self.readout)

    def dynamics(self) -> Dynamics:
        """The record that runs."""
        return self.record

    def dynamics_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """Declares the parameters and returns them in range."""
        found = {}
        for name, value in self.parameters.items():
            low, high = (self.ranges or {}).get(name, (-jnp.inf, jnp.inf))
            parameters.check_spread(name, value, self.shared_param, low, high)
            shape = parameters.shape_of(self.shared_param, x)
            stored = parameters.parameter(
                self,
                name,
                parameters.draw(value),
                shape,
                learned=self.requires_grad,
                swept=parameters.is_swept(value, drawn=shape != ()),
            )
            found[name] = parameters.channel_last(fixed_point.clamp(stored, low, high))
        return found
