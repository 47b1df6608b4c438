"""Checks on entry: each raises an error that names the argument, what came and what was due."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


def is_concrete(value: Any) -> bool:
    """True if ``value``, or a pair of them, holds numbers now, False while it is traced."""
    parts = value if isinstance(value, tuple) else (value,)
    return not any(isinstance(part, jax.core.Tracer) for part in parts)


def floating(name: str, value: Any) -> None:
    """Raises ``TypeError`` unless ``value`` is a floating-point array."""
    dtype = jnp.result_type(value)
    if not jnp.issubdtype(dtype, jnp.floating):
        raise TypeError(
            f"`{name}` has dtype {dtype}, expected a floating-point array; "
            f"convert it with `{name}.astype(jnp.float32)`."
        )


def rank(name: str, value: Any, *, at_least: int, at_most: int | None = None, layout: str) -> None:
    """Raises ``ValueError`` unless the rank of ``value`` lies in the range for ``layout``."""
    ndim = jnp.ndim(value)
    if ndim < at_least or (at_most is not None and ndim > at_most):
        raise ValueError(
            f"`{name}` has shape {jnp.shape(value)} ({ndim} axes), expected [{layout}]; "
            "add or remove axes to match."
        )


def axis_size(name: str, value: Any, *, axis: int, size: int, meaning: str) -> None:
    """Raises ``ValueError`` unless ``value`` has ``size`` entries along ``axis``."""
    shape = jnp.shape(value)
    if shape[axis] != size:
        raise ValueError(
            f"`{name}` has shape {shape} with {shape[axis]} along axis {axis}, expected {size} "
            f"({meaning}); pass data of that size or build the layer for {shape[axis]}."
        )


def time_steps(name: str, value: Any, *, axis: int) -> None:
    """Raises ``ValueError`` if the time axis of ``value`` is empty."""
    if jnp.shape(value)[axis] == 0:
        raise ValueError(
            f"`{name}` has shape {jnp.shape(value)} with no time step (axis {axis}), "
            "expected at least 1; pass a longer recording."
        )


def samples(name: str, value: Any) -> None:
    """Raises ``ValueError`` if the batch axis of ``value``, the first, is empty."""
    if jnp.shape(value)[0] == 0:
        raise ValueError(
            f"`{name}` has shape {jnp.shape(value)} with no sample (axis 0), expected at least 1; "
            "leave empty batches out."
        )


def one_step(name: str, value: Any, *, of: str, like: Any) -> None:
    """Raises ``ValueError`` unless ``value`` is shaped like one step of the time-first ``like``."""
    expected = jnp.shape(like)[1:]
    if jnp.shape(value) != expected:
        raise ValueError(
            f"`{name}` has shape {jnp.shape(value)}, expected that of one step of `{of}` "
            f"{expected}; pass the state of the same batch and neurons, or a fresh one."
        )


def same_types(name: str, value: Any, like: Any) -> None:
    """Raises ``TypeError`` unless the nest ``value`` has the entries and dtypes of ``like``."""
    if jax.tree.structure(value) != jax.tree.structure(like):
        raise TypeError(
            f"`{name}` is {jax.tree.structure(value)}, expected {jax.tree.structure(like)}; "
            "pass what the call before returned, or None."
        )
    for ours, wanted in zip(jax.tree.leaves(value), jax.tree.leaves(like), strict=True):
        if jnp.result_type(ours) != wanted.dtype:
            raise TypeError(
                f"`{name}` has dtype {jnp.result_type(ours)}, expected {wanted.dtype}; "
                "pass what the call before returned, or None."
            )


def names(name: str, value: Any, expected: Sequence[str]) -> None:
    """Raises ``ValueError`` unless the mapping ``value`` has just the ``expected`` keys."""
    if set(value) != set(expected):
        raise ValueError(
            f"`{name}` has {sorted(value)}, expected {sorted(expected)}; add or remove entries."
        )


def whole(name: str, value: Any) -> None:
    """Raises ``ValueError`` unless ``value`` is a whole number of at least 1."""
    if not (np.isfinite(value) and value == int(value) and value >= 1):
        raise ValueError(
            f"`{name}` is {value}, expected a whole number of at least 1; choose another."
        )


def broadcasts(name: str, value: Any, *, to: Sequence[int], meaning: str = "neurons") -> None:
    """Raises ``ValueError`` unless ``value`` broadcasts to the shape ``to``."""
    # not by NumPy, which takes no symbolic size
    shape = jnp.shape(value)
    behind = tuple(to)[len(to) - len(shape) :]
    if len(shape) > len(to) or any(a not in (1, b) for a, b in zip(shape, behind, strict=True)):
        raise ValueError(
            f"`{name}` has shape {shape}, expected one that broadcasts to {tuple(to)} "
            f"({meaning}); give one value, one per channel or one per neuron."
        )


def no_nan(name: str, value: Any) -> None:
    """Raises ``ValueError`` if a concrete ``value`` holds NaN; a traced one passes."""
    if is_concrete(value) and bool(np.isnan(np.asarray(value)).any()):
        raise ValueError(f"`{name}` holds NaN, expected numbers; find where they arise upstream.")


def finite(name: str, value: Any) -> None:
    """Raises ``ValueError`` if a concrete ``value`` holds NaN or infinity; a traced one passes."""
    if is_concrete(value) and not bool(np.isfinite(np.asarray(value)).all()):
        raise ValueError(
            f"`{name}` holds NaN or infinity, expected finite numbers; find where they arise "
            "upstream."
        )


def exact_in_float(name: str, value: Any) -> None:
    """Raises ``ValueError`` if concrete integers reach beyond 2^24, where float32 skips some."""
    if not is_concrete(value):
        return
    array = np.asarray(value)
    if array.size and array.dtype.itemsize > 2 and (array.min() < -(2**24) or array.max() > 2**24):
        raise ValueError(
            f"`{name}` holds integers from {array.min()} to {array.max()}, expected counts of "
            "events of at most 2^24 in size, which float32 holds exactly; divide them."
        )


def in_range(name: str, value: Any, low: float, high: float, *, advice: str | None = None) -> None:
    """Raises ``ValueError`` unless all of a concrete ``value`` lies in ``[low, high]``.

    Args:
      name: The argument.
      value: What came.
      low: Least.
      high: Largest.
      advice: What to do, the end of the message; found from the numbers if ``None``.
    """
    if not is_concrete(value):
        return
    array = np.asarray(value)
    if not bool(((array >= low) & (array <= high)).all()):
        raise ValueError(
            f"`{name}` is {_brief(array)}, expected numbers in [{low}, {high}]; "
            f"{advice or _advice(name, array, low, high)}."
        )


def positive(name: str, value: Any) -> None:
    """Raises ``ValueError`` unless a concrete ``value`` is finite and above zero, all of it."""
    if not is_concrete(value):
        return
    if not bool((np.isfinite(value) & (np.asarray(value) > 0)).all()):
        raise ValueError(f"`{name}` is {value}, expected a number above 0; choose another.")


def choice(name: str, value: Any, options: Sequence[Any]) -> None:
    """Raises ``ValueError`` unless ``value`` is one of ``options``."""
    if not any(value is option or value == option for option in options):
        listed = ", ".join(repr(option) for option in options)
        raise ValueError(f"`{name}` is {value!r}, expected one of {listed}; choose from these.")


def _advice(name, array, low, high):
    """What to do about numbers out of range."""
    if np.isnan(array).any():
        return "find where NaN arises"
    if name.endswith("decay") and array.max() > 1:
        return "a decay is the fraction lost per step; divide numbers of the hardware by 4096"
    if np.isinf(high):
        return f"choose {'a number' if array.ndim == 0 else 'numbers'} of at least {low}"
    if (low, high) == (0, 1) and array.max() > 1:
        return "give a fraction of one, so divide per cents by 100"
    return f"choose {'a number' if array.ndim == 0 else 'numbers'} within"


def _brief(array: np.ndarray) -> str:
    if array.size <= 4:
        return str(array.tolist())
    return f"an array of {array.shape} from {array.min()} to {array.max()}"
