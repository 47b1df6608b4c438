"""A small detector for a laptop."""

from collections.abc import Sequence
from typing import Any

from jslayer.block import Sequential
from jslayer.obd.dataset.street_objects import CLASSES
from jslayer.obd.detector import Detector
from jslayer.obd.models import parts

ANCHORS = (
    (
        *((0.439, 0.282), (0.216, 0.357), (0.102, 0.448), (0.146, 0.23), (0.13, 0.15)),
        *((0.063, 0.275), (0.076, 0.123), (0.038, 0.165), (0.051, 0.08)),
    ),
)
"""Sizes of the objects of `SyntheticStreet`, by `obd.fit_anchors` on 3,000
training frames: fractions of the frame."""

_LAYERS = ((2, 1), (2, 1), (2, 1), (1, 1), (1, 2), (1, 1))  # stride, dilation


def street_yolo(
    classes: Sequence[str] = CLASSES,
    anchors: Any = ANCHORS,
    *,
    channels: Sequence[int] = (16, 32, 64, 96, 96, 96),
    threshold: float = 0.1,
    tau_grad: float = 0.1,
    scale_grad: float = 0.2,
    learn_threshold: bool = False,
) -> Detector:
    """One scale of cells of 8 x 8 pixels behind six convolutions: a chain that hardware can run.

    Args:
      classes: Names of the labels.
      anchors: ``[1, A, 2]``, in fractions of the frame.
      channels: Of the six convolutions.
      threshold: Least change that is sent.
      tau_grad: Reach of the threshold's gradient.
      scale_grad: Size of the threshold's gradient.
      learn_threshold: Learn the thresholds, one per channel.

    Returns:
      The detector; at 96 x 160 pixels 250,000 parameters and 58 million products a frame.
    """
    if len(channels) != len(_LAYERS):
        raise ValueError(
            f"`channels` has {len(channels)} entries, expected {len(_LAYERS)}, one per layer."
        )
    neuron = parts.neuron(threshold, tau_grad, scale_grad, learn=learn_threshold)
    blocks: list[Any] = [parts.input_block(neuron)]
    inputs = 3
    for outputs, (stride, dilation) in zip(channels, _LAYERS, strict=True):
        options = {"stride": stride, "dilation": dilation, "weight_scale": 2}
        blocks.append(parts.conv(neuron, inputs, outputs, **options))
        inputs = outputs
    num_anchors = len(anchors[0])
    blocks.append(parts.head(neuron, inputs, num_anchors, len(classes), objectness=-4.0))
    return Detector(Sequential(blocks), anchors, tuple(classes), mean=(0.42,) * 3, std=(0.22,) * 3)
