"""A checkpoint in one file, written whole or not at all."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import serialization

from jslayer.io.files import PathLike, replacing
from jslayer.io.first import writes
from jslayer.io.text import shown
from jslayer.training.checkpoint.checksum import checked, header
from jslayer.training.checkpoint.errors import CheckpointError, report_nan


def save_checkpoint(path: PathLike, tree: Any) -> None:
    """Writes a nest of arrays, numbers and texts, e.g. a `TrainState`, in Flax's msgpack format.

    Before it stands a line of 94 bytes with a checksum, so that `load_checkpoint` finds all damage.
    Of several processes only the first writes.

    Args:
      path: The file, replaced only when all is written.
      tree: What to keep; of several processes, arrays that each of them holds whole.

    Raises:
      FileNotFoundError: The folder of ``path`` does not exist.
      IsADirectoryError: ``path`` is a folder.
      ValueError: An array is spread over processes.
    """
    for name, leaf in leaves(tree).items():
        if isinstance(leaf, jax.Array) and not (
            leaf.is_fully_addressable | leaf.is_fully_replicated
        ):
            raise ValueError(
                f"`tree` has an array {name} that is spread over processes, expected one that each "
                "holds whole; use `Checkpoints`, which all of them write."
            )
    if not writes():
        return
    content = serialization.to_bytes(jax.device_get(tree))
    with replacing(path) as file:
        file.write(header(content))
        file.write(content)


def load_checkpoint(path: PathLike, like: Any) -> Any:
    """Reads what `save_checkpoint` wrote, or Flax's msgpack without a checksum.

    Args:
      path: The file.
      like: A nest of the same structure, shapes and dtypes, e.g. a fresh `TrainState`.

    Returns:
      The nest, with the file's values.

    Raises:
      FileNotFoundError: There is no file at ``path``.
      CheckpointError: The file is no checkpoint, a damaged one, or one of another network or
        optimiser; a ``ValueError``.

    Warns:
      UserWarning: The checkpoint holds NaN.

    Example:
      >>> import os, tempfile
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = os.path.join(folder, "checkpoint.msgpack")
      ...     save_checkpoint(path, {"weight": jnp.ones(2)})
      ...     load_checkpoint(path, {"weight": jnp.zeros(2)})
      {'weight': Array([1., 1.], dtype=float32)}
    """
    path = Path(path)
    found, held = content_of(path)
    unlike = difference(held, leaves(serialization.to_state_dict(like)))
    if unlike:
        raise CheckpointError(
            f"`path` is {path}, a checkpoint that {unlike}, expected one of the same network "
            "and optimiser; check the name and the settings."
        )
    report_nan(f"the checkpoint {path}", held)
    tree = serialization.from_state_dict(like, found)
    # A copy, since a step may take over the memory of its arguments.
    return jax.tree.map(lambda a, b: jnp.array(a) if isinstance(b, jax.Array) else a, tree, like)


def content_of(path: Path) -> tuple[Any, dict[str, Any]]:
    """What a checkpoint file holds, as nested dictionaries and as `leaves` of them.

    Raises:
      FileNotFoundError, CheckpointError: as `load_checkpoint`.
    """
    if not path.is_file():
        raise FileNotFoundError(
            f"`path` is {path}, where there is no file, expected a checkpoint; check the name."
        )
    content = path.read_bytes()
    try:
        found = serialization.msgpack_restore(checked(content))
        return found, leaves(found)
    except Exception as error:  # msgpack raises many kinds for bytes that are not its own
        raise CheckpointError(
            f"`path` is {path}, which holds no checkpoint or a damaged one "
            f"({type(error).__name__}: {shown(error)}), expected what `save_checkpoint` wrote; "
            "check the name, or take an earlier one."
        ) from error


def leaves(tree: Any) -> dict[str, Any]:
    """The leaves of nested dictionaries by their path, such as ``params/blocks_0/weight``."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): leaf
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def difference(found: dict[str, Any], expected: dict[str, Any]) -> str | None:
    """The first thing about the file that is not as expected."""
    for name in expected:
        if name not in found:
            return f"lacks {shown(name)}"
        if not _fits(found[name], expected[name]):
            kinds = shown(_kind(found[name])), shown(_kind(expected[name]))
            return f"has {kinds[0]} for {shown(name)} instead of {kinds[1]}"
    for name in found:
        if name not in expected:
            return f"holds {shown(name)} besides"
    return None


def _fits(found: Any, expected: Any) -> bool:
    # A counter starts as a Python number and is saved as what a jitted step made of it.
    if isinstance(expected, int | float) and not isinstance(found, str):
        return np.shape(found) == ()
    return _kind(found) == _kind(expected)


def _kind(leaf: Any) -> str:
    if hasattr(leaf, "shape"):
        return f"{leaf.dtype}{list(leaf.shape)}"
    return type(leaf).__name__
