"""The GPU kernel of a pass with feedback: a program runs one sample, a thread one of its neurons.

Before each step a neuron tells all others of its sample what it sends, by way of memory, and sums
up what it is sent. The matrices are read again in every step, from the nearest cache: where that
takes longer than a launch, the loop of products is faster (`pays`).
"""

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental import pallas as pl

from jslayer.ops.dynamics import Tree
from jslayer.ops.engines import body
from jslayer.ops.engines.passes import FeedbackPass
from jslayer.ops.engines.rewrite import rewritten

CHUNK = 2
"""Steps whose inputs are loaded together."""
TOGETHER = 8
"""Senders whose weights are loaded together."""
NEAR_BYTES = 100 * 1024
"""Of matrices that a processor's own cache holds."""
NEAR_READ, FAR_READ = 112 * 2**20, 16 * 2**20
"""Read by all samples in the time of the launches of a step, from there and from further away."""
FAR_CHANNELS = 256


def pays(matrices: Tree, samples: int) -> bool:
    """True if a step takes less than the launches of the loop, by the bytes that it reads."""
    leaves = jax.tree.leaves(matrices)
    size = sum(4 * leaf.size for leaf in leaves)
    if size <= NEAR_BYTES:
        return samples * size <= NEAR_READ
    return leaves[0].shape[-1] <= FAR_CHANNELS and samples * size <= FAR_READ


def run(
    of: FeedbackPass,
    fixed: tuple[Tree, Tree],
    carry: Tree,
    inputs: Tree,
    *,
    interpret: bool = False,
) -> tuple[Tree, Tree]:
    """Runs a pass.

    Args:
      of: The pass.
      fixed: ``[C, C]`` matrices, a row for each receiver, and ``[N, C]`` arrays: a pair of nests.
      carry: ``[N, C]`` arrays.
      inputs: ``[T, N, C]`` arrays, at least one.
      interpret: Run without a GPU, slowly, as tests do.

    Returns:
      The last carry and the outputs.
    """
    from jslayer.ops.engines import triton  # there may be a JAX without it

    matrices, rows = fixed
    steps, samples, channels = jax.tree.leaves(inputs)[0].shape
    lanes = max(32, pl.next_power_of_2(channels))  # Triton computes on powers of two
    senders = pl.cdiv(channels, TOGETHER) * TOGETHER
    silent = [(0, senders - channels), (0, 0)]
    # a row for each sender, so that neighbours read neighbours
    by_sender = [jnp.pad(leaf.T, silent) for leaf in jax.tree.leaves(matrices)]
    outputs = _outputs(of, rows, carry, inputs)
    arguments, structure = jax.tree.flatten((rows, carry, inputs))
    flat_out, structure_out = jax.tree.flatten(outputs)
    # two for each matrix: while one step's are read, those of the next are written
    told = jax.ShapeDtypeStruct((samples, 2, len(by_sender), lanes), jnp.float32)
    given, made = triton.typed([*by_sender, *arguments], [*flat_out, told])

    message = rewritten(of.message)

    def kernel(*refs):
        matrix_refs, refs = refs[: len(by_sender)], refs[len(by_sender) :]
        *refs, told_ref = refs
        sample = pl.program_id(0)
        # lanes behind the last neuron do as that one does
        at = pl.ds(0, lanes)
        if lanes > channels:
            at = jnp.minimum(lax.iota(jnp.int32, lanes), channels - 1)

        def load(ref, t=None):
            return ref[sample, at] if t is None else ref[t, sample, at]

        def store(ref, value, t=None):
            if t is None:
                ref[sample, at] = value
            else:
                ref[t, sample, at] = value

        def heard(t, rows, carry):
            sent, nest = jax.tree.flatten(message(rows, carry))
            half = t % 2
            for number, value in enumerate(sent):
                told_ref[sample, half, number, pl.ds(0, lanes)] = value
            if not interpret:
                triton.pltriton.debug_barrier()

            def some(group, sums):
                sums = list(sums)
                for k in range(TOGETHER):
                    sender = group * TOGETHER + k
                    for number, ref in enumerate(matrix_refs):
                        sums[number] += ref[sender, at] * told_ref[sample, half, number, sender]
                return tuple(sums)

            nothing = tuple(jnp.zeros(lanes, jnp.float32) for _ in sent)
            groups = jnp.int32(senders // TOGETHER)
            return nest.unflatten(lax.fori_loop(jnp.int32(0), groups, some, nothing))

        given = structure.unflatten(refs[: len(arguments)])
        made = structure_out.unflatten(refs[len(arguments) :])
        body.run(of.step_alone, steps, CHUNK, load, store, given, made, beside=heard)

    *done, _ = pl.pallas_call(
        kernel,
        grid=(samples,),
        out_shape=tuple(made),
        interpret=interpret,
        name=f"jslayer_{of.name}",
        compiler_params=triton.pltriton.CompilerParams(num_warps=lanes // 32, num_stages=1),
    )(*given)
    return structure_out.unflatten(done)


def _outputs(of, rows, carry, inputs):
    def step(rows, carry, now):
        return of.step(rows, carry, (now, of.message(rows, carry)))

    now = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype), inputs)
    last, out = jax.eval_shape(step, rows, carry, now)
    steps = jax.tree.leaves(inputs)[0].shape[0]
    over_time = lambda leaf: jax.ShapeDtypeStruct((steps, *leaf.shape), leaf.dtype)
    return last, jax.tree.map(over_time, out)
