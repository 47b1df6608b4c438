"""Delays of a layer in whole steps, per output or per input."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from jslayer.block.base import MAX_DELAY
from jslayer.block.layers import Layer
from jslayer.hdf5.write.numbers import check_shape, lookup


def delays(
    block: Layer, variables: Mapping[str, Any], outputs: int, inputs: int | None
) -> np.ndarray:
    """The delays of a block as the file has them; readers tell by their number whose they are.

    Args:
      block: A block with a ``delay``.
      variables: The block's own collections.
      outputs: Its output channels.
      inputs: Its inputs, where they may have delays.

    Returns:
      float32 ``[outputs]``, or ``[inputs]`` with ``delay="inputs"``, whole steps.

    Raises:
      ValueError: the delays have another shape, or would be taken for those of the outputs.
    """
    of_inputs = block.delay == "inputs"
    given = np.asarray(lookup(variables, "params/delay_line/delay"), np.float32)
    size = inputs if of_inputs and inputs is not None else outputs
    check_shape("params/delay_line/delay", given, (size,))
    steps = np.floor(np.clip(given, 0, MAX_DELAY))
    if of_inputs and inputs == outputs and (steps != steps[0]).any():
        raise ValueError(
            f"`delay` is 'inputs' in a layer of {inputs} inputs and as many outputs, expected "
            "other sizes: readers of the file would take the delays for those of the outputs; "
            "delay the outputs of the layer in front instead, or add an input that is always 0."
        )
    return steps
