"""Numbers that a training loop hands over: checked without waiting, read when somebody looks."""

from typing import Any, TypeAlias

import jax
import numpy as np

Scalar: TypeAlias = float | int | np.generic | np.ndarray | jax.Array


def check_scalar(name: str, value: Any) -> None:
    """Raises unless ``value`` is one real number; a device array is not waited for.

    Raises:
      TypeError: it is no number, or traced by ``jit``.
      ValueError: it has more than one element.
    """
    if isinstance(value, jax.core.Tracer):
        raise TypeError(
            f"`{name}` is traced, expected a number; return it from the jitted step and "
            "update the statistics outside."
        )
    # A device array tells shape and dtype without a copy to the host.
    array = value if isinstance(value, jax.Array) else np.asarray(value)
    if not any(jax.dtypes.issubdtype(array.dtype, kind) for kind in (np.number, np.bool_)) or (
        jax.dtypes.issubdtype(array.dtype, np.complexfloating)
    ):
        raise TypeError(
            f"`{name}` is a {type(value).__name__} of dtype {array.dtype}, expected a real "
            "number; pass a float, an integer or an array of one."
        )
    if array.shape != ():
        raise ValueError(
            f"`{name}` has shape {array.shape}, expected one number, shape (); "
            "sum it over the batch."
        )


def to_host(
    loss_sum: Scalar, correct: Scalar | None, num_samples: Scalar, *, counted: bool = True
) -> tuple[float, float | None, int]:
    """Sum of the loss, right answers and number of samples, read from the device.

    Args:
      loss_sum: The sum.
      correct: The answers; ``None`` where there are none.
      num_samples: The number.
      counted: ``correct`` is a count, not the sum of another measure.

    Raises:
      ValueError: ``num_samples`` is negative or no whole number, or ``correct`` does not fit it.
    """
    if not float(num_samples).is_integer() or num_samples < 0:
        raise ValueError(
            f"`num_samples` is {num_samples}, expected a whole number from 0; "
            "pass the size of the batch."
        )
    count = int(num_samples)
    if correct is None:
        return float(loss_sum), None, count
    correct = float(correct)
    if counted and not 0 <= correct <= count:
        raise ValueError(
            f"`correct` is {correct:g}, expected 0 to `num_samples` = {count}; "
            "pass the number of samples classified correctly."
        )
    return float(loss_sum), correct, count
