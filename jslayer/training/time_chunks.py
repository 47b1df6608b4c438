"""Long recordings in chunks of time, with the memory of one chunk."""

import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jslayer.block.persistent import at_rest, only_persistent, persistent, zeros_of
from jslayer.ops import check, event_batch
from jslayer.persistence import COLLECTION, LINK

Apply = Callable[..., Any]


def time_chunks(network: nn.Module, chunk: int, *, truncated: bool = False) -> Apply:
    """Runs a network over chunks of time and forgets what is inside each until its gradient is due.

    Neurons, delays and feedback hand their state on, so that the output is that of one call, bit
    for bit; and so do their adjoints (`jslayer.ops.across_calls`), so that the gradient is that of
    one call as well. Memory of a training step grows with one chunk plus what enters and
    leaves, instead of with the time; each chunk is computed twice.

    Args:
      network: Any network of blocks, one of your own modules too; its blocks are made persistent.
      chunk: Steps of a chunk. The last one may be shorter.
      truncated: Let nothing flow back from one chunk to another (truncated backpropagation
        through time): a loss then learns from causes within the same chunk only.

    Returns:
      ``apply(variables, x, *, train=False, rngs=None) -> y``, for ``x`` ``[N, C, ..., T]``, with
      all outputs of a network that has several, and counts of blocks that count. It starts at rest:
      a ``state`` among the variables is not read. Every chunk draws dropout anew.

    Raises:
      ValueError: ``chunk`` is below 1; from ``apply``: a block would forget between two chunks, or
        has a norm while training, whose mean is that of a whole batch.

    References:
      Williams and Peng, An Efficient Gradient-Based Algorithm for On-Line Training of Recurrent
      Network Trajectories, Neural Computation 2, 1990.

    Example:
      >>> from jslayer.block import Sequential, cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> network, x = Sequential([cuba.Dense(neuron, 3, 2, weight_scale=4)]), jnp.ones((1, 3, 20))
      >>> variables = network.init(jax.random.key(0), x)
      >>> in_chunks = time_chunks(network, 8)
      >>> bool((in_chunks(variables, x) == network.apply(variables, x)).all())
      True
    """
    check.whole("chunk", chunk)
    module, chunk = persistent(network), int(chunk)

    def apply(
        variables: Mapping[str, Any],
        x: jax.Array,
        *,
        train: bool = False,
        rngs: Mapping[str, jax.Array] | None = None,
    ) -> Any:
        x = event_batch.dense(x)
        check.rank("x", x, at_least=3, at_most=5, layout="N, C, ..., T")
        check.time_steps("x", x, axis=-1)
        held = {name: tree for name, tree in variables.items() if name != COLLECTION}
        rngs = dict(rngs or {})

        def call(held, kept, piece, number):
            keys = {name: jax.random.fold_in(key, number) for name, key in rngs.items()}
            with only_persistent("chunks of time", train=train):
                y, updated = module.apply(
                    {**held, **kept}, piece, train=train, rngs=keys, mutable=list(kept)
                )
            return y, {name: updated.get(name, tree) for name, tree in kept.items()}

        @jax.checkpoint
        def run(held, kept, piece, number):
            y, kept = call(held, kept, piece, number)
            return y, jax.lax.stop_gradient(kept) if truncated else kept

        with only_persistent("chunks of time"):
            kept = {COLLECTION: jax.jit(functools.partial(at_rest, module))(x[..., :1])}
        if not truncated:
            kept[LINK] = {}
            kept[LINK] = zeros_of(jax.eval_shape(call, held, kept, x[..., :1], 0)[1][LINK])
        whole, pieces = x.shape[-1] // chunk, []
        if whole:
            cut = x[..., : whole * chunk].reshape(*x.shape[:-1], whole, chunk)
            step = lambda kept, part: run(held, kept, *part)[::-1]
            kept, y = lax.scan(step, kept, (jnp.moveaxis(cut, -2, 0), jnp.arange(whole)))
            pieces.append((whole * chunk, jax.tree.map(_in_a_row, y)))
        if x.shape[-1] % chunk:
            last = run(held, kept, x[..., whole * chunk :], whole)[0]
            pieces.append((x.shape[-1] % chunk, last))
        lengths, outputs = zip(*pieces, strict=True)
        return jax.tree.map(lambda *parts: _joined(parts, lengths), *outputs)

    return apply


def _in_a_row(y: jax.Array) -> jax.Array:
    """What all whole chunks gave: ``[chunks, N, ..., chunk]`` over time; of counts the mean."""
    if y.ndim < 3:
        return jnp.mean(y, axis=0)
    y = jnp.moveaxis(y, 0, -2)
    return y.reshape(*y.shape[:-2], -1)


def _joined(parts: Sequence[jax.Array], steps: Sequence[int]) -> jax.Array:
    """Outputs of pieces of so many steps, one behind the other; of counts the mean."""
    if parts[0].ndim < 2:
        return jnp.average(jnp.stack(parts), axis=0, weights=jnp.asarray(steps, jnp.float32))
    return jnp.concatenate(parts, axis=-1)
