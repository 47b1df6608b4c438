"""Whether a training step is made of numbers: what is not finite is found, named and kept out."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer.training.state import TrainState

METRIC = "not_finite"
"""Name of the metric of a step that `not_finite` measures and `require_finite` reads."""

Path = tuple[str, ...]


class NotFiniteError(FloatingPointError):
    """A gradient, a parameter or the loss of a training step holds NaN or infinity."""


@contextlib.contextmanager
def calls() -> Iterator[list[Path]]:
    """Inside, the paths of modules are listed in the order of their first calls."""
    order: list[Path] = []
    seen: set[Path] = set()

    def watch(call: Any, arguments: Any, options: Any, context: Any) -> Any:
        path = () if context.module.scope is None else tuple(context.module.scope.path)
        if path not in seen:
            seen.add(path)
            order.append(path)
        return call(*arguments, **options)

    with nn.intercept_methods(watch):
        yield order


def not_finite(params: Any, gradients: Any, loss: jax.Array, order: list[Path]) -> jax.Array:
    """Finds the first array of a training step that holds NaN or infinity.

    Args:
      params: Parameters after the step.
      gradients: Those that made it.
      loss: The loss.
      order: Modules in the order of the network, see `calls`.

    Returns:
      int32: 0 if all is finite, else the number from 1 of the first parameter, in the order of the
      network, that is not or whose gradient is not; one more than there are is the loss. The
      numbers are those of ``jax.tree.leaves(params)``.
    """
    paths = _paths(params)
    place = {path: number for number, path in enumerate(order)}
    chosen = sorted(range(len(paths)), key=lambda number: _rank(paths[number], place))
    pairs = list(zip(jax.tree.leaves(params), jax.tree.leaves(gradients), strict=True))
    # reductions of isfinite: the largest magnitude would lose a NaN on some CPUs
    layers = [jnp.all(jnp.isfinite(pairs[k][0]) & jnp.isfinite(pairs[k][1])) for k in chosen]
    fine = jnp.stack([*layers, jnp.all(jnp.isfinite(loss))])
    numbers = jnp.asarray(np.array([*chosen, len(paths)], np.int32) + 1)
    return jnp.where(jnp.all(fine), 0, numbers[jnp.argmin(fine)])


def kept_if(wrong: jax.Array, after: Any, before: Any) -> Any:
    """``before`` where ``wrong`` is not zero, else ``after``: nests of the same arrays."""
    return jax.tree.map(lambda new, old: jnp.where(wrong == 0, new, old), after, before)


def require_finite(state: TrainState, metrics: Mapping[str, Any]) -> None:
    """Raises if a training step met NaN or infinity; waits for the step.

    Args:
      state: The training state, of that step or any other of the run.
      metrics: What the step returned.

    Raises:
      NotFiniteError: the loss, a gradient or a parameter is not finite; names the first one, in
        the order of the network.

    Example:
      ``state, metrics = step(state, x, label); require_finite(state, metrics)``
    """
    found = int(metrics.get(METRIC, 0))
    if not found:
        return
    paths = _paths(state.params)
    what = "the loss"
    if found <= len(paths):
        what = f"`{'/'.join(paths[found - 1])}` or its gradient"
    raise NotFiniteError(
        f"{what} holds NaN or infinity after a training step, expected finite numbers; look for "
        "them in this batch, lower the learning rate, or clip gradients "
        "(optax.clip_by_global_norm)."
    )


def _paths(params):
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return [tuple(jax.tree_util.keystr((key,), simple=True) for key in path) for path, _ in leaves]


def _rank(path, place):
    """Where a parameter's module stands in the network; by its name where it was never called."""
    known = [place[path[:size]] for size in range(len(path), 0, -1) if path[:size] in place]
    return (known or [len(place)])[0], _natural(path)


def _natural(path):
    """A key by which ``blocks_2`` sorts before ``blocks_10``."""
    parts = [re.split(r"(\d+)", name) for name in path]
    return [[(int(part), "") if part.isdigit() else (-1, part) for part in name] for name in parts]
