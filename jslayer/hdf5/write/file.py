"""Writing a network, or one block of it, to hdf5."""

import io
import os
import warnings
from collections.abc import Iterator, Mapping
from importlib import metadata
from typing import Any

import flax.linen as nn
import h5py
import jax
import numpy as np

from jslayer.block.graph import joining
from jslayer.block.sequential import name_of
from jslayer.hdf5 import checksum
from jslayer.hdf5.attributes import is_kept, plain, text_of
from jslayer.hdf5.write.content import Content
from jslayer.hdf5.write.network import layer_of, layers_of
from jslayer.hdf5.write.numbers import int64, reduced
from jslayer.io.files import replacing
from jslayer.io.first import writes

FORMAT_VERSION = 1
"""Version of what we add to the format: the attributes."""


def export(
    path: str | os.PathLike[str],
    network: nn.Module,
    variables: Mapping[str, Any],
    *,
    sample: Any = None,
    reduced_weights: bool = False,
    attributes: Mapping[str, str | float | np.ndarray] | None = None,
) -> None:
    """Writes a trained network to ``path``, whole or not at all.

    The file holds integers: weights, biases and thresholds times the neuron's ``scale``, decays in
    1/4096, delays in whole steps, taken from the weights and running statistics that evaluation
    uses. What the format cannot say and `load` needs stands in attributes, which inference tools
    ignore: ``w_scale``, a ``delay_shift`` other than the family's own, what makes a read-out or k
    winners take all one again, norms of complex neurons; and ``checksum``, by which `read` finds
    damage. Whoever changes the file later by other means removes that attribute. Blocks and
    neurons that the format has no words for are refused. Of several processes that train together
    only the first writes.

    Args:
      path: Name of the file; one that exists is replaced at the end, and stays after an error.
      network: A `jslayer.block.Sequential` or `jslayer.block.Graph`, one block, or a module of your
        own that calls blocks, which `jslayer.block.graph_of` turns into a graph.
      variables: What ``network.init`` returned, with the trained ``params`` and ``batch_stats``.
      sample: For a module of your own data as it takes them, ``[N, C, ..., T]``: of which only the
        shape and dtype are used. Blocks alone need none.
      reduced_weights: Also write every weight divided by the largest power of two that they all
        share, as int32 ``reduced/<weight>/mantissa`` with its ``exponent``; ``weight`` stays.
      attributes: Numbers, rows of numbers and texts about the whole network, e.g. names of its
        classes; `read` returns them.

    Raises:
      FileNotFoundError: the folder of ``path`` does not exist.
      IsADirectoryError: ``path`` is a folder.
      TypeError: ``variables`` is no mapping, an array of it is not real floating-point, or the
        format has no layer for a block.
      ValueError: ``variables`` does not fit the network or is not finite, the file cannot hold
        a number, e.g. a weight that is not quantised, or a module of your own does what a graph of
        blocks cannot say, or comes without ``sample``.

    Warns:
      UserWarning: inference tools ignore part of what is written, or fail on it.

    Example:
      >>> import os, tempfile, h5py, jax, jax.numpy as jnp
      >>> from jslayer.block import Sequential, cuba
      >>> neuron = dict(threshold=1.25, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 6, 4), cuba.Dense(neuron, 4, 2)])
      >>> variables = network.init(jax.random.key(0), jnp.ones((1, 6, 20)))
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = os.path.join(folder, "network.net")
      ...     export(path, network, variables)
      ...     with h5py.File(path) as file:
      ...         file["layer/1/weight"].shape, int(file["layer/1/neuron/vThMant"][()])
      ((2, 4), 80)
    """
    if not writes():
        return
    layers, outputs = layers_of(network, _held(variables), sample)
    for place, layer in layers.items():
        for note in layer.notes:
            warnings.warn(f"{place}: {note}", stacklevel=2)
    content = io.BytesIO()
    with h5py.File(content, "w", libver="earliest") as file:
        file.attrs["writer"] = "jslayer"
        file.attrs["format_version"] = FORMAT_VERSION
        file.attrs["library_version"] = _library_version()
        if outputs:
            file.attrs["outputs"] = int64(outputs)
        for name, value in (attributes or {}).items():
            if isinstance(value, h5py.Empty) or 0 in np.shape(value):
                raise ValueError(
                    f"`attributes` has {name!r}, which is empty, expected a number, a row of "
                    "numbers or a text; leave it out."
                )
            file.attrs[name] = value
        for place, layer in layers.items():
            if reduced_weights:
                layer.datasets |= _reduced(layer.datasets)
            _fill(file.create_group(place), layer)
        file.attrs[checksum.NAME] = checksum.checksum(_content(file, ""))
    with replacing(path) as target:
        target.write(content.getbuffer())


