"""A detector's network file in the integers of the hardware, read as boxes."""

import os
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jslayer import hdf5
from jslayer.block.graph import flat
from jslayer.hdf5.late import latenesses
from jslayer.obd.detector import load_detector
from jslayer.obd.head import raw_layout

ONE = 2**18
"""What a sigma-delta output sends for 1."""


Raws = Callable[[Any], list[jax.Array]]
"""From frames ``[N, C, H, W, T]`` to heads ``[N, A, H, W, 5 + C, T]`` float32, one per scale."""


def hardware_raws(path: str | os.PathLike[str], frames: Any) -> list[jax.Array]:
    """What the heads of a detector say when hardware runs its file, frame for frame.

    Every synapse takes a step of time there, so that what belongs to a frame is read that many
    steps later; the last frame is held until then. Output biases, which hardware does not add, are
    added.

    Args:
      path: Name of the file that `Detector.export` wrote.
      frames: ``[N, C, H, W, T]``, as `Detector.apply` takes them.

    Returns:
      Per scale ``[N, A, H, W, 5 + C, T]`` float32, for `Detector.read`.

    Raises:
      ValueError: The network takes events: only frames enter an input layer.
    """
    return hardware(path)(frames)


def hardware(path: str | os.PathLike[str]) -> Raws:
    """Reads a file once, to be run on many frames; see `hardware_raws`."""
    file = hdf5.read(path)
    if file.layers[0].type != "input":
        raise ValueError(
            f"`path` is {os.fspath(path)}, whose network takes events, expected one with an input "
            "layer; run it with `hdf5.inference`."
        )
    detector, variables = load_detector(file)
    network = hdf5.inference(file, input_message_bits=16)
    entries, ends = flat(detector.network)
    found = latenesses([entry.block for entry in entries], [entry.reads for entry in entries])
    late, biases = [found[end] for end in ends], detector.output_biases(variables)

    def raws(frames: Any) -> list[jax.Array]:
        x = detector.prepare(frames)
        steps = x.shape[-1]
        held = jnp.concatenate([x, jnp.repeat(x[..., -1:], max(late), axis=-1)], axis=-1)
        sent = network(network.encode(held), layers=file.outputs)
        heads = []
        for number, lag, bias in zip(file.outputs, late, biases, strict=True):
            sums = sent[number]["spike"][..., lag : lag + steps].astype(jnp.float32) / ONE
            sums = sums + jnp.reshape(jnp.asarray(bias, jnp.float32), (-1, 1, 1, 1))
            heads.append(raw_layout(sums, detector.anchors.shape[1]))
        return heads

    return raws
