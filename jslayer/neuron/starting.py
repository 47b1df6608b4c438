"""Numbers to start from: neurons that spike in networks of several layers, and learn there."""

from typing import Any

from jslayer.ops import check
from jslayer.ops.surrogate import PhaseWindow

_LEAKS = {"current_decay": (0.1, 0.5), "voltage_decay": (0.02, 0.2)}
_TURNS = {"period": (5.0, 20.0), "decay": (0.02, 0.2)}
_ADAPTS = {"threshold_step": 0.1, "threshold_decay": 0.1, "refractory_decay": 0.5}
_LEARN = {"shared_param": False, "requires_grad": True}

_PARAMS: dict[str, dict[str, Any]] = {
    "cuba": {"threshold": 1.25, **_LEAKS, "tau_grad": 0.03, "scale_grad": 3.0},
    "lif": {
        "threshold": 1.25,
        "current_decay": 1.0,
        "voltage_decay": (0.02, 0.2),
        "tau_grad": 0.03,
        "scale_grad": 3.0,
    },
    "alif": {
        "threshold": 1.25,
        **_LEAKS,
        **_ADAPTS,
        "threshold_step": 1.0,
        "tau_grad": 0.3,
        "scale_grad": 10.0,
    },
    "rf": {"threshold": 0.5, **_TURNS, "surrogate": PhaseWindow(tau=0.5, scale=0.5)},
    "rf_iz": {"threshold": 1.0, **_TURNS, "tau_grad": 0.03, "scale_grad": 3.0},
    "adrf": {
        "threshold": 0.5,
        **_TURNS,
        **_ADAPTS,
        "surrogate": PhaseWindow(tau=0.5, scale=0.5),
    },
    "adrf_iz": {"threshold": 0.5, **_TURNS, **_ADAPTS, "tau_grad": 0.1, "scale_grad": 3.0},
}

_WEIGHT_SCALE = {
    "cuba": 1.0,
    "lif": 4.0,
    "alif": 1.0,
    "rf": 2.0,
    "rf_iz": 4.0,
    "adrf": 2.0,
    "adrf_iz": 2.0,
}

STARTING = tuple(_PARAMS)
"""Families with numbers to start from; ``"lif"`` is cuba whose current does not last."""


def starting_values(family: str) -> dict[str, Any]:
    """``neuron_params`` with which networks of several layers spike and learn from the start.

    The neurons' own defaults are those of lava-dl; with them, and with weights as they are drawn,
    many layers stay silent. ``docs/silent_network.md`` says what these numbers reach, and why.
    They are for weights that are drawn with `starting_weight_scale`.

    Args:
      family: ``"cuba"``, ``"lif"`` (cuba with a current that lasts one step), ``"alif"``,
        ``"rf"``, ``"rf_iz"``, ``"adrf"`` or ``"adrf_iz"``.

    Returns:
      A new mapping; decays and periods are ranges, one value drawn per channel, and learned.

    Raises:
      ValueError: the family is unknown.

    Example:
      >>> starting_values("lif")["threshold"]
      1.25
    """
    check.choice("family", family, STARTING)
    return {**_PARAMS[family], **_LEARN}


def starting_weight_scale(family: str) -> float:
    """``weight_scale`` of the blocks that goes with `starting_values`.

    Args:
      family: As there.

    Raises:
      ValueError: the family is unknown.

    Example:
      >>> starting_weight_scale("lif")
      4.0
    """
    check.choice("family", family, STARTING)
    return _WEIGHT_SCALE[family]
