"""Parameters of neurons: shared, per channel or per neuron; learned or held.

A learned parameter lives in collection ``params``, a held one in ``constants``, so that no
optimiser (nor its weight decay) touches it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer.ops import check, layout

Granularity = bool | Literal["neuron"]
"""``True``: one value for all, ``False``: one per channel, ``"neuron"``: one each."""

Spread = float | tuple[float, float]
"""One number, or the (min, max) range of values that are drawn."""

JITTER = 0.01
"""A single number stands for a draw within this fraction of it, where parameters are not shared."""


def check_spread(name: str, value: Spread, shared: Granularity, low: float, high: float) -> None:
    """Raises ``ValueError`` unless ``value`` is a number in range, or a pair where one may be."""
    check.choice("shared_param", shared, (True, False, "neuron"))
    if isinstance(value, tuple | list):
        if shared is True or len(value) != 2 or value[0] > value[1]:
            raise ValueError(
                f"`{name}` is {tuple(value)}, expected one number, or (min, max) with "
                "shared_param=False or 'neuron'; give what fits `shared_param`."
            )
    check.in_range(name, value, low, high)


def shape_of(shared: Granularity, x: jax.Array) -> tuple[int, ...]:
    """Shape of a parameter for time-first ``x`` ``[T, N, ..., C]``: (), (C,) or (C, ...)."""
    if shared is True:
        return ()
    if shared is False:
        return (x.shape[-1],)
    return (x.shape[-1], *x.shape[2:-1])


def draw(
    value: Spread, *, jitter: bool = True
) -> Callable[[jax.Array, tuple[int, ...]], jax.Array]:
    """Initialiser: the number itself if shared (shape ()), else uniform over its range.

    Args:
      value: A number ``p``, whose range is ``(0.99 p, 1.01 p)``, or (min, max).
      jitter: ``False`` holds a single number exactly.

    Returns:
      ``(key, shape) -> float32``.
    """

    def init(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        if isinstance(value, tuple | list):
            low, high = value
        elif shape == () or not jitter:
            return jnp.full(shape, value, jnp.float32)
        else:
            low, high = (1 - JITTER) * value, (1 + JITTER) * value
        return jax.random.uniform(key, shape, jnp.float32, low, high)

    return init


def parameter(
    module: nn.Module,
    name: str,
    init: Callable[[jax.Array, tuple[int, ...]], jax.Array],
    shape: tuple[int, ...],
    *,
    learned: bool,
) -> jax.Array:
    """Declares parameter ``name`` of ``module`` and returns its value.

    Args:
      module: The neuron, inside its compact method.
      name: Name of the parameter.
      init: ``(key, shape) -> value``.
      shape: Its shape.
      learned: Keep it in ``params`` rather than in ``constants``.

    Returns:
      The value, float32.

    Raises:
      ValueError: it was initialised for other neurons, or it was drawn at `init` and the
        ``constants`` collection was not passed.
    """
    if learned and module.has_variable("params", name):
        value = module.get_variable("params", name)
    elif learned:
        value = module.param(name, init, shape)
    elif module.is_initializing():
        value = module.variable(
            "constants", name, lambda: init(module.make_rng("params"), shape)
        ).value
    elif module.has_variable("constants", name):
        value = module.get_variable("constants", name)
    elif shape == ():
        value = init(jax.random.key(0), shape)  # one given number needs no memory
    else:
        raise ValueError(
            f"`variables` lacks constants/{'/'.join(module.scope.path)}/{name}, expected what "
            "`init` returned; pass its 'constants' collection along with 'params'."
        )
    if jnp.shape(value) != shape:
        raise ValueError(
            f"`{name}` has shape {jnp.shape(value)}, expected {shape} for this input; "
            "initialise the network with data of the same channels and size."
        )
    return value


def to_rows(value: jax.Array) -> jax.Array:
    """Brings a parameter from outer order (C, ...) to inner order (..., C)."""
    return layout.channel_last(value) if value.ndim > 1 else value


def find(variables: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Looks ``name`` up in the ``params``, then in the ``constants`` of a neuron's variables."""
    for collection in ("params", "constants"):
        if name in variables.get(collection, {}):
            return variables[collection][name]
    return default
