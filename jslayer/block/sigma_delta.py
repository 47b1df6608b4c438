"""Blocks of sigma-delta neurons."""

# Written by tools/write_blocks.py from the kinds of blocks and the neuron: change those and run it.

from jslayer.block import layers as _layers
from jslayer.block import recurrent as _recurrent
from jslayer.block import unweighted as _unweighted
from jslayer.neuron import sigma_delta as _neuron

__all__ = [
    "KWTA",
    "Affine",
    "Average",
    "Conv",
    "ConvOutput",
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


class Input(_unweighted.Input):
    """Turns data into spikes: quantise, scale, add a bias, neuron, one step of delay.

    ``z = q(x) q(weight) + q(bias)`` with the 8-bit quantiser of weights, which also **clips the
    data** to [-256, 254] / scale. Without a neuron the block only shifts. In complex families ``z``
    drives both parts alike; sigma-delta neurons only encode it.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping or None = None): Arguments of the neuron, listed below, or ``None`` for
        none.
      weight (float or None = None): First value of a learned factor on the data; ``None``: no
        factor.
      bias (float or None = None): First value of a learned offset, in units of the weights;
        ``None``: no offset.
      delay_shift (bool = False): Delay the output by one step, as the hardware does between layers.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      persistent_state (bool = False): Without a neuron: carry the events held back to the next
        call, as a neuron in ``neuron_params`` says for itself.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False


class Output(_layers.Output):
    """Dense synapse and what a network gives to the outside: a sum, or a voltage.

    Sigma-delta: the running sum of the weighted changes, with no activation, norm or delta. Other
    families: as `Affine`.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below.
      in_neurons (int, tuple or None): Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or
        ``None``: as many as the first input has.
      out_neurons (int): Outputs.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      mask (array or None = None): Connections, ``[out, in]`` of zeros and ones; ``None``: all.
      dtype (dtype or None = None): Number type of inputs and weights in the forward product; sums
        and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron


class Flatten(_unweighted.Flatten):
    """``[N, C, H, W, T] -> [N, C*H*W, T]``, channel slowest.

    Args:
      count_log (bool = False): Return ``(y, None)``, to stand among blocks that count.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron


class Average(_unweighted.Average):
    """Mean over groups of neurons: ``[N, C, ..., T] -> [N, num_outputs, T]``.

    Neurons in the order C, H, W (C slowest) are cut into ``num_outputs`` groups of equal size.

    Args:
      num_outputs (int): Number of groups.
      count_log (bool = False): Return ``(y, None)``, to stand among blocks that count.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron


class Affine(_layers.Affine):
    """Dense synapse and a neuron without threshold: the read-out of a network.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below.
      in_neurons (int, tuple or None): Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or
        ``None``: as many as the first input has.
      out_neurons (int): Outputs.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      dynamics (bool = True): Return the voltage of the neuron's dynamics (imaginary part,
        activation); if ``False``, the weighted sums (their imaginary part).
      mask (array or None = None): Connections, ``[out, in]`` of zeros and ones; ``None``: all.
      count_log (bool = False): Return ``(y, None)``.
      dtype (dtype or None = None): Number type of inputs and weights in the forward product; sums
        and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron


class TimeDecimation(_unweighted.TimeDecimation):
    """Mean over every ``factor`` steps: ``[N, C, ..., T] -> [N, C, ..., ceil(T / factor)]``.

    Zeros are appended up to a multiple of the factor and count in the mean.

    Args:
      factor (int): Steps that become one; a power of two.
      count_log (bool = False): Return ``(y, None)``, to stand among blocks that count.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron


class Dense(_layers.Dense):
    """Dense synapse and neuron.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below.
      in_neurons (int, tuple or None): Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or
        ``None``: as many as the first input has.
      out_neurons (int): Outputs.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      delay (bool or "inputs" = False): Add a learnable delay per output, 0 to 62 steps; with
        ``"inputs"`` one per input, in front of the synapse (of images in the order C, H, W).
      delay_shift (bool = False): Delay the output by one step, as the hardware does between layers.
      mask (array or None = None): Connections, ``[out, in]`` of zeros and ones; ``None``: all.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      dtype (dtype or None = None): Number type of inputs and weights in the forward product; sums
        and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False


class Conv(_layers.Conv):
    """Convolution and neuron, on ``[N, C, H, W, T]``.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below.
      in_features (int or None): Input channels, or ``None``: as many as the first input has.
      out_features (int): Output channels.
      kernel_size (int or (height, width)): Height and width of the kernel, in pixels.
      stride (int or (height, width) = 1): Pixels between windows.
      padding (int or (height, width) = 0): Zeros added at every edge, in pixels.
      dilation (int or (height, width) = 1): Pixels between the entries of a window.
      groups (int = 1): Groups of channels; connections are within a group only.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      delay (bool = False): Add a learnable delay per output channel, 0 to 62 steps.
      delay_shift (bool = False): Delay the output by one step, as the hardware does between layers.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      mask (array or None = None): Connections, zeros and ones shaped like the weight or like its
        first two axes; ``None``: all.
      dtype (dtype or None = None): Number type of inputs and weights in the forward product; sums
        and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False


class ConvOutput(_layers.ConvOutput):
    """Convolution and what a network gives to the outside: a sum, or a voltage, per place.

    ``y = sum over time of (weight * x) + output_bias`` for sigma-delta neurons, with no activation,
    norm or delta: the head of a detector. Other families: the voltage of the neuron's dynamics.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below.
      in_features (int or None): Input channels, or ``None``: as many as the first input has.
      out_features (int): Output channels.
      kernel_size (int or (height, width) = 1): Height and width of the kernel, in pixels.
      stride (int or (height, width) = 1): Pixels between windows.
      padding (int or (height, width) = 0): Zeros added at every edge, in pixels.
      dilation (int or (height, width) = 1): Pixels between the entries of a window.
      groups (int = 1): Groups of channels; connections are within a group only.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      output_bias (float, tuple or None = None): First value of a learned number per channel that is
        added to the output, in its units; ``None``: none. Hardware does not add it: whoever reads
        its output does.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      mask (array or None = None): Connections, zeros and ones shaped like the weight or like its
        first two axes; ``None``: all.
      dtype (dtype or None = None): Number type of inputs and weights in the forward product; sums
        and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron


class Pool(_layers.Pool):
    """Sum pooling of every channel alone, and neuron; it has no norm.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below; a norm among them is left out.
      kernel_size (int or (height, width)): Height and width of the window, in pixels.
      stride (int, (height, width) or None = None): Pixels between windows; ``None``: the kernel's
        size.
      padding (int or (height, width) = 0): Zeros added at every edge, in pixels.
      dilation (int or (height, width) = 1): Pixels between the entries of a window.
      weight_scale (float = 1): The weight of all connections.
      weight_norm (bool = False): Learn the weight's length.
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      delay (bool = False): Add a learnable delay per channel, 0 to 62 steps.
      delay_shift (bool = False): Delay the output by one step, as the hardware does between layers.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False


class ConvT(_layers.ConvT):
    """Transposed convolution and neuron; arguments are those of `Conv`.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below.
      in_features (int or None): Input channels, or ``None``: as many as the first input has.
      out_features (int): Output channels.
      kernel_size (int or (height, width)): Height and width of the kernel, in pixels.
      stride (int or (height, width) = 1): Pixels between windows.
      padding (int or (height, width) = 0): Zeros added at every edge, in pixels.
      dilation (int or (height, width) = 1): Pixels between the entries of a window.
      groups (int = 1): Groups of channels; connections are within a group only.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      delay (bool = False): Add a learnable delay per output channel, 0 to 62 steps.
      delay_shift (bool = False): Delay the output by one step, as the hardware does between layers.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      mask (array or None = None): Connections, zeros and ones shaped like the weight or like its
        first two axes; ``None``: all.
      dtype (dtype or None = None): Number type of inputs and weights in the forward product; sums
        and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is faster
        where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False


class Unpool(_layers.Unpool):
    """The transpose of `Pool` with the same arguments: every input is spread over a window.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below; a norm among them is left out.
      kernel_size (int or (height, width)): Height and width of the window, in pixels.
      stride (int, (height, width) or None = None): Pixels between windows; ``None``: the kernel's
        size.
      padding (int or (height, width) = 0): Zeros added at every edge, in pixels.
      dilation (int or (height, width) = 1): Pixels between the entries of a window.
      weight_scale (float = 1): The weight of all connections.
      weight_norm (bool = False): Learn the weight's length.
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      delay (bool = False): Add a learnable delay per channel, 0 to 62 steps.
      delay_shift (bool = False): Delay the output by one step, as the hardware does between layers.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False


class KWTA(_recurrent.KWTA):
    """k winners take all: every neuron excites itself and inhibits all others, on ``[N, C, T]``.

    ``d[t] = W x[t] + R s[t-1] + b`` with ``R = q((1 + a) I - 1)`` for self-excitation a, clamped to
    [0, 1], and the neuron's quantiser q. A neuron that fires among K - 1 others gets
    ``b - (K - 1) + a``, one that does not gets ``b - K``. The bias puts the steady drive at which
    the neuron spikes, ``e``, in the middle: ``b = e + K - (1 + a) / 2``; the drive decides who is
    who. For leaky neurons ``e = threshold current_decay (1 + voltage_decay) / 2``, half way between
    the drive that makes them spike at all and the one that makes them spike every step; for others
    it is the threshold. (In the reference the bias rounds to zero.)

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below; a norm has no place here.
      in_neurons (int, tuple or None): Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or
        ``None``: as many as the first input has.
      out_neurons (int): Outputs, N.
      num_winners (int): K, at most N.
      self_excitation (float = 0.5): First value of a.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      delay_shift (bool = False): Delay the output by one step, behind the feedback.
      requires_grad (bool = True): Learn the self-excitation.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      bias (float or None = None): Another bias, in units of the weights, rounded to steps of 2 /
        scale; ``None``: from the formula above.
      mask (array or None = None): Connections of the input, ``[out, in]`` of zeros and ones;
        ``None``: all.
      dtype (dtype or None = None): Number type of inputs and weights in the product of the input;
        sums and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is
        faster where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    More is in `jslayer.block.recurrent.KWTA`. `init`, `apply` and the rest are those of
    `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False


class Recurrent(_recurrent.Recurrent):
    """Dense synapse and neurons that are all connected among each other, on ``[N, C, T]``.

    ``d[t] = W x[t] + R s[t-1]``, ``s[t] = neuron(d[t])``. In complex families both ``W`` and ``R``
    are complex. Gradients flow through the membrane as well as through the feedback.

    The neuron, `jslayer.neuron.sigma_delta.Neuron`: wraps an activation, or a whole neuron, in
    sigma-delta coding.

    Args:
      neuron_params (Mapping): Arguments of the neuron, listed below; a norm has no place here.
      in_neurons (int, tuple or None): Inputs; a number, ``(W, H)`` or ``(W, H, C)`` for images, or
        ``None``: as many as the first input has.
      out_neurons (int): Outputs.
      weight_scale (float = 1): Factor on the initial weights.
      weight_norm (bool = False): Learn length and direction of the weights apart (weight
        normalisation).
      pre_hook_fx (function, None or "neuron" = "neuron"): Function of the weights in use, ``None``
        for none, or ``"neuron"``: the neuron's 8-bit quantiser.
      requires_grad (bool = True): Learn the feedback weights.
      delay (bool = False): Add a learnable delay per output, behind the feedback, 0 to 62 steps.
      delay_shift (bool = False): Delay the output by one step, behind the feedback.
      count_log (bool = False): Return ``(y, event rate)``, the fraction of outputs that are not
        zero.
      mask (array or None = None): Connections of the input, ``[out, in]`` of zeros and ones;
        ``None``: all.
      recurrent_mask (array or None = None): Connections of the feedback, ``[out, out]``, the
        receiving neuron first; ``None``: all.
      dtype (dtype or None = None): Number type of inputs and weights in the product of the input;
        sums and gradients stay float32, as everything does with ``None``. ``jnp.bfloat16`` is
        faster where the processor has it, and exact for spikes of zero and one and 8-bit weights.

    Keys of ``neuron_params``:
      threshold (float or array): Least change that is sent, in units of the activation; cut to
        multiples of ``1 / scale`` at the start.
      activation (str, function or Neuron): Any elementwise function, its name (``"relu"``), or an
        unattached neuron, whose spikes (or, as a read-out, voltages) are then the activation. A
        complex one makes the drive a pair ``(real, imag)``, of which both parts are summed, normed
        and biased.
      tau_grad (float or array = 1): Reach of the threshold's gradient, in units of the activation.
      scale_grad (float or array = 1): Size of the threshold's gradient, as a factor.
      scale (int = 64): Integer weights per unit of weight; outputs are 64 times finer.
      cum_error (bool = False): Compare the sum of the changes since the last event with the
        threshold.
      norm (class or None = None): A norm class (or factory) that takes ``pre_hook``, or ``None``;
        acts on the sum.
      dropout (Dropout, float, array or None = None): A `Dropout` or its probability, or ``None``;
        acts on the drive.
      shared_param (bool or "neuron" = True): ``True``: one threshold per layer, ``False``: per
        channel, ``"neuron"``: each.
      persistent_state (bool = False): Carry the state to the next call, in collection ``"state"``.
      requires_grad (bool = False): Learn the threshold (and the bias).
      bias (float, (min, max), array or None = None): First value of a bias on the sum, or ``None``
        for none.
      bias_param (bool or "neuron" = False): As ``shared_param``, for the bias.
      readout (bool = False): Return the activation itself.
      encoder (bool = False): Only encode: no sum, no activation.
      implementation (str or None = None): Engine; ``None``: the fastest that works here, see
        `jslayer.ops.engine.run`.
      policy (str = "save"): What training keeps for the gradient: ``"save"``, ``"save_spikes"`` or
        ``"recompute"``, see `jslayer.neuron.base.Policy`.

    `init`, `apply` and the rest are those of `flax.linen.Module`.
    """

    neuron_kind = _neuron.Neuron
    delay_shift: bool = False
