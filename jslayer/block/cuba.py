"""Blocks of current-based leaky integrate-and-fire neurons.

Written by ``tools/write_blocks.py`` from the docstrings of the classes behind them.
"""

from jslayer.block import layers, recurrent, without_synapse
from jslayer.neuron import cuba

__all__ = [
    "KWTA",
    "Affine",
    "Average",
    "Conv",
    "ConvT",
    "Dense",
    "Flatten",
    "Input",
    "Output",
    "Pool",
    "Recurrent",
    "TimeDecimation",
    "Unpool",
]


def __dir__() -> list[str]:
    return __all__


class Input(without_synapse.Input):
    """Turns data into spikes: quantise, scale, add a bias, neuron, one step of delay.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    ``z = q(x) q(weight) + q(bias)`` with the 8-bit quantiser of weights, which also **clips the
    data** to [-256, 254] / scale. Without a neuron the block only shifts. In complex families ``z``
    drives both parts alike; sigma-delta neurons only encode it.

    Args:
      neuron_params: Arguments of the family's neuron, or ``None`` for none. Default: None. They are
        those of `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      weight: First value of a learned factor, or ``None``. Default: None.
      bias: First value of a learned offset, or ``None``. Default: None.
      delay_shift: Delay the output by one step. Default: True.
      count_log: Return ``(y, event rate)``. Default: False.
      persistent_state: Without a neuron: carry the events held back to the next call, as a neuron
        in ``neuron_params`` says for itself. Default: False.
    """

    neuron_kind = cuba.Neuron


class Output(layers.Output):
    """Dense synapse and what a network gives to the outside: a sum, or a voltage.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    Sigma-delta: the running sum of the weighted changes, with no activation, norm or delta. Other
    families: as `Affine`.

    Args:
      neuron_params: Arguments of the family's neuron. Required. They are those of
        `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      in_neurons: Inputs; as in `Dense`. Required.
      out_neurons: Outputs. Required.
      weight_scale: Factor on the initial weights. Default: 1.
      weight_norm: Learn length and direction of the weights apart. Default: False.
      count_log: Return ``(y, event rate)``. Default: False.
      mask: Connectivity of zeros and ones, ``[out, in]``. Default: None.
      dtype: Type of the factors of the forward product, as in `jslayer.synapse.Dense`. Default:
        None.
    """

    neuron_kind = cuba.Neuron


class Flatten(without_synapse.Flatten):
    """``[N, C, H, W, T] -> [N, C*H*W, T]``, channel slowest.

    Args:
      count_log: Return ``(y, None)``, to stand in a row with blocks that count. Default: False.
    """

    neuron_kind = cuba.Neuron


class Average(without_synapse.Average):
    """Mean over groups of neurons: ``[N, C, ..., T] -> [N, num_outputs, T]``.

    Neurons in the order C, H, W (C slowest) are cut into ``num_outputs`` groups of equal size.

    Args:
      num_outputs: Number of groups. Required.
      count_log: Return ``(y, None)``. Default: False.
    """

    neuron_kind = cuba.Neuron


class Affine(layers.Affine):
    """Dense synapse and a neuron without threshold: the read-out of a network.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    Args:
      neuron_params: Arguments of the family's neuron. Required. They are those of
        `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      in_neurons: Inputs; as in `Dense`. Required.
      out_neurons: Outputs. Required.
      weight_scale: Factor on the initial weights. Default: 1.
      weight_norm: Learn length and direction of the weights apart. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      dynamics: Run the neuron's dynamics and return its voltage (imaginary part, activation); else
        the weighted sums (their imaginary part). Default: True.
      mask: Connectivity of zeros and ones, ``[out, in]``. Default: None.
      count_log: Return ``(y, None)``. Default: False.
      dtype: Type of the factors of the forward product, as in `jslayer.synapse.Dense`. Default:
        None.
    """

    neuron_kind = cuba.Neuron


class TimeDecimation(without_synapse.TimeDecimation):
    """Mean over every ``factor`` steps: ``[N, C, ..., T] -> [N, C, ..., ceil(T / factor)]``.

    Zeros are appended up to a multiple of the factor and count in the mean.

    Args:
      factor: Steps that become one; a power of two. Required.
      count_log: Return ``(y, None)``. Default: False.
    """

    neuron_kind = cuba.Neuron


class Dense(layers.Dense):
    """Dense synapse and neuron.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    Args:
      neuron_params: Arguments of the family's neuron. Required. They are those of
        `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      in_neurons: Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or ``None``: as many as
        the first input has. Required.
      out_neurons: Outputs. Required.
      weight_scale: Factor on the initial weights. Default: 1.
      weight_norm: Learn length and direction of the weights apart. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      delay: Add a learnable delay per output, up to `MAX_DELAY` steps. Default: False.
      delay_shift: Delay the output by one step. Default: True.
      mask: Connectivity of zeros and ones, ``[out, in]``. Default: None.
      count_log: Return ``(y, event rate)``. Default: False.
      dtype: Type of the factors of the forward product, as in `jslayer.synapse.Dense`. Default:
        None.
    """

    neuron_kind = cuba.Neuron


