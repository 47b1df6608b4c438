"""Blocks with a synapse in front of the neuron: dense, convolutions, pools and read-outs."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import axon, synapse
from jslayer.block.base import MAX_DELAY, Block, Hook
from jslayer.block.replay import replayable
from jslayer.ops import EventBatch, check, event_batch, layout

Size = int | tuple[int, int]
"""A number, or (height, width)."""

Delays = bool | Literal["inputs"]
"""A delay per output, none, or one per input."""


class Layer(Block):
    """Synapse, neuron, one step of delay and learnable delay; a kind names its synapse.

    Attributes:
      synapse_kind: Name of the synapse's class, in `jslayer.synapse` and `jslayer.synapse.complex`.
      synapse_fields: Fields of the block that are arguments of its synapse.
    """

    synapse_kind: ClassVar[str]
    synapse_fields: ClassVar[tuple[str, ...]]
    _delay_choices: ClassVar[tuple[bool | str, ...]] = (False, True)

    @nn.nowrap
    def new_synapse(self, **options: Any) -> synapse.base.Synapse:
        """The block's synapse; complex for a complex neuron. ``options`` are those of a module."""
        home = synapse.complex if self.layer_neuron().complex_input else synapse
        given = {name: getattr(self, name) for name in self.synapse_fields}
        return getattr(home, self.synapse_kind)(**given, pre_hook_fx=self.weight_hook(), **options)

    def inner(self, x: Any) -> Any:
        """As that of every block, but a batch of lists of events is left to the synapse."""
        return x if isinstance(x, EventBatch) else super().inner(x)

    def drive(self, x: jax.Array | EventBatch) -> Any:
        """The synapse's sums, time first."""
        return self.new_synapse(name="synapse").time_first(self.inner(x))

    @nn.nowrap
    def layer_neuron(self) -> Any:
        """The neuron that runs behind the synapse, unattached."""
        return self.new_neuron()

    def binary(self, incoming: bool) -> bool:
        """As its neuron."""
        del incoming
        return self.layer_neuron().binary

    @nn.compact
    @replayable
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps ``[N, C, ..., T]`` to spikes, ``[N, out, ..., T]``."""
        y = self.run_neuron(self.layer_neuron(), self.drive(x), train)
        self.remember_shape(y)
        return self.finish(self.delayed(y))

    def delayed(self, y: jax.Array) -> jax.Array:
        """One step of delay and the learnable delay, in one pass where there are both."""
        check.choice("delay", self.delay, self._delay_choices)
        if self.delay and self.delay != "inputs":
            return self._delay_line().time_first(y, shift=int(self.delay_shift))
        return self.shifted(y) if self.delay_shift else y

    def _delay_line(self) -> axon.Delay:
        """The learnable delay."""
        return axon.Delay(
            max_delay=MAX_DELAY, persistent_state=self.persistent(), name="delay_line"
        )


class Dense(Layer):
    """Dense synapse and neuron.

    Attributes:
      neuron_params: Arguments of the family's neuron.
      in_neurons: Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or ``None``: as many as
        the first input has.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart (weight normalisation).
      pre_hook_fx: Function of the weights in use, ``None`` for none, or ``"neuron"``: the neuron's
        8-bit quantiser.
      delay: Add a learnable delay per output, 0 to 62 steps; with ``"inputs"`` one per input, in
        front of the synapse (of images in the order C, H, W).
      delay_shift: Delay the output by one step, as the hardware does between layers.
      mask: Connections, ``[out, in]`` of zeros and ones; ``None``: all.
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
      dtype: Number type of inputs and weights in the forward product; sums and gradients stay
        float32, as everything does with ``None``. ``jnp.bfloat16`` is faster where the processor
        has it, and exact for spikes of zero and one and 8-bit weights.
    """

    neuron_params: Mapping[str, Any]
    in_neurons: int | tuple[int, ...] | None
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    delay: Delays = False
    delay_shift: bool = True
    mask: Any = None
    count_log: bool = False
    dtype: Any = None

    synapse_kind = "Dense"
    synapse_fields = ("in_neurons", "out_neurons", "weight_scale", "weight_norm", "mask", "dtype")
    _delay_choices = (False, True, "inputs")

    def drive(self, x: jax.Array | EventBatch) -> Any:
        """The synapse's sums, time first; of inputs that each come late by their own delay."""
        if self.delay != "inputs":
            return super().drive(x)
        events = self.inner(event_batch.dense(x)).astype(jnp.float32)
        flat = jnp.moveaxis(events, -1, 2)  # the file's order, channel slowest
        late = self._delay_line().time_first(flat.reshape(*flat.shape[:2], -1))
        late = jnp.moveaxis(late.reshape(flat.shape), 2, -1)
        return self.new_synapse(name="synapse").time_first(late)