def _held(variables: Mapping[str, Any]) -> Mapping[str, Any]:
    """With arrays of this process alone: it writes while the others do something else."""
    spread = lambda leaf: isinstance(leaf, jax.Array) and not leaf.is_fully_addressable
    return jax.tree.map(lambda leaf: np.asarray(leaf) if spread(leaf) else leaf, variables)


def _content(group: h5py.Group, place: str) -> Iterator[tuple[str, Any]]:
    """What was written, for its checksum."""
    for name in sorted(group.attrs):
        if is_kept(group.attrs.get_id(name)):
            yield f"{place}@{name}", plain(group.attrs[name])
    for name in sorted(group):
        entry, path = group[name], f"{place}/{name}" if place else name
        if isinstance(entry, h5py.Group):
            yield from _content(entry, path)
        else:
            is_text = h5py.check_string_dtype(entry.dtype) is not None
            yield path, text_of(entry[()]) if is_text else entry[()]


def _library_version() -> str:
    try:
        return metadata.version("jslayer")
    except metadata.PackageNotFoundError:
        return "unknown"  # run from its sources, not installed


def _reduced(datasets: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Every weight as mantissa and exponent."""
    found = {}
    for name, value in datasets.items():
        if name.split("/")[0] in ("weight", "weight_rec") and np.ndim(value) > 1:
            mantissa, exponent = reduced(value)
            found[f"reduced/{name}/mantissa"] = mantissa
            found[f"reduced/{name}/exponent"] = int64(exponent)
    return found


def write_block(group: h5py.Group, block: nn.Module, variables: Mapping[str, Any]) -> None:
    """Writes one block into an open, empty hdf5 group, as `export` does for each of its layers.

    For a loop over blocks in a row, as lava-dl's users write it; a bound block's own method
    ``export_hdf5(group)`` is the same. Joins between blocks, and the file's own attributes with
    its checksum, are written by `export` alone.

    Args:
      group: Where the datasets go.
      block: The block.
      variables: The block's own collections, ``{"params": ..., "constants": ..., ...}``.

    Raises:
      TypeError, ValueError: as `export`; then nothing is written.
      ValueError: ``group`` is not empty, or the block is of a `jslayer.block.Graph` with joins.

    Warns:
      UserWarning: as `export`.

    Example:
      >>> import os, tempfile, h5py, jax, jax.numpy as jnp
      >>> from jslayer import hdf5
      >>> from jslayer.block import Sequential, cuba
      >>> neuron = dict(threshold=1.25, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 6, 4), cuba.Dense(neuron, 4, 2)])
      >>> variables = network.init(jax.random.key(0), jnp.ones((1, 6, 20)))
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = os.path.join(folder, "network.net")
      ...     with h5py.File(path, "w") as file:
      ...         layer = file.create_group("layer")
      ...         for i, block in enumerate(network.bind(variables).blocks):
      ...             block.export_hdf5(layer.create_group(f"{i}"))
      ...     len(hdf5.read(path).layers)
      2
    """
    if len(group):
        raise ValueError(
            f"`group` {group.name} holds {', '.join(group)}, expected an empty group; "
            "write every block into a group of its own."
        )
    scope = getattr(block, "scope", None)
    if scope is not None and scope.parent in joining:
        raise ValueError(
            f"{group.name} ({name_of(block)}): is a block of a Graph with joins, expected one of "
            "blocks in a row; write the network with `hdf5.export`, which writes its joins too."
        )
    layer = layer_of(f"{group.name} ({name_of(block)})", block, variables)
    for note in layer.notes:
        warnings.warn(f"{group.name}: {note}", stacklevel=2)
    _fill(group, layer)


def _fill(group: h5py.Group, layer: Content) -> None:
    for name, value in layer.datasets.items():
        group.create_dataset(name, data=value)
    for name, value in layer.attributes.items():
        group.attrs[name] = value
