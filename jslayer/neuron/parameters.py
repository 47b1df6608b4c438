"""Parameters of neurons: shared, per channel or per neuron; learned or held.

A learned parameter lives in collection ``params``, a held one in ``constants``, so that no
optimiser (nor its weight decay) touches it.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer.ops import check, layout

Granularity = bool | Literal["neuron"]
"""``True``: one value for all, ``False``: one per channel, ``"neuron"``: one each."""


class Values:
    """First values given one by one: an array that is hashable, so that modules stay so.

    Attributes:
      array: float32, ``[C]`` or one per neuron.
    """

    def __init__(self, array: Any):
        """Takes any array of numbers."""
        self.array = np.asarray(array, np.float64)
        self._key = (self.array.shape, self.array.tobytes())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Values) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    def __repr__(self) -> str:
        return f"Values({self.array.tolist()})"


Number = float | jax.Array
"""One number: known to Python and compiled in, or swept: an array that is traced."""

Spread = Number | tuple[Number, Number] | Values | np.ndarray
"""One number, the (min, max) range of values that are drawn, or an array of given values."""


def hashable(value: Any) -> Any:
    """``value``, with an array of numbers as `Values` and a list as a tuple.

    What is traced stays: it is swept, and a module that holds it lives for one trace only.
    """
    if isinstance(value, list):
        return tuple(value)
    if not isinstance(value, np.ndarray | jax.Array) or not check.is_concrete(value):
        return value
    return Values(value) if np.ndim(value) else value.item()


def is_array(value: Any) -> bool:
    """True for values given one by one, known or traced."""
    return isinstance(value, Values) or (
        isinstance(value, np.ndarray | jax.Array) and value.ndim > 0
    )


def numbers(value: Any) -> Any:
    """Values given one by one as an array, anything else as it is."""
    return value.array if isinstance(value, Values) else value


def row(value: Any) -> Any:
    """A number as a record holds it: itself, or an array in the inner order."""
    value = numbers(value)
    return channel_last(jnp.asarray(value, jnp.float32)) if np.ndim(value) else value


def is_swept(value: Any, *, drawn: bool) -> bool:
    """True for what is traced and stands for itself: it goes before what `init` kept of it.

    Args:
      value: A first value.
      drawn: One number stands for a draw around it, which must be kept.
    """
    return not check.is_concrete(value) and (
        is_array(value) or not (drawn or isinstance(value, tuple))
    )


JITTER = 0.01
"""A single number stands for a draw within this fraction of it, where parameters are not shared."""


def check_array(name: str, value: Spread, shared: Granularity) -> None:
    """Raises ``ValueError`` if ``value`` is an array where one number is due."""
    check.choice("shared_param", shared, (True, False, "neuron"))
    if shared is True and is_array(value):
        raise ValueError(
            f"`{name}` is an array of {numbers(value).shape}, expected one number, or "
            "shared_param=False or 'neuron'; give what fits `shared_param`."
        )


def check_spread(name: str, value: Spread, shared: Granularity, low: float, high: float) -> None:
    """Raises ``ValueError`` unless ``value`` is a number in range, or a pair where one may be."""
    check_array(name, value, shared)
    value = numbers(value)
    if isinstance(value, tuple | list):
        known = check.is_concrete(value)
        if shared is True or len(value) != 2 or (known and value[0] > value[1]):
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


def limits(value: Spread) -> tuple[float, float]:
    """Least and largest value that a ``value`` stands for where parameters are not shared."""
    if is_array(value):
        return numbers(value).min(), numbers(value).max()
    if isinstance(value, tuple | list):
        return value[0], value[1]
    return (1 - JITTER) * value, (1 + JITTER) * value


def draw(
    value: Spread, *, jitter: bool = True
) -> Callable[[jax.Array, tuple[int, ...]], jax.Array]:
    """Initialiser: the number itself if shared (shape ()), else uniform over its range.

    Args:
      value: A number ``p``, whose range is ``(0.99 p, 1.01 p)``, or (min, max), or `Values`.
      jitter: ``False`` holds a single number exactly.

    Returns:
      ``(key, shape) -> float32``.
    """

    def init(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
        if is_array(value):
            return spread_out(value, shape)
        if not isinstance(value, tuple | list) and (shape == () or not jitter):
            return jnp.full(shape, value, jnp.float32)
        low, high = limits(value)
        return jax.random.uniform(key, shape, jnp.float32, low, high)

    return init


def spread_out(value: Values | np.ndarray | jax.Array, shape: tuple[int, ...]) -> jax.Array:
    """Given values as a parameter of ``shape``: as they are, or one per channel for all of it.

    Raises:
      ValueError: there are more or fewer than channels or neurons.
    """
    array = numbers(value)
    if array.ndim == 1 and len(shape) > 1:
        array = array.reshape(-1, *(1 for _ in shape[1:]))
    check.broadcasts("values", array, to=shape, meaning="channels or neurons")
    return jnp.broadcast_to(jnp.asarray(array, jnp.float32), shape)


def parameter(
    module: nn.Module,
    name: str,
    init: Callable[[jax.Array, tuple[int, ...]], jax.Array],
    shape: tuple[int, ...],
    *,
    learned: bool,
    swept: bool = False,
) -> jax.Array:
    """Declares parameter ``name`` of ``module`` and returns its value.

    Args:
      module: The neuron, inside its compact method.
      name: Name of the parameter.
      init: ``(key, shape) -> value``.
      shape: Its shape.
      learned: Keep it in ``params`` rather than in ``constants``.
      swept: Its first value is traced: where it is not learned, that holds in every call.

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
    elif swept:
        value = init(jax.random.key(0), shape)  # draws nothing
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


def channel_last(value: jax.Array) -> jax.Array:
    """Brings a parameter from outer order (C, ...) to inner order (..., C)."""
    return layout.channel_last(value) if value.ndim > 1 else value


def find(variables: Mapping[str, Any], name: str, default: Any = None) -> Any:
    """Looks ``name`` up in the ``params``, then in the ``constants`` of a neuron's variables."""
    for collection in ("params", "constants"):
        if name in variables.get(collection, {}):
            return variables[collection][name]
    return default


def known(values: Iterable[Any]) -> None:
    """Raises ``ValueError`` if a number that hardware is to hold is traced."""
    if not all(map(check.is_concrete, values)):
        raise ValueError(
            "`variables` or a number of a neuron is traced, expected numbers that are known; write "
            "what hardware holds outside of `jit` and `vmap`, from one value of a sweep."
        )


def whole(value: jax.Array) -> int | np.ndarray:
    """Whole numbers as hardware holds them: a Python integer, or an int array if not shared."""
    known([value])
    array = np.asarray(value).astype(int)
    return int(array) if array.ndim == 0 else array
