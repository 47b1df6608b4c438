"""What the detection networks repeat: their neurons, convolutions and heads."""

from collections.abc import Mapping
from typing import Any

from jslayer.block import Sequential, sigma_delta
from jslayer.neuron import MeanOnlyBatchNorm
from jslayer.obd.detector import Detector

IMAGENET: dict[str, tuple[float, ...]] = {
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
}
"""Mean and deviation of frames, as lava-dl's models take them."""


def neuron(
    threshold: float, tau_grad: float, scale_grad: float, *, learn: bool = False
) -> dict[str, Any]:
    """Arguments of the neurons of all hidden layers; ``learn``: thresholds per channel."""
    learned = {"requires_grad": True, "shared_param": False} if learn else {}
    given = {"threshold": threshold, "tau_grad": tau_grad, "scale_grad": scale_grad}
    return {**given, "activation": "relu", **learned}


def input_block(given: Mapping[str, Any]) -> sigma_delta.Input:
    """Frames as changes, by the same thresholds."""
    held = {name: given[name] for name in ("threshold", "tau_grad", "scale_grad")}
    return sigma_delta.Input({**held, "activation": "identity"})


def conv(
    given: Mapping[str, Any],
    inputs: int,
    outputs: int,
    *,
    kernel: int = 3,
    stride: int = 1,
    dilation: int = 1,
    weight_scale: float = 3,
) -> sigma_delta.Conv:
    """A convolution with normalised weights and means, that keeps the size but for its stride."""
    return sigma_delta.Conv(
        {**given, "norm": MeanOnlyBatchNorm},
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=dilation * (kernel // 2),
        dilation=dilation,
        weight_norm=True,
        weight_scale=weight_scale,
    )


def head(
    given: Mapping[str, Any],
    inputs: int,
    num_anchors: int,
    num_classes: int,
    *,
    objectness: float | None = None,
) -> sigma_delta.ConvOutput:
    """What a scale says; ``objectness``: first value of an output bias on it, which says "none"."""
    bias = None
    if objectness is not None:
        bias = (0.0, 0.0, 0.0, 0.0, objectness, *[0.0] * num_classes) * num_anchors
    held = {"threshold": given["threshold"], "activation": "identity"}
    outputs = num_anchors * (5 + num_classes)
    return sigma_delta.ConvOutput(held, inputs, outputs, 1, output_bias=bias)


def wide(channels: int, width: float) -> int:
    """Channels of a hidden layer whose network is ``width`` times as wide as lava-dl's."""
    return max(int(channels * width), 1)


def reference_detector(
    network: Sequential,
    anchors: Any,
    num_classes: int,
    classes: tuple[str, ...] | None,
    clamp_max: float,
    **normalised: tuple[float, ...],
) -> Detector:
    """A detector with lava-dl's unit of anchors; classes without names are called by number."""
    names = classes or tuple(str(label) for label in range(num_classes))
    return Detector(network, anchors, names, clamp_max=clamp_max, unit="reference", **normalised)