class Conv(Layer):
    """Convolution and neuron, on ``[N, C, H, W, T]``.

    Attributes:
      neuron_params: Arguments of the family's neuron.
      in_features: Input channels, or ``None``: as many as the first input has.
      out_features: Output channels.
      kernel_size: Height and width of the kernel, in pixels.
      stride: Pixels between windows.
      padding: Zeros added at every edge, in pixels.
      dilation: Pixels between the entries of a window.
      groups: Groups of channels; connections are within a group only.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart (weight normalisation).
      pre_hook_fx: Function of the weights in use, ``None`` for none, or ``"neuron"``: the neuron's
        8-bit quantiser.
      delay: Add a learnable delay per output channel, 0 to 62 steps.
      delay_shift: Delay the output by one step, as the hardware does between layers.
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
      mask: Connections, zeros and ones shaped like the weight or like its first two axes; ``None``:
        all.
      dtype: Number type of inputs and weights in the forward product; sums and gradients stay
        float32, as everything does with ``None``. ``jnp.bfloat16`` is faster where the processor
        has it, and exact for spikes of zero and one and 8-bit weights.
    """

    neuron_params: Mapping[str, Any]
    in_features: int | None
    out_features: int
    kernel_size: Size
    stride: Size = 1
    padding: Size = 0
    dilation: Size = 1
    groups: int = 1
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    delay: bool = False
    delay_shift: bool = True
    count_log: bool = False
    mask: Any = None
    dtype: Any = None

    synapse_kind = "Conv"
    synapse_fields = (
        "in_features",
        "out_features",
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "groups",
        "weight_scale",
        "weight_norm",
        "mask",
        "dtype",
    )


class ConvT(Conv):
    """Transposed convolution and neuron; arguments are those of `Conv`."""

    synapse_kind = "ConvTranspose"


class Pool(Layer):
    """Sum pooling of every channel alone, and neuron; it has no norm.

    Attributes:
      neuron_params: Arguments of the family's neuron; a norm among them is left out.
      kernel_size: Height and width of the window, in pixels.
      stride: Pixels between windows; ``None``: the kernel's size.
      padding: Zeros added at every edge, in pixels.
      dilation: Pixels between the entries of a window.
      weight_scale: The weight of all connections.
      weight_norm: Learn the weight's length.
      pre_hook_fx: Function of the weights in use, ``None`` for none, or ``"neuron"``: the neuron's
        8-bit quantiser.
      delay: Add a learnable delay per channel, 0 to 62 steps.
      delay_shift: Delay the output by one step, as the hardware does between layers.
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
    """

    neuron_params: Mapping[str, Any]
    kernel_size: Size
    stride: Size | None = None
    padding: Size = 0
    dilation: Size = 1
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    delay: bool = False
    delay_shift: bool = True
    count_log: bool = False

    synapse_kind = "Pool"
    synapse_fields = (
        "kernel_size",
        "stride",
        "padding",
        "dilation",
        "weight_scale",
        "weight_norm",
    )

    @nn.nowrap
    def layer_neuron(self) -> Any:
        """The neuron, without a norm."""
        return self.new_neuron(norm=None)


class Unpool(Pool):
    """The transpose of `Pool` with the same arguments: every input is spread over a window."""

    synapse_kind = "Unpool"


