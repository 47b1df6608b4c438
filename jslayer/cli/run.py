"""The command ``run``: data in, what the network makes of them out, as NumPy files."""

import argparse
from pathlib import Path

import numpy as np

from jslayer import hdf5
from jslayer.io.files import replacing


def run(options: argparse.Namespace) -> int:
    """Runs a network file over an array and writes what comes out.

    Args:
      options: What `jslayer.cli.main` parsed.

    Returns:
      0.

    Raises:
      OSError: a file cannot be read or written.
      ValueError: the network file or the data are not what they should be.
    """
    network = hdf5.inference(
        options.file,
        input_message_bits=32 if options.graded else 0,
        conv_delay=options.conv_delay,
        reset_interval=options.reset_interval,
        reset_offset=options.reset_offset,
        layout=options.layout,
    )
    x = load(options.input)
    if options.encode:
        x = network.encode(x)
    wanted = {"layers": "all", "record": "all"} if options.layers else {}
    outputs = network(x, steps=options.steps, **wanted)
    save(options.output, outputs[len(network.stages) - 1]["spike"])
    if options.layers:
        options.layers.mkdir(parents=True, exist_ok=True)
        for number, found in outputs.items():
            for name, value in found.items():
                save(options.layers / f"layer-{number}-{name}.npy", value)
    return 0


def load(path: Path) -> np.ndarray:
    """An array of numbers; nothing in the file is executed.

    Raises:
      ValueError: the file holds something else.
    """
    try:
        x = np.load(path, allow_pickle=False)
    except (EOFError, ValueError) as error:
        raise ValueError(
            f"`--input` {path} cannot be read ({error}), expected an array in NumPy's format; "
            "save it with numpy.save."
        ) from error
    if not isinstance(x, np.ndarray):
        raise ValueError(f"`--input` {path} holds several arrays, expected one; save it alone.")
    return x


def save(path: Path, value: np.ndarray) -> None:
    """Writes an array, whole or not at all."""
    with replacing(path) as file:
        np.save(file, np.asarray(value))
