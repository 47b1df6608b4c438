"""The command ``run``: data in, what the network makes of them out, as NumPy files."""

import argparse
import os
import stat
from pathlib import Path

import numpy as np

from jslayer import hdf5
from jslayer.io.files import replacing
from jslayer.io.npy import read_npy
from jslayer.io.text import shown

ZIP = b"PK\x03\x04"
"""Start of an archive of several arrays."""


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
        max_bytes=options.max_bytes,
    )
    x = load(options.input)
    if options.encode:
        x = network.encode(x)
    wanted = {"layers": "all", "record": "all"} if options.layers else {}
    outputs = network(x, steps=options.steps, **wanted)
    save(options.output, outputs[network.file.outputs[-1]]["spike"])
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
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise ValueError(
            f"`--input` {path} is a folder, a pipe or a device, expected a file of an array; save "
            "it with numpy.save."
        )
    with open(path, "rb") as file:
        if file.read(4) == ZIP:
            raise ValueError(
                f"`--input` {path} holds several arrays, expected one; save it alone with "
                "numpy.save."
            )
        file.seek(0)
        try:
            return read_npy(file, path.stat().st_size)
        except Exception as error:  # of many kinds, for headers that are none
            raise ValueError(
                f"`--input` {path} cannot be read ({shown(error, 200)}), expected an array of real "
                "numbers in NumPy's format; save it with numpy.save."
            ) from error


def save(path: Path, value: np.ndarray) -> None:
    """Writes an array, whole or not at all."""
    with replacing(path) as file:
        np.save(file, np.asarray(value))
