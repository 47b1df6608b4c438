"""The two-scale detector of lava-dl, with its skip path."""

import functools
from typing import Any

from jslayer.block import Graph, sigma_delta
from jslayer.obd.anchors import ANCHORS
from jslayer.obd.detector import Detector
from jslayer.obd.models import parts


def tiny_yolov3_str(
    num_classes: int = 80,
    anchors: Any = ANCHORS[:2],
    threshold: float = 0.1,
    tau_grad: float = 0.1,
    scale_grad: float = 0.1,
    clamp_max: float = 5.0,
    *,
    classes: tuple[str, ...] | None = None,
    width: float = 1.0,
    learn_unpool: bool = False,
) -> Detector:
    """Two scales (strides 32 and 16) of a Tiny-YOLOv3 with strides in place of pools.

    Args:
      num_classes: Number of labels.
      anchors: ``[2, A, 2]``, in lava-dl's units.
      threshold: Least change that is sent.
      tau_grad: Reach of the threshold's gradient.
      scale_grad: Size of the threshold's gradient.
      clamp_max: Largest exponent of a width or height.
      classes: Names of the labels; ``None``: their numbers.
      width: Factor on the channels of the hidden layers.
      learn_unpool: Learn the four weights of the unpooling layer, as lava-dl does.

    Returns:
      The detector; at 448 x 448 pixels and 80 classes 2.7 thousand million products a frame.
    """
    neuron = parts.neuron(threshold, tau_grad, scale_grad)
    wide = functools.partial(parts.wide, width=width)

    def conv(inputs: int, outputs: int, **options: Any) -> sigma_delta.Conv:
        return parts.conv(neuron, inputs if inputs == 3 else wide(inputs), wide(outputs), **options)

    def head(inputs: int) -> sigma_delta.ConvOutput:
        return parts.head(neuron, wide(inputs), len(anchors[0]), num_classes)

    joined = parts.conv(neuron, wide(128) + wide(256), wide(256))
    blocks = [
        parts.input_block(neuron),
        conv(3, 16, stride=2),
        conv(16, 32, stride=2),
        conv(32, 64, stride=2),
        conv(64, 128, stride=2),
        conv(128, 256),  # 5: the route around
        conv(256, 256, stride=2),
        conv(256, 512),
        conv(512, 1024),
        conv(1024, 256, kernel=1),  # 9: both heads read it
        conv(256, 512),
        head(512),
        conv(256, 128, kernel=1),
        sigma_delta.Unpool(neuron, 2, weight_norm=learn_unpool),
        joined,
        head(256),
    ]
    sources = [(number - 1,) for number in range(len(blocks))]
    sources[12], sources[14] = (9,), (13, 5)
    network = Graph(blocks, sources=sources, outputs=[11, 15])
    return parts.reference_detector(
        network, anchors, num_classes, classes, clamp_max, **parts.IMAGENET
    )