class Affine(Layer):
    """Dense synapse and a neuron without threshold: the read-out of a network.

    Attributes:
      neuron_params: Arguments of the family's neuron.
      in_neurons: Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or ``None``: as many as
        the first input has.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart (weight normalisation).
      pre_hook_fx: Function of the weights in use, ``None`` for none, or ``"neuron"``: the neuron's
        8-bit quantiser.
      dynamics: Return the voltage of the neuron's dynamics (imaginary part, activation); if
        ``False``, the weighted sums (their imaginary part).
      mask: Connections, ``[out, in]`` of zeros and ones; ``None``: all.
      count_log: Return ``(y, None)``.
      dtype: Number type of inputs and weights in the forward product; sums and gradients stay
        float32, as everything does with ``None``. ``jnp.bfloat16`` is faster where the processor
        has it, and exact for spikes of zero and one and 8-bit weights.
    """

    neuron_params: Mapping[str, Any]
    in_neurons: int | tuple[int, ...] | None
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    pre_hook_fx: Hook = "neuron"
    dynamics: bool = True
    mask: Any = None
    count_log: bool = False
    dtype: Any = None

    synapse_kind = "Dense"
    synapse_fields = Dense.synapse_fields

    @nn.nowrap
    def layer_neuron(self) -> Any:
        """The neuron without threshold."""
        return self.new_neuron().as_readout()

    @nn.compact
    @replayable
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps ``[N, in, T]`` to voltages ``[N, out, T]``."""
        z = self.drive(x)
        if self.dynamics:
            y = self.run_neuron(self.layer_neuron(), z, train)
        else:
            y = z[1] if isinstance(z, tuple) else z
        self.remember_shape(y)
        y = layout.time_last(y)
        return (y, None) if self.count_log else y


class Output(Layer):
    """Dense synapse and what a network gives to the outside: a sum, or a voltage.

    Sigma-delta: the running sum of the weighted changes, with no activation, norm or delta. Other
    families: as `Affine`.

    Attributes:
      neuron_params: Arguments of the family's neuron.
      in_neurons: Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or ``None``: as many as
        the first input has.
      out_neurons: Outputs.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart (weight normalisation).
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
      mask: Connections, ``[out, in]`` of zeros and ones; ``None``: all.
      dtype: Number type of inputs and weights in the forward product; sums and gradients stay
        float32, as everything does with ``None``. ``jnp.bfloat16`` is faster where the processor
        has it, and exact for spikes of zero and one and 8-bit weights.
    """

    neuron_params: Mapping[str, Any]
    in_neurons: int | tuple[int, ...] | None
    out_neurons: int
    weight_scale: float = 1
    weight_norm: bool = False
    count_log: bool = False
    mask: Any = None
    dtype: Any = None

    synapse_kind = "Dense"
    synapse_fields = Dense.synapse_fields
    delay = False
    delay_shift = False

    @nn.nowrap
    def layer_neuron(self) -> Any:
        """The neuron without threshold."""
        return self.new_neuron().as_output()


class ConvOutput(Layer):
    """Convolution and what a network gives to the outside: a sum, or a voltage, per place.

    ``y = sum over time of (weight * x) + output_bias`` for sigma-delta neurons, with no activation,
    norm or delta: the head of a detector. Other families: the voltage of the neuron's dynamics.

    Attributes:
      neuron_params: Arguments of the family's neuron.
      in_features: Input channels, or ``None``: as many as the first input has.
      out_features: Output channels.
      kernel_size: Height and width of the kernel, in pixels.
      stride: Pixels between windows.
      padding: Zeros added at every edge, in pixels.
      dilation: Pixels between the entries of a window.
      groups: Groups of channels; connections are within a group only.
      weight_scale: Factor on the initial weights.
      weight_norm: Learn length and direction of the weights apart (weight normalisation).
      output_bias: First value of a learned number per channel that is added to the output, in its
        units; ``None``: none. Hardware does not add it: whoever reads its output does.
      count_log: Return ``(y, event rate)``, the fraction of outputs that are not zero.
      mask: Connections, zeros and ones shaped like the weight or like its first two axes; ``None``:
        all.
      dtype: Number type of inputs and weights in the forward product; sums and gradients stay
        float32, as everything does with ``None``. ``jnp.bfloat16`` is faster where the processor
        has it, and exact for spikes of zero and one and 8-bit weights.
    """

    neuron_params: Mapping[str, Any]
    in_features: int | None
    out_features: int
    kernel_size: Size = 1
    stride: Size = 1
    padding: Size = 0
    dilation: Size = 1
    groups: int = 1
    weight_scale: float = 1
    weight_norm: bool = False
    output_bias: tuple[float, ...] | float | None = None
    count_log: bool = False
    mask: Any = None
    dtype: Any = None

    synapse_kind = "Conv"
    synapse_fields = Conv.synapse_fields
    delay = False
    delay_shift = False

    @nn.nowrap
    def layer_neuron(self) -> Any:
        """The neuron without threshold."""
        return self.new_neuron().as_output()

    @nn.compact
    @replayable
    def __call__(self, x: jax.Array, *, train: bool = False) -> Any:
        """Maps ``[N, C, H, W, T]`` to sums or voltages ``[N, out, H, W, T]``."""
        y = self.run_neuron(self.layer_neuron(), self.drive(x), train)
        self.remember_shape(y)
        if self.output_bias is not None:
            y = y + self.param("output_bias", self._first_bias)
        return self.finish(y)

    def _first_bias(self, _key: jax.Array) -> jax.Array:
        given = jnp.asarray(self.output_bias, jnp.float32)
        if given.shape not in ((), (self.out_features,)):
            raise ValueError(
                f"`output_bias` has shape {given.shape}, expected one number or "
                f"{self.out_features}, one per output channel; give as many."
            )
        return jnp.broadcast_to(given, (self.out_features,))
