"""Reading a network file: both dialects in, one record out."""

import os
from typing import Any

import numpy as np

from jslayer.hdf5 import checksum
from jslayer.hdf5.read import source
from jslayer.hdf5.read.fit import fitted
from jslayer.hdf5.read.group import Group
from jslayer.hdf5.read.layer import MOST_LAYERS, read_layer
from jslayer.hdf5.read.neuron import EXPORT
from jslayer.hdf5.read.whole import check_whole
from jslayer.hdf5.records import Layer, NetworkFile
from jslayer.io.text import shown


def read(path: str | os.PathLike[str], *, max_bytes: int | None = None) -> NetworkFile:
    """Reads a network file and checks that it makes sense.

    Files of jslayer, of lava-dl's blocks and of the older tools are read: texts of fixed or
    variable length, neurons of type ``LOIHI``, matrices with one axis, kernels with a fifth axis,
    numbers that are scalars or have one entry, shapes ``[N]``, ``[N, 1, 1]`` and ``[1, 1, N]``,
    decays per layer or per channel, layers without a neuron. Datasets of other names are ignored.
    The file is data from elsewhere: nothing is taken from it before its size and type are checked,
    and of the hdf5 formats only the earliest is read, which h5py writes unless told otherwise.
    A file with the attribute ``checksum``, as `export` writes it, must hold what it held then; who
    changes such a file by other means removes that attribute.

    Args:
      path: Name of the file.
      max_bytes: Bytes that the file may become when it is read, a name of an object that has
        several each time; ``None``: 16 times its size, but at least 128 MiB and at most 2 GiB.

    Returns:
      The layers, with whole numbers as the hardware has them, images channel first.

    Raises:
      NetworkFileError: the file is damaged, too large or being written, or says what no network can
        be; names the layer, the dataset, what it holds and what was expected.
      FileNotFoundError: there is no such file.
      IsADirectoryError: ``path`` is a folder.
      PermissionError: the file must not be read.

    Example:
      >>> import os, tempfile, jax, jax.numpy as jnp
      >>> from jslayer import Sequential, hdf5
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.25, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 6, 4), cuba.Dense(neuron, 4, 2)])
      >>> variables = network.init(jax.random.key(0), jnp.ones((1, 6, 20)))
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = os.path.join(folder, "network.net")
      ...     hdf5.export(path, network, variables)
      ...     file = hdf5.read(path)
      >>> [(layer.type, layer.shape, int(layer.neuron.threshold)) for layer in file.layers]
      [('dense', (4,), 80), ('dense', (2,), 80)]
    """
    with source.opened(path, max_bytes=max_bytes) as file:
        attributes = file.attributes()
        if checksum.NAME in attributes:
            check_whole(file.afresh(), attributes.pop(checksum.NAME))
        layers: list[Layer] = []
        for number, group in enumerate(_groups(file)):
            layers.append(fitted(read_layer(number, group), layers, group))
        _check_outputs(attributes.get("outputs"), len(layers), file)
        return NetworkFile(os.fspath(path), tuple(layers), attributes)


def _check_outputs(outputs: Any, count: int, file: Group) -> None:
    """Checks the numbers of the layers that give the output, where the file says them."""
    if outputs is None:
        return
    fits = isinstance(outputs, np.ndarray) and outputs.dtype.kind in "iu" and outputs.size
    if not fits or not ((outputs >= 0) & (outputs < count)).all():
        came, expected = f"has the attribute outputs {outputs!r:.80}", "numbers of its layers"
        raise file.fault("", came, expected, EXPORT)


def _groups(file: Group) -> list[Group]:
    """The groups of the layers, by number."""
    layers = file.group("layer")
    names = layers.names()
    if not 1 <= len(names) <= MOST_LAYERS:
        raise file.fault("layer", f"has {len(names)} layers", f"1 to {MOST_LAYERS}", EXPORT)
    missing = sorted({str(number) for number in range(len(names))} - set(names), key=int)
    if missing:
        other = sorted(set(names) - {str(number) for number in range(len(names))})
        few = ", ".join(shown(name, 20) for name in other[:5])
        came = f"has {few} but not {', '.join(missing[:5])}"
        raise file.fault("layer", came, f"the numbers 0 to {len(names) - 1}", EXPORT)
    return [layers.group(str(number)) for number in range(len(names))]
