"""Time constants of NIR's differential equations and decays per step.

A membrane ``tau dv/dt = (v_leak - v) + r I`` becomes ``v[t] = (1 - d) v[t-1] + d (v_leak + r I)``
with the decay ``d`` of a step of ``dt`` seconds:

* ``"euler"``: ``d = dt / tau``, the forward difference, which spyx, snnTorch and Norse take;
* ``"exponential"``: ``d = 1 - exp(-dt / tau)``, exact for an input that is constant within a step.
"""

from typing import Any, Literal

import numpy as np

Method = Literal["euler", "exponential"]
METHODS = ("euler", "exponential")


def decay_of(tau: np.ndarray, dt: float, method: Method) -> np.ndarray:
    """The decay of one step, not yet rounded; see the module."""
    with np.errstate(divide="ignore", over="ignore"):
        steps = dt / np.asarray(tau, np.float64)
    return steps if method == "euler" else -np.expm1(-steps)


def tau_of(decay: np.ndarray, dt: float, method: Method) -> np.ndarray:
    """The time constant in seconds of a decay in (0, 1], the inverse of `decay_of`."""
    decay = np.asarray(decay, np.float64)
    return dt / decay if method == "euler" else -dt / np.log1p(-decay)


def check_dt(dt: Any, else_where: str) -> float:
    """The step in seconds.

    Args:
      dt: What the caller gave, or a file.
      else_where: What to do where it is missing.

    Raises:
      ValueError: it is missing, or not a finite number above 0.
    """
    if dt is None:
        raise ValueError(
            f"`dt` is missing, expected the length of a time step in seconds; {else_where}."
        )
    if isinstance(dt, bool) or not isinstance(dt, int | float | np.number):
        raise ValueError(f"`dt` is {dt!r:.40}, expected seconds as one number; give 1e-3, say.")
    if not (np.isfinite(dt) and dt > 0):
        raise ValueError(
            f"`dt` is {dt}, expected a finite number of seconds above 0; give 1e-3, say."
        )
    return float(dt)
