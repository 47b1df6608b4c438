"""Triton, the second backend: NVIDIA GPUs from Ampere on, as long as JAX ships it.

JAX calls it deprecated since 0.11; nothing but `select` knows of this file.
"""

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax.experimental import pallas as pl

from jslayer.ops import layout
from jslayer.ops.engines import tuning

LEAST = 32
tile = tuning.triton

# JAX warns while it lowers, deep inside of the user's `jit`, of what is no choice of the user's
warnings.filterwarnings("ignore", "The Pallas Triton backend is deprecated", DeprecationWarning)
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import jax.experimental.pallas.triton as pltriton


def call(
    text: Callable[..., None],
    inputs: Sequence[jax.Array],
    outputs: Sequence[jax.ShapeDtypeStruct],
    tile: tuning.Tile,
    *,
    name: str,
    interpret: Any = False,
) -> Sequence[jax.Array]:
    """Runs a kernel over tiles of neurons; see `kernel.Backend`. ``interpret`` is a boolean."""
    neurons = outputs[0].shape[-1]
    inputs, outputs = typed(inputs, outputs)

    def kernel(*refs):
        at = pl.ds(tile.start(pl.program_id(0), neurons), tile.block)

        def load(ref, t=None):
            return ref[at] if t is None else ref[t, at]

        def store(ref, value, t=None):
            if t is None:
                ref[at] = value
            else:
                ref[t, at] = value

        text(load, store, refs[: len(inputs)], refs[len(inputs) :])

    return pl.pallas_call(
        kernel,
        grid=(tile.programs(neurons),),
        out_shape=tuple(outputs),
        interpret=interpret,
        name=name,
        compiler_params=pltriton.CompilerParams(num_warps=tile.block // 32, num_stages=1),
    )(*inputs)


def typed(
    inputs: Sequence[jax.Array], outputs: Sequence[jax.ShapeDtypeStruct]
) -> tuple[list[jax.Array], list[jax.ShapeDtypeStruct]]:
    """Inputs and outputs of a kernel that vary over the same axes of a `jax.shard_map`."""
    inputs = list(layout.vary_alike(*inputs))
    if not layout.varies(inputs):
        return inputs, list(outputs)
    of = jax.typeof(inputs[0]).manual_axis_type
    vary = lambda leaf: jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, manual_axis_type=of)
    return inputs, list(map(vary, outputs))