class Conv(layers.Conv):
    """Convolution and neuron, on ``[N, C, H, W, T]``.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    Args:
      neuron_params: Arguments of the family's neuron. Required. They are those of
        `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      in_features: Input channels, or ``None``: as many as the first input has. Required.
      out_features: Output channels. Required.
      kernel_size: Size of the kernel; a number or (height, width), as the next three. Required.
      stride: Steps between windows. Default: 1.
      padding: Zeros on every side. Default: 0.
      dilation: Steps between the entries of a window. Default: 1.
      groups: Channels are connected within as many groups. Default: 1.
      weight_scale: Factor on the initial weights. Default: 1.
      weight_norm: Learn length and direction of the weights apart. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      delay: Add a learnable delay per output channel, up to `MAX_DELAY` steps. Default: False.
      delay_shift: Delay the output by one step. Default: True.
      count_log: Return ``(y, event rate)``. Default: False.
      mask: Connectivity of zeros and ones, shaped like the weight or like its first two axes.
        Default: None.
      dtype: Type of the factors of the forward product, as in `jslayer.synapse.Dense`. Default:
        None.
    """

    neuron_kind = cuba.Neuron


class Pool(layers.Pool):
    """Sum pooling of every channel alone, and neuron; it has no norm.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    Args:
      neuron_params: Arguments of the family's neuron; a norm among them is left out. Required. They
        are those of `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      kernel_size: Size of the window; a number or (height, width), as the next three. Required.
      stride: Steps between windows; the kernel's size if ``None``. Default: None.
      padding: Zeros on every side. Default: 0.
      dilation: Steps between the entries of a window. Default: 1.
      weight_scale: The weight of all connections. Default: 1.
      weight_norm: Learn the weight's length. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      delay: Add a learnable delay per channel, up to `MAX_DELAY` steps. Default: False.
      delay_shift: Delay the output by one step. Default: True.
      count_log: Return ``(y, event rate)``. Default: False.
    """

    neuron_kind = cuba.Neuron


class ConvT(layers.ConvT):
    """Transposed convolution and neuron, on ``[N, C, H, W, T]``.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    Args:
      neuron_params: Arguments of the family's neuron. Required. They are those of
        `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      in_features: Input channels, or ``None``: as many as the first input has. Required.
      out_features: Output channels. Required.
      kernel_size: Size of the kernel; a number or (height, width), as the next three. Required.
      stride: Steps between windows. Default: 1.
      padding: Zeros on every side. Default: 0.
      dilation: Steps between the entries of a window. Default: 1.
      groups: Channels are connected within as many groups. Default: 1.
      weight_scale: Factor on the initial weights. Default: 1.
      weight_norm: Learn length and direction of the weights apart. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      delay: Add a learnable delay per output channel, up to `MAX_DELAY` steps. Default: False.
      delay_shift: Delay the output by one step. Default: True.
      count_log: Return ``(y, event rate)``. Default: False.
      mask: Connectivity of zeros and ones, shaped like the weight or like its first two axes.
        Default: None.
      dtype: Type of the factors of the forward product, as in `jslayer.synapse.Dense`. Default:
        None.
    """

    neuron_kind = cuba.Neuron


class Unpool(layers.Unpool):
    """The transpose of `Pool` with the same arguments: every input is spread over a window.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    Args:
      neuron_params: Arguments of the family's neuron; a norm among them is left out. Required. They
        are those of `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      kernel_size: Size of the window; a number or (height, width), as the next three. Required.
      stride: Steps between windows; the kernel's size if ``None``. Default: None.
      padding: Zeros on every side. Default: 0.
      dilation: Steps between the entries of a window. Default: 1.
      weight_scale: The weight of all connections. Default: 1.
      weight_norm: Learn the weight's length. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      delay: Add a learnable delay per channel, up to `MAX_DELAY` steps. Default: False.
      delay_shift: Delay the output by one step. Default: True.
      count_log: Return ``(y, event rate)``. Default: False.
    """

    neuron_kind = cuba.Neuron


