"""Fits the arrays of a pass to the GPU kernel, for either backend."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp

from jslayer.ops.dynamics import Tree
from jslayer.ops.engines import body
from jslayer.ops.engines.passes import Pass
from jslayer.ops.engines.tuning import Tile


class Backend(Protocol):
    """A backend.

    Attributes:
      LEAST: Smallest tile, in neurons.
    """

    LEAST: int

    def tile(self, steps: int, neurons: int, streams: int) -> Tile:
        """Chooses the tile; see `tuning`."""

    def call(
        self,
        text: Callable[..., None],
        inputs: Sequence[jax.Array],
        outputs: Sequence[jax.ShapeDtypeStruct],
        tile: Tile,
        *,
        name: str,
        interpret: Any,
    ) -> Sequence[jax.Array]:
        """Runs ``text(load, store, input references, output references)`` for every tile."""


def run(
    backend: Backend,
    of: Pass,
    fixed: Tree,
    carry: Tree,
    inputs: Tree,
    *,
    tile: Tile | None = None,
    interpret: Any = False,
) -> tuple[Tree, Tree]:
    """Runs a pass as one kernel; see `passes.Engine`.

    Args:
      backend: The module of a backend.
      of: The pass.
      fixed: ``[*neurons]`` arrays.
      carry: ``[*neurons]`` arrays.
      inputs: ``[T, *neurons]`` arrays, at least one.
      tile: How to cut; ``None`` takes the backend's choice.
      interpret: Run without a GPU, slowly, as tests do; the backend's own kind of value.

    Returns:
      The last carry and the outputs.
    """
    steps, *row = jax.tree.leaves(inputs)[0].shape
    neurons = math.prod(row)
    width = max(neurons, backend.LEAST)
    one_row = lambda leaf: jnp.broadcast_to(leaf, row).reshape(neurons)
    fixed, carry = jax.tree.map(one_row, (fixed, carry))
    inputs = jax.tree.map(lambda leaf: leaf.reshape(steps, neurons), inputs)
    arguments = (fixed, carry, inputs)
    outputs = _outputs(of, arguments, steps, width)
    flat, structure = jax.tree.flatten(arguments)
    flat_out, structure_out = jax.tree.flatten(outputs)
    tile = tile or backend.tile(steps, width, len(jax.tree.leaves(inputs)))

    def text(load, store, in_refs, out_refs):
        refs = structure.unflatten(in_refs), structure_out.unflatten(out_refs)
        body.run(of, steps, tile.chunk, load, store, *refs)

    done = backend.call(
        text,
        [_widen(leaf, width) for leaf in flat],
        flat_out,
        tile,
        name=f"jslayer_{of.name}",
        interpret=interpret,
    )
    if width > neurons:
        done = [leaf[..., :neurons] for leaf in done]
    done = [leaf.reshape(*leaf.shape[:-1], *row) for leaf in done]
    return jax.tree.unflatten(structure_out, done)


def _outputs(of, arguments, steps, width):
    row = lambda leaf: jax.ShapeDtypeStruct((width,), leaf.dtype)
    carry, out = jax.eval_shape(of.step, *jax.tree.map(row, arguments))
    return jax.tree.map(row, carry), jax.tree.map(
        lambda leaf: jax.ShapeDtypeStruct((steps, width), leaf.dtype), out
    )


def _widen(leaf, width):
    """Repeats the last neuron up to the smallest tile: its values are ordinary ones."""
    missing = width - leaf.shape[-1]
    if not missing:
        return leaf
    return jnp.pad(leaf, [(0, 0)] * (leaf.ndim - 1) + [(0, missing)], mode="edge")
