"""lava-dl's detectors of one scale, that its hardware runs: for frames and for events."""

from collections.abc import Mapping
from typing import Any

from jslayer.block import Sequential, cuba
from jslayer.neuron import MeanOnlyBatchNorm
from jslayer.obd.anchors import ANCHORS
from jslayer.obd.detector import Detector
from jslayer.obd.models import parts

CUBA = {
    "threshold": 0.1,
    "current_decay": 1,
    "voltage_decay": 0.1,
    "tau_grad": 0.1,
    "scale_grad": 15,
}
"""Arguments of the spiking neurons in front of `yolo_kp_events`."""

_BACK = (
    *((32, 64, 3, 2), (64, 128, 3, 2), (128, 256, 3, 1), (256, 256, 3, 2)),
    *((256, 512, 3, 1), (512, 256, 1, 1), (256, 512, 3, 1)),
)  # channels in and out, kernel, stride


def yolo_kp(
    num_classes: int = 80,
    anchors: Any = ANCHORS[:1],
    threshold: float = 0.1,
    tau_grad: float = 0.1,
    scale_grad: float = 0.1,
    clamp_max: float = 5.0,
    *,
    classes: tuple[str, ...] | None = None,
    width: float = 1.0,
) -> Detector:
    """One scale of stride 32 behind nine convolutions of frames: a chain.

    Args:
      num_classes: Number of labels.
      anchors: ``[1, A, 2]``, in lava-dl's units.
      threshold: Least change that is sent.
      tau_grad: Reach of the threshold's gradient.
      scale_grad: Size of the threshold's gradient.
      clamp_max: Largest exponent of a width or height.
      classes: Names of the labels; ``None``: their numbers.
      width: Factor on the channels of the hidden layers.

    Returns:
      The detector; at 448 x 448 pixels a thousand million products a frame.
    """
    neuron = parts.neuron(threshold, tau_grad, scale_grad)
    front = [
        parts.input_block(neuron),
        parts.conv(neuron, 3, parts.wide(16, width), stride=2),
        parts.conv(neuron, parts.wide(16, width), parts.wide(32, width), stride=2),
    ]
    blocks = front + _back(neuron, anchors, num_classes, width)
    return parts.reference_detector(
        Sequential(blocks), anchors, num_classes, classes, clamp_max, **parts.IMAGENET
    )


def yolo_kp_events(
    num_classes: int = 80,
    anchors: Any = ANCHORS[:1],
    threshold: float = 0.1,
    tau_grad: float = 0.1,
    scale_grad: float = 0.1,
    clamp_max: float = 5.0,
    cuba_params: Mapping[str, Any] | None = None,
    *,
    classes: tuple[str, ...] | None = None,
    width: float = 1.0,
) -> Detector:
    """As `yolo_kp` for events ``[N, 2, H, W, T]``, with two layers of spiking neurons in front.

    Args:
      num_classes: Number of labels.
      anchors: ``[1, A, 2]``, in lava-dl's units.
      threshold: Least change that is sent.
      tau_grad: Reach of the threshold's gradient.
      scale_grad: Size of the threshold's gradient.
      clamp_max: Largest exponent of a width or height.
      cuba_params: Arguments of the spiking neurons; those given replace `CUBA`'s.
      classes: Names of the labels; ``None``: their numbers.
      width: Factor on the channels of the hidden layers.

    Returns:
      The detector.
    """
    spiking = {**CUBA, **(cuba_params or {}), "norm": MeanOnlyBatchNorm}
    first, second = parts.wide(16, width), parts.wide(32, width)
    options = {"stride": 2, "padding": 1, "weight_norm": True, "weight_scale": 3}
    front = [
        cuba.Conv(spiking, 2, first, 3, delay_shift=False, **options),
        cuba.Conv(spiking, first, second, 3, delay_shift=False, **options),
    ]
    neuron = parts.neuron(threshold, tau_grad, scale_grad)
    blocks = front + _back(neuron, anchors, num_classes, width)
    return parts.reference_detector(Sequential(blocks), anchors, num_classes, classes, clamp_max)


def _back(neuron: Mapping[str, Any], anchors: Any, num_classes: int, width: float) -> list[Any]:
    """The layers that both have."""
    blocks: list[Any] = []
    for inputs, outputs, kernel, stride in _BACK:
        sizes = parts.wide(inputs, width), parts.wide(outputs, width)
        blocks.append(parts.conv(neuron, *sizes, kernel=kernel, stride=stride))
    blocks.append(parts.head(neuron, parts.wide(512, width), len(anchors[0]), num_classes))
    return blocks
