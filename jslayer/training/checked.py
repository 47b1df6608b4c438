"""Jitted steps whose labels are looked at before they are entered."""

import contextvars
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jax
import numpy as np

from jslayer.loss import labels
from jslayer.ops import check

_given: contextvars.ContextVar[Any] = contextvars.ContextVar("given", default=None)
"""The step that is called, and what it is given behind its state, while it is traced."""


class Checked:
    """A jitted function of ``(state, .., target)`` that refuses labels unknown to its loss.

    Inside of `jax.jit` nobody sees numbers. So what the losses ask of their labels is noted while
    the function is traced, and asked of the target of every call, before it runs.

    All else is that of `jax.jit`, e.g. ``lower``.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        require: Callable[..., None] | None = None,
        **options: Any,
    ):
        """Jits.

        Args:
          function: What to call.
          require: Called with the arguments before; raises where they are wrong.
          **options: Those of `jax.jit`.
        """
        self._require = require
        self._known: dict[Any, list[tuple[int, labels.Range]]] = {}
        self._jitted = jax.jit(function, **options)

    def __call__(self, *arguments: Any) -> Any:
        """As the function.

        Raises:
          ValueError: a label of the target is out of range, or the state is on several processes
            and an array of the batch is not.
        """
        _require_spread(arguments)
        if self._require is not None:
            self._require(*arguments)
        target = arguments[-1]
        for number, rule in self._known.get(_shapes(arguments[1:]), ()):
            rule.require(_now(jax.tree.leaves(target)[number]))
        token = _given.set((self, arguments[1:]))
        try:
            return self._jitted(*arguments)
        finally:
            _given.reset(token)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self._jitted, name)


@contextmanager
def checking(target: Any) -> Iterator[None]:
    """Around the loss of ``target`` inside of a `Checked` function: what is asked is noted."""
    with labels.noting() as notes:
        yield
    given = _given.get()
    if given is None:
        return
    step, real = given
    leaves = jax.tree.leaves(real[-1])
    places = {id(leaf): number for number, leaf in enumerate(jax.tree.leaves(target))}
    asked = [(places[id(leaf)], rule) for leaf, rule in notes if id(leaf) in places]
    step._known[_shapes(real)] = asked
    for number, rule in asked:
        rule.require(_now(leaves[number]))


def _shapes(tree):
    leaves, structure = jax.tree.flatten(tree)
    return structure, tuple((np.shape(leaf), getattr(leaf, "dtype", None)) for leaf in leaves)


def _now(leaf):
    """``leaf``, or of one that is spread over processes what this one holds."""
    if _is_held(leaf):
        return leaf
    return np.concatenate([np.ravel(part.data) for part in leaf.addressable_shards])


def _require_spread(arguments):
    """Refuses a batch that JAX would take for the same on all processes, where it is not."""
    if _is_held(next(iter(jax.tree.leaves(arguments[0])), None)):
        return
    for leaf in jax.tree.leaves(arguments[1:]):
        if np.ndim(leaf) and _is_held(leaf):
            raise ValueError(
                f"the batch has an array of shape {np.shape(leaf)} of this process alone, expected "
                "one over all processes, as the state is; lay it out with `shard_batch`, or load "
                "it with `sharding`."
            )


def _is_held(leaf):
    """Whether this process has all of an array."""
    return not check.is_concrete(leaf) or getattr(leaf, "is_fully_addressable", True)
