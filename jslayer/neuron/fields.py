"""Constructor arguments that the neurons share, in the order of the field's own library.

A family inherits `Extras`, then `Common`, then its own leading fields: dataclasses collect fields
from the last base to the first, so that its own come first.
"""

from typing import Any

from jslayer.neuron import base, parameters
from jslayer.neuron.dropout import Dropout
from jslayer.ops.surrogate import PhaseExponential, Surrogate


class Common(base.Neuron):
    """What every spiking neuron takes, after its own parameters.

    Every number but ``scale`` may be swept: `jax.vmap` over it, or make it an argument of a jitted
    function. Swept, a number is checked by nobody, and goes before what `init` kept of it in
    ``constants``; parameters that are learned go before it. Its gradient is that of the learned
    parameter: thresholds and decays have one (those that adapt only learned, with
    ``threshold_grad``), ``tau_grad``, ``scale_grad`` and the dropout's probability have zero.

    Attributes:
      tau_grad: Width of the surrogate gradient, relative to the threshold; it decays over a voltage
        of ``tau_grad threshold tau_multiplier``.
      scale_grad: Height of the surrogate gradient, as a factor.
      scale: Integer weights per unit of weight: weights and thresholds are integers over it.
      norm: A norm class (or factory) that takes ``pre_hook``, or ``None``.
      dropout: A `Dropout` or its probability, or ``None``.
      shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
        each. Not shared, a parameter may be a (min, max) pair to draw from.
      persistent_state: Carry the state to the next call, in collection ``"state"``.
      requires_grad: Learn the decays.
      graded_spike: Spikes carry the value that crossed the threshold, instead of 1.
    """

    tau_grad: parameters.Number = 1
    scale_grad: parameters.Number = 1
    scale: int = 64
    norm: Any = None
    dropout: Dropout | parameters.Number | None = None
    shared_param: parameters.Granularity = True
    persistent_state: bool = False
    requires_grad: bool = False
    graded_spike: bool = False


class Extras(base.Neuron):
    """What goes beyond the field's library, last in the order.

    Attributes:
      threshold_grad: Learn the threshold (and what adapts it) too.
      surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``, see `jslayer.ops.surrogate`;
        ``None``: SLAYER's exponential.
      readout: No threshold; the output is the voltage (the imaginary part).
      implementation: Engine; ``None``: the fastest that works here, see `jslayer.ops.engine.run`.
      policy: What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.
      tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width.
      scale_multiplier: Turns ``scale_grad`` into the surrogate's height.
    """

    threshold_grad: bool = False
    surrogate: Surrogate | PhaseExponential | None = None
    readout: bool = False
    implementation: str | None = None
    policy: base.Policy = "save"
    tau_multiplier: float = 100.0
    scale_multiplier: float = 0.1
