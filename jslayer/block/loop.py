"""Feedback around any network: its output comes back one step later."""

from collections.abc import Mapping
from typing import Any

import flax
import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jslayer import linen
from jslayer.block.persistent import at_rest, only_persistent, persistent, zeros_of
from jslayer.ops import event_batch, layout
from jslayer.persistence import COLLECTION, LINK, check_kept

ROUNDS = 4
"""Attempts to find the shape of what is fed back."""


class Loop(linen.Module):
    """Runs a module step by step and feeds what it says back into it one step later.

    ``y[t], b[t] = module(x[t], b[t-1])`` with ``b`` zero at first, as one scan over time. The
    module may be any graph of blocks, with skip paths and several feedback paths inside; its
    blocks are made persistent. Gradients flow through the feedback and through the
    state of all neurons and delays, over the whole time.

    Attributes:
      module: Called as ``module(x_t, back, train=...)`` with ``x_t`` ``[N, C, ..., 1]``. It returns
        ``y`` ``[N, ..., 1]``, which is also fed back, or a pair of ``y`` and a nest of arrays
        ``[N, ..., 1]`` to feed back instead.
      feedback: Shape of what is fed back, without batch and time: a tuple, or a mapping of tuples.
        ``None`` finds it, if the module's layers find their sizes from their input.

    Example:
      Two layers, of which the second drives the first:

      >>> import flax.linen as nn
      >>> import jax, jax.numpy as jnp
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
      >>> neuron["persistent_state"] = True
      >>> class TwoLayers(nn.Module):
      ...     @nn.compact
      ...     def __call__(self, x, back, *, train=False):
      ...         y = cuba.Dense(neuron, None, 8)(jnp.concatenate([x, back], axis=1), train=train)
      ...         return cuba.Dense(neuron, None, 4)(y, train=train)
      >>> network, x = Loop(TwoLayers()), jnp.ones((2, 3, 10))
      >>> variables = network.init(jax.random.key(0), x)
      >>> network.apply(variables, x).shape
      (2, 4, 10)
    """

    module: nn.Module
    feedback: Any = None

    def __post_init__(self):
        if isinstance(self.module, nn.Module):
            object.__setattr__(self, "module", persistent(self.module))
        if self.feedback is not None:  # hashable, as all fields are
            object.__setattr__(self, "feedback", _frozen(self.feedback))
        super().__post_init__()

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """Maps ``[N, C, ..., T]`` to the module's outputs over time, ``[N, ..., T]``."""
        x = layout.one_part(event_batch.dense(x))
        layout.check_input(x, events=True)
        steps = jnp.moveaxis(x, -1, 0)[..., None]
        module = self.module.clone(parent=None)
        with only_persistent("a Loop", train=train):
            if self.is_initializing():
                y, back = _parts(self.module(steps[0], self._first(steps[0]), train=train))
                self.variable(COLLECTION, "fed_back", lambda: jax.tree.map(jnp.zeros_like, back))
                return jnp.zeros((*y.shape[:-1], x.shape[-1]), y.dtype)
            return self._scan(module, steps, train)

    def _scan(self, module, steps, train):
        own = {name: tree["module"] for name, tree in self.variables.items() if "module" in tree}
        held = {name: tree for name, tree in own.items() if name != COLLECTION}
        mutable = self.is_mutable_collection(COLLECTION)
        first = self._first(steps[0])
        state = own.get(COLLECTION)
        if state is None:
            state = at_rest(module, steps[0], first)
        if self.has_variable(COLLECTION, "fed_back"):
            first = _of_this_batch(self.get_variable(COLLECTION, "fed_back"), first)
        state, first, steps = layout.vary_alike(state, first, steps)
        rngs = {"dropout": self.make_rng("dropout")} if self.has_rng("dropout") else {}
        watched = ["intermediates"] if self.is_mutable_collection("intermediates") else []

        def step(carry, x_t):
            state, carrier, back = carry
            found, updated = module.apply(
                {**held, COLLECTION: state, LINK: carrier},
                x_t,
                back,
                train=train,
                rngs=rngs,
                mutable=[COLLECTION, LINK, *watched],
            )
            y, back = _parts(found)
            carry = (updated.get(COLLECTION, state), updated.get(LINK, carrier), back)
            return carry, (y, updated.get("intermediates", {}))

        carrier = zeros_of(jax.eval_shape(step, (state, {}, first), steps[0])[0][1])
        carrier, _ = layout.vary_alike(carrier, steps)
        (state, _, back), (y, seen) = lax.scan(step, (state, carrier, first), steps)
        if mutable:
            self.put_variable(COLLECTION, "module", state)
            self.put_variable(COLLECTION, "fed_back", back)
        if watched:
            self.put_variable("intermediates", "module", jax.tree.map(_over_time, seen))
        return jnp.moveaxis(y[..., 0], 0, -1)

    def _first(self, x):
        """What is fed back before the first step: zeros."""
        batch = x.shape[0]
        zeros = lambda shape: jnp.zeros((batch, *shape, 1), jnp.float32)
        if self.feedback is not None:
            if isinstance(self.feedback, Mapping):
                return {name: zeros(shape) for name, shape in self.feedback.items()}
            return zeros(self.feedback)
        module = self.module.clone(parent=None)

        def answer(back: Any) -> Any:
            return _parts(module.init_with_output(jax.random.key(0), x, back)[0])[1]

        back = jax.ShapeDtypeStruct(x.shape, jnp.float32)
        for _ in range(ROUNDS):
            try:
                found = jax.eval_shape(answer, back)
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"`feedback` is None, and the module does not take a feedback of {back}: "
                    f"{error} Give the shape of what is fed back, e.g. feedback=(50,)."
                ) from error
            if jax.tree.structure(found) == jax.tree.structure(back) and all(
                a.shape == b.shape
                for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(back), strict=True)
            ):
                return jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), found)
            back = found
        raise ValueError(
            "`feedback` is None, and the shape of what is fed back does not settle; give it, e.g. "
            "feedback=(50,)."
        )


def _frozen(shapes):
    if isinstance(shapes, Mapping):
        return flax.core.freeze({name: tuple(shape) for name, shape in shapes.items()})
    return tuple(shapes)


def _of_this_batch(kept, rest):
    """What was kept, unless it has other shapes than at rest."""
    shapes = lambda tree: [leaf.shape[:-1] for leaf in jax.tree.leaves(tree)]
    for found, expected in zip(shapes(kept), shapes(rest), strict=True):
        check_kept("fed_back", found, expected)
    return kept


def _parts(found):
    """Output and what is fed back."""
    return found if isinstance(found, tuple) else (found, found)


def _over_time(leaf):
    """A value of every step as one: the mean of numbers, the series of arrays ``[..., 1]``."""
    return jnp.mean(leaf) if leaf.ndim == 1 else jnp.moveaxis(leaf[..., 0], 0, -1)
