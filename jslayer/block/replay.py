"""Blocks that keep the events that come in and nothing else, and run once more for the gradient.

Behind ``policy="save_spikes"`` of a block's neuron. What `jax.checkpoint` does, and besides the
events are kept as bits where they are known to be zeros and ones, and nothing is computed again
before its cotangent is there, on a CPU too.
"""

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar, cast

import flax.linen as nn
import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import event_bits, layout, swept
from jslayer.ops.forward_mode import reverse_only

POLICY = "save_spikes"

Call = TypeVar("Call", bound=Callable[..., Any])


def replayable(call: Call) -> Call:
    """Decorates a block's ``__call__``, inside of `flax.linen.compact`, to heed the policy."""

    @functools.wraps(call)
    def run_or_call(block: nn.Module, x: jax.Array, *, train: bool = False) -> Any:
        if wanted(block):
            return run(block, x, train=train, binary=False)
        return call(block, x, train=train)

    return cast(Call, run_or_call)


_off: contextvars.ContextVar[bool] = contextvars.ContextVar("off", default=False)


@contextlib.contextmanager
def off() -> Iterator[None]:
    """Inside, blocks are called under their own names and keep more: for those who look on."""
    mark = _off.set(True)
    try:
        yield
    finally:
        _off.reset(mark)


def wanted(block: nn.Module) -> bool:
    """True if a module is a block to be run this way; at `init` none is."""
    params = getattr(block, "neuron_params", None)
    if params is None or block.is_initializing() or _off.get():
        return False
    return params.get("policy", block.neuron_kind.policy) == POLICY


def run(block: nn.Module, x: jax.Array, *, train: bool, binary: bool) -> Any:
    """Calls a block whose neuron has the policy; its state and what it sows are its own as ever.

    Args:
      block: The block, bound and initialised.
      x: ``[N, C, ..., T]`` events.
      train: Passed to the block.
      binary: ``x`` holds zeros and ones only, and may be kept as bits.

    Returns:
      What the block returns.
    """
    params = {**block.neuron_params, "policy": "save"}
    inner = block.clone(neuron_params=params, parent=None, name=None)
    inner, numbers = swept.taken_out(inner)
    mutable = block.scope.mutable
    rngs = {name: block.make_rng(name) for name in block.scope.rngs}

    def call(given: Any, rngs: Any, x: jax.Array) -> tuple[Any, Any]:
        variables, numbers = given
        whole = swept.put_back(inner, numbers)
        found = whole.apply(variables, x, train=train, rngs=rngs, mutable=mutable)
        return found if mutable is not False else (found, {})

    replayed = reverse_only(_replayed(call, x.shape[-1] if binary else None))
    y, updated = replayed((block.variables, numbers), rngs, x)
    for collection, tree in updated.items():
        for name, value in tree.items():
            block.put_variable(collection, name, value)
    return y


def _replayed(call: Callable[..., Any], steps: int | None) -> Callable[..., Any]:
    """``call`` that keeps its arguments only, its ``x`` of so many steps as bits."""

    @jax.custom_vjp
    def replayed(given, rngs, x):
        return call(given, rngs, x)

    def forward(given, rngs, x):
        kept = x
        if steps is not None:
            kept = _bits(layout.time_first(x))
            # the block reads the bits as well: then nobody holds the floats any longer
            x = _floats(kept, steps)
        return call(given, rngs, x), (given, rngs, kept)

    def backward(residuals, cotangents):
        given, rngs, kept = residuals
        x = jax.tree.map(lambda leaf: _not_before(cotangents, leaf), kept)
        if steps is not None:
            x = _floats(x, steps)
        _, pullback = jax.vjp(lambda given, x: call(given, rngs, x), given, x)
        given_bar, x_bar = pullback(cotangents)
        return given_bar, None, x_bar

    replayed.defvjp(forward, backward)
    return replayed


@jax.custom_jvp
def _bits(x):
    return event_bits.pack(x)


@_bits.defjvp
def _bits_jvp(primals, tangents):
    raise NotImplementedError(
        f"Second derivatives of a network that keeps its events as bits (`policy` is {POLICY!r}) "
        "are not known; give its neurons the policy 'save' or 'recompute'."
    )


def _floats(bits, steps):
    return layout.time_last(event_bits.unpack(bits, steps))


def _not_before(cotangents, x):
    """``x``, computed from a cotangent, so that it is not there (nor merged) any earlier.

    Where that cotangent is NaN, ``x`` is another, and the gradient is lost in any case.
    """
    bar = jax.tree.leaves(cotangents)[0]
    lost = jnp.isnan(lax.slice(bar, (0,) * bar.ndim, (1,) * bar.ndim).reshape(()))
    if jnp.issubdtype(x.dtype, jnp.floating):
        return jnp.where(lost, jnp.asarray(jnp.nan, x.dtype), x)
    return x ^ lost.astype(x.dtype)
