"""Mosaic GPU, the backend of choice: NVIDIA GPUs from Hopper on, and Ampere with JAX 0.11."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.experimental.pallas.mosaic_gpu as plgpu
from jax import lax
from jax.experimental import pallas as pl

from jslayer.ops.engines import tuning

LEAST = tuning.THREADS
tile = tuning.mosaic

if "out_type" not in inspect.signature(plgpu.kernel).parameters:
    raise ImportError("the Mosaic GPU kernel needs a JAX later than this one")

CAN_INTERPRET = hasattr(plgpu, "InterpretGPUParams")


def call(
    text: Callable[..., None],
    inputs: Sequence[jax.Array],
    outputs: Sequence[jax.ShapeDtypeStruct],
    tile: tuning.Tile,
    *,
    name: str,
    interpret: Any = False,
) -> Sequence[jax.Array]:
    """Runs a kernel over tiles of neurons; see `kernel.Backend`.

    ``interpret`` is a `plgpu.InterpretGPUParams`, or true for its defaults.
    """
    neurons = outputs[0].shape[-1]
    # without this hint the inference of layouts takes seconds, and more than linear in the chunk
    layout = plgpu.Layout.WG_STRIDED((tile.block,), vec_size=tile.vec)

    def kernel(*refs):
        at = pl.ds(tile.start(lax.axis_index("tile"), neurons), tile.block)

        def load(ref, t=None):
            return plgpu.layout_cast(ref[at] if t is None else ref[t, at], layout)

        def store(ref, value, t=None):
            if t is None:
                ref[at] = value
            else:
                ref[t, at] = value

        text(load, store, refs[: len(inputs)], refs[len(inputs) :])

    if interpret is True:
        interpret = plgpu.InterpretGPUParams()
    return plgpu.kernel(
        kernel,
        out_type=tuple(outputs),
        grid=(tile.programs(neurons),),
        grid_names=("tile",),
        interpret=interpret or None,
        kernel_name=name,
        compiler_params=plgpu.CompilerParams(
            # lane semantics loses the sign of integers
            lowering_semantics=plgpu.LoweringSemantics.Warpgroup,
            # no shared memory, and nothing is both read and written: stores need no barrier
            unsafe_no_auto_barriers=True,
        ),
    )(*inputs)
