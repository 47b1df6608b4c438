"""Blocks with feedback among their own neurons: recurrent, and k winners take all."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer import persistence, synapse
from jslayer.block.base import Hook
from jslayer.block.layers import Dense, Layer
from jslayer.block.replay import replayable
from jslayer.neuron import parameters
from jslayer.ops import check, fixed_point, layout, quantize
from jslayer.ops.dynamics import Dynamics, Tree
from jslayer.ops.recurrent import run_recurrent


class _Feedback(Layer):
    """What both share: one scan over time with the spikes fed back, and its state."""

    synapse_kind = "Dense"

    def looped(self, z: Any, weight: Any, train: bool) -> jax.Array:
        """Spikes for a time-first drive ``[T, N, C]`` and feedback weights ``[C, C]``."""
        neuron = self.new_neuron()
        if neuron.norm is not None:
            raise ValueError(
                "`norm` is given, expected None in a block with feedback: the mean of a batch is "
                "not known step by step; put the norm into the block in front."
            )
        first = jax.tree.leaves(z)[0]
        if first.ndim != 3:
            raise ValueError(
                f"`x` has {first.ndim} axes, expected [N, C, T] in a block with feedback; "
                "flatten images first."
            )
        pair = neuron.complex_input
        weight = layout.parts(weight) if pair else weight
        # a dropped neuron is dropped for the drive and for the feedback alike
        gain = None
        if neuron.dropout is not None and train:
            gain = neuron.new_dropout(self).time_first(jnp.ones_like(first[:1]), train=train)[0]
            z = jax.tree.map(lambda part: part * gain, z)
        neuron = neuron.clone(dropout=None)

        def from_kept(kept: Tree | None) -> tuple[jax.Array, Tree]:
            def run(
                dynamics: Dynamics, params: Mapping[str, jax.Array], state: Tree | None, x: Tree
            ) -> tuple[Tree, Tree]:
                return run_recurrent(
                    dynamics,
                    params,
                    state,
                    x,
                    weight,
                    None if kept is None else kept["fed_back"],
                    gain=gain,
                    output=neuron.main_output,
                )

            spikes = self.run_neuron(neuron, z, train, run=run)
            return spikes, {"fed_back": spikes[-1]}

        rest = lambda: {"fed_back": jnp.zeros_like(first[0])}
        return persistence.carry(self, self.persistent(), rest, from_kept)


class Recurrent(_Feedback):
    """Dense synapse and neurons that are all connected among each other, on ``[N, C, T]``.

    ``d[t] = W x[t] + R s[t-1]``, ``s[t] = neuron(d[t])``. In complex families both ``W`` and ``R``
    are complex. Gradients flow through the membrane as well as through the feedback.

    Attributes:
      neuron_params: Arguments of the family's neuron; a norm has no place here.
      in_neurons: Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or ``None``: as many as
        the first input has.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart (weight normalisation).
      pre_hook_fx: Function of the weights in use, ``None`` for none, or ``"neuron"``: the neuron's
        8-bit quantiser.
      requires_grad: Learn the feedback weights.
      delay: Add a learnable delay per output, behind the feedback, 0 to 62 steps.
      delay_shift: Delay the output by one step, behind the feedback.
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
      mask: Connections of the input, ``[out, in]`` of zeros and ones; ``None``: all.
      recurrent_mask: Connections of the feedback, ``[out, out]``, the receiving neuron first;
        ``None``: all.
      dtype: Number type of inputs and weights in the product of the input; sums and
        gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.
    """

    neuron_params: Mapping[str, Any]
    in_neurons: int | tuple[int, ...] | None
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    requires_grad: bool = True
    delay: bool = False
    delay_shift: bool = True
    count_log: bool = False
    mask: Any = None
    recurrent_mask: Any = None
    dtype: Any = None

    synapse_fields = Dense.synapse_fields

    def __post_init__(self):
        if self.recurrent_mask is not None:
            mask = self.recurrent_mask
            if not isinstance(mask, synapse.Mask):
                object.__setattr__(self, "recurrent_mask", synapse.Mask(mask))
        super().__post_init__()

    def feedback_synapse(self, **options: Any) -> synapse.base.Synapse:
        """The synapse from the block's outputs to its inputs."""
        return self.clone(
            in_neurons=self.out_neurons, mask=self.recurrent_mask, parent=None
        ).new_synapse(**options)

    @nn.compact
    @replayable
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps ``[N, in, T]`` to spikes ``[N, out, T]``."""
        z = self.new_synapse(name="input_synapse").time_first(self.inner(x))
        feedback = self.feedback_synapse(parent=self, name="recurrent_synapse")
        # what a synapse makes of single spikes are the columns of its weight
        single = jnp.eye(self.out_neurons, dtype=jnp.float32)[None]
        weight = jax.tree.map(lambda columns: columns[0].T, feedback.time_first(single))
        if not self.requires_grad:
            weight = jax.lax.stop_gradient(weight)
        y = self.looped(z, weight, train)
        self.remember_shape(y)
        return self.finish(self.delayed(y))


class KWTA(_Feedback):
    """k winners take all: every neuron excites itself and inhibits all others, on ``[N, C, T]``.

    ``d[t] = W x[t] + R s[t-1] + b`` with ``R = q((1 + a) I - 1)`` for self-excitation a, clamped to
    [0, 1], and the neuron's quantiser q. A neuron that fires among K - 1 others gets
    ``b - (K - 1) + a``, one that does not gets ``b - K``. The bias puts the steady drive at which
    the neuron spikes, ``e``, in the middle: ``b = e + K - (1 + a) / 2``; the drive decides who is
    who. For leaky neurons ``e = threshold current_decay (1 + voltage_decay) / 2``, half way between
    the drive that makes them spike at all and the one that makes them spike every step; for others
    it is the threshold. (In the reference the bias rounds to zero.)

    Winners need memory: with a ``voltage_decay`` of at most 0.1 the mean number of spikes per step
    is K within 15 %, or 30 % where the current has no memory. Neurons that forget at once see all
    the same inhibition in the same step, whatever the bias: unless K of them are active already
    and the drive stays below (1 + a) / 2, all fire and all fall silent by turns. Sigma-delta
    neurons add their drive up, so that a constant would grow without end: they compete by
    inhibition alone, with b = 0, and K does not count.

    References:
      Majani, Erlanson and Abu-Mostafa, On the K-Winners-Take-All Network, 1989.

    Attributes:
      neuron_params: Arguments of the family's neuron; a norm has no place here.
      in_neurons: Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or ``None``: as many as
        the first input has.
      out_neurons: Outputs, N.
      num_winners: K, at most N.
      self_excitation: First value of a.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart (weight normalisation).
      pre_hook_fx: Function of the weights in use, ``None`` for none, or ``"neuron"``: the neuron's
        8-bit quantiser.
      delay_shift: Delay the output by one step, behind the feedback.
      requires_grad: Learn the self-excitation.
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
      bias: Another bias, in units of the weights, rounded to steps of 2 / scale; ``None``: from the
        formula above.
      mask: Connections of the input, ``[out, in]`` of zeros and ones; ``None``: all.
      dtype: Number type of inputs and weights in the product of the input; sums and
        gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.
    """

    neuron_params: Mapping[str, Any]
    in_neurons: int | tuple[int, ...] | None
    out_neurons: int
    num_winners: int
    self_excitation: float = 0.5
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    delay_shift: bool = True
    requires_grad: bool = True
    count_log: bool = False
    bias: float | None = None
    mask: Any = None
    dtype: Any = None

    synapse_fields = Dense.synapse_fields
    delay = False

    def feedback(self, self_excitation: jax.Array) -> jax.Array:
        """The feedback weights ``[N, N]``, quantised."""
        excitation = fixed_point.clamp(self_excitation, 0.0, 1.0)
        eye = jnp.eye(self.out_neurons, dtype=jnp.float32)
        return self.new_neuron().quantize_8bit((1 + excitation) * eye - 1)

    def bias_in_use(self, self_excitation: jax.Array) -> jax.Array:
        """The bias on every neuron's drive, in steps of 2 / scale."""
        neuron, bias = self.new_neuron(), self.bias
        if bias is None and neuron.sums_drive:
            bias = 0
        elif bias is None:
            excitation = jax.lax.stop_gradient(fixed_point.clamp(self_excitation, 0.0, 1.0))
            bias = self._firing_drive(neuron) + self.num_winners - 0.5 * (1 + excitation)
        return quantize.quantize(jnp.asarray(bias, jnp.float32), 2 / neuron.scale)

    def _firing_drive(self, neuron):
        """The steady drive at which a neuron spikes, from the first values of its decays."""
        if not hasattr(neuron, "v_th_mant"):
            raise ValueError(
                "`bias` is None, expected a number for a neuron that has no `threshold` of its "
                "own; give the steady drive at which it spikes, plus num_winners - "
                "(1 + self_excitation) / 2."
            )
        threshold = neuron.v_th_mant / neuron.scale
        leaks = [getattr(neuron, name, 1.0) for name in ("current_decay", "voltage_decay")]
        current, voltage = (_middle(parameters.limits(leak)) for leak in leaks)
        return threshold * current * (1 + voltage) / 2

    @nn.compact
    @replayable
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps ``[N, in, T]`` to spikes ``[N, out, T]``."""
        synapse.base.check_sizes(num_winners=self.num_winners, out_neurons=self.out_neurons)
        if self.num_winners > self.out_neurons:
            raise ValueError(
                f"`num_winners` is {self.num_winners}, expected at most `out_neurons`, "
                f"{self.out_neurons}; choose fewer winners."
            )
        z = self.drive(x)
        first = lambda _key: jnp.float32(self.self_excitation)
        excitation = self.param("self_excitation", first)
        if not self.requires_grad:
            excitation = jax.lax.stop_gradient(excitation)
        bias, weight = self.bias_in_use(excitation), self.feedback(excitation)
        z = jax.tree.map(lambda part: part + bias, z)
        if isinstance(z, tuple):
            weight = (weight, weight)
        y = self.looped(z, weight, train)
        self.remember_shape(y)
        return self.finish(self.delayed(y))


def _middle(limits):
    return float(np.mean(limits)) if check.is_concrete(limits) else sum(limits) / 2
