"""A batch in parts: gradients added up over them, for batches that do not fit into memory."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.loss.labels import Reduction
from jslayer.ops import check


def reduction_of(loss: Any, given: Reduction | None) -> Reduction:
    """How ``loss`` reduces its terms: as ``given``, or as its own attribute ``reduction`` says.

    Raises:
      ValueError: neither says, or it is no known reduction.
    """
    found = getattr(loss, "reduction", None) if given is None else given
    if found is None:
        raise ValueError(
            "`reduction` is None and the loss has no attribute `reduction`, expected 'sum' or "
            "'mean'; say which of them the loss is over the samples of a batch."
        )
    check.choice("reduction", found, ("sum", "mean"))
    return found


def in_parts(tree: Any, parts: int) -> Any:
    """Cuts the batch axis of all arrays: ``[N, ...]`` to ``[parts, N / parts, ...]``.

    Part k has samples k, k + parts, ...; so each device of a data-parallel run keeps its own.

    Raises:
      ValueError: a batch is no multiple of ``parts``.
    """

    def cut(leaf):
        leaf = jnp.asarray(leaf)
        if leaf.shape[0] % parts:
            raise ValueError(
                f"`accumulate` is {parts} for a batch of {leaf.shape[0]} samples, expected a "
                "divisor of it; choose another, or leave out the last, smaller batch."
            )
        return jnp.moveaxis(leaf.reshape(-1, parts, *leaf.shape[1:]), 1, 0)

    return jax.tree.map(cut, tree)


def over_parts(
    gradients_of: Callable[..., tuple[Any, dict[str, Any], Any]],
    others: Any,
    batch: Any,
    key: jax.Array,
    parts: int,
    reduction: Reduction,
) -> tuple[Any, dict[str, Any], Any]:
    """Runs ``gradients_of(others, batch, key) -> (gradients, metrics, others)`` part by part.

    Args:
      gradients_of: Gradients, metrics and the changed collections of one part.
      others: Collections before the first part.
      batch: A nest of arrays ``[N, ...]``.
      key: Random key; each part gets one of its own.
      parts: Number of parts.
      reduction: How the loss reduces, and so how its gradients add up.

    Returns:
      Gradients, metrics and collections of the whole batch.
    """

    def one(carry, part):
        others, total = carry
        number, batch = part
        gradients, metrics, others = gradients_of(others, batch, jax.random.fold_in(key, number))
        return (others, jax.tree.map(jnp.add, total, gradients)), metrics

    cut = in_parts(batch, parts)
    shapes = jax.eval_shape(gradients_of, others, jax.tree.map(lambda leaf: leaf[0], cut), key)[0]
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes)
    (others, gradients), seen = lax.scan(one, (others, zeros), (jnp.arange(parts), cut))
    if reduction == "mean":
        gradients = jax.tree.map(lambda g: g / parts, gradients)
    summed = {"correct", *(("loss",) if reduction == "sum" else ())}
    metrics = {
        name: jax.tree.map(
            lambda leaf, name=name: (jnp.sum if name in summed else jnp.mean)(leaf, axis=0), value
        )
        for name, value in seen.items()
    }
    return gradients, metrics, others