class KWTA(recurrent.KWTA):
    """k winners take all: every neuron excites itself and inhibits all others, on ``[N, C, T]``.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    ``d[t] = W x[t] + R s[t-1] + b`` with ``R = q((1 + a) I - 1)`` for self-excitation a, clamped to
    [0, 1], and the neuron's quantiser q. A neuron that fires among K - 1 others gets ``b - (K - 1)
    + a``, one that does not gets ``b - K``. The bias puts the steady drive at which the neuron
    spikes, ``e``, in the middle: ``b = e + K - (1 + a) / 2``; the drive decides who is who. For
    leaky neurons ``e = threshold current_decay (1 + voltage_decay) / 2``, half way between the
    drive that makes them spike at all and the one that makes them spike every step; for others it
    is the threshold. (In the reference the bias rounds to zero.)

    Winners need memory: with a ``voltage_decay`` of at most 0.1 the mean number of spikes per step
    is K within 15 %, or 30 % where the current has no memory. Neurons that forget at once see all
    the same inhibition in the same step, whatever the bias: unless K of them are active already and
    the drive stays below (1 + a) / 2, all fire and all fall silent by turns. Sigma-delta neurons
    add their drive up, so that a constant would grow without end: they compete by inhibition alone,
    with b = 0, and K does not count.

    Args:
      neuron_params: Arguments of the family's neuron; a norm has no place here. Required. They are
        those of `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      in_neurons: Inputs; as in `Dense`. Required.
      out_neurons: Outputs, N. Required.
      num_winners: K, at most N. Required.
      self_excitation: First value of a. Default: 0.5.
      weight_scale: Factor on the initial weights. Default: 1.
      weight_norm: Learn length and direction of the weights apart. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      delay_shift: Delay the output by one step, behind the feedback. Default: True.
      requires_grad: Learn the self-excitation. Default: True.
      count_log: Return ``(y, event rate)``. Default: False.
      bias: Another bias, in threshold units, rounded to steps of 2 / scale. Default: None.
      mask: Connectivity of the input, ``[out, in]``. Default: None.
      dtype: Type of the factors of the input's product, as in `jslayer.synapse.Dense`. Default:
        None.
    """

    neuron_kind = cuba.Neuron


class Recurrent(recurrent.Recurrent):
    """Dense synapse and neurons that are all connected among each other, on ``[N, C, T]``.

    The neuron: integrates its drive into a current, the current into a voltage, and spikes at a
    threshold.

    ``d[t] = W x[t] + R s[t-1]``, ``s[t] = neuron(d[t])``. In complex families both ``W`` and ``R``
    are complex. Gradients flow through the membrane as well as through the feedback.

    Args:
      neuron_params: Arguments of the family's neuron; a norm has no place here. Required. They are
        those of `jslayer.neuron.cuba.Neuron`, by name:
        threshold: Voltage to exceed; cut to multiples of ``1 / scale``. Required.
        current_decay: Fraction of the current lost per step, in [0, 1]. Required.
        voltage_decay: Fraction of the voltage lost per step, in [0, 1]. Required.
        tau_grad: Width of the surrogate, relative to the threshold. Default: 1.
        scale_grad: Height of the surrogate. Default: 1.
        scale: Integer weights per threshold unit. Default: 64.
        norm: A norm class (or factory) that takes ``pre_hook``, or ``None``. Default: None.
        dropout: A `Dropout` or its probability, or ``None``. Default: None.
        shared_param: ``True``: one parameter per layer, ``False``: per channel, ``"neuron"``: one
          each. Not shared, a parameter may be a (min, max) pair to draw from. Default: True.
        persistent_state: Carry the state to the next call, in collection ``"state"``. Default:
          False.
        requires_grad: Learn the decays. Default: False.
        graded_spike: Spikes carry the value that crossed. Default: False.
        threshold_grad: Learn the threshold (and what adapts it) too. Default: False.
        surrogate: Another surrogate derivative ``(v, theta) -> ds/dv``. Default: None.
        readout: No threshold; the output is the voltage (the imaginary part). Default: False.
        implementation: Engine, see `jslayer.ops.engine.run`. Default: None.
        policy: What training keeps for the gradient, see `jslayer.neuron.base.Policy`. Default:
          "save".
        tau_multiplier: Turns ``tau_grad threshold`` into the surrogate's width. Default: 100.0.
        scale_multiplier: Turns ``scale_grad`` into the surrogate's height. Default: 0.1.
      in_neurons: Inputs; as in `Dense`. Required.
      out_neurons: Outputs. Required.
      weight_scale: Factor on the initial weights. Default: 1.
      weight_norm: Learn length and direction of the weights apart. Default: False.
      pre_hook_fx: Weight hook; the neuron's quantiser if not given. Default: "neuron".
      requires_grad: Learn the feedback weights. Default: True.
      delay: Add a learnable delay per output, behind the feedback, up to 62 steps. Default: False.
      delay_shift: Delay the output by one step, behind the feedback. Default: True.
      count_log: Return ``(y, event rate)``. Default: False.
      mask: Connectivity of the input, ``[out, in]``. Default: None.
      recurrent_mask: Connectivity of the feedback, ``[out, out]``, row = receiving neuron. Default:
        None.
      dtype: Type of the factors of the input's product, as in `jslayer.synapse.Dense`. Default:
        None.
    """

    neuron_kind = cuba.Neuron
