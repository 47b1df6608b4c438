"""Pictures of what happens in the layers: event rates and the flow of the gradient."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from jslayer.io import style
from jslayer.training.metrics import flatten

__all__ = ["plot_event_rates", "plot_gradient_flow", "series"]


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def plot_event_rates(rates: Mapping[str, Any], *, axes: "Axes | None" = None) -> "Figure":
    """Draws the event rate of every layer: bars, or curves for several of them.

    Args:
      rates: By layer, as `jslayer.event_rates` or a step's ``event_rates``: a number, or a series
        of one number per step.
      axes: matplotlib axes to draw on. Without them a new figure is made.

    Returns:
      The figure; save it with ``figure.savefig(path)``.

    Raises:
      ImportError: matplotlib is not installed.
      ValueError: There is no layer, or the series differ in length.
    """
    return _draw(rates, "events per neuron and step", axes, log=False)


def plot_gradient_flow(norms: Mapping[str, Any], *, axes: "Axes | None" = None) -> "Figure":
    """Draws the norm of every parameter's gradient, on a logarithmic axis, input to output.

    Args:
      norms: By parameter, as a step's ``gradient_norms``: a number, or a series of them.
      axes: matplotlib axes to draw on. Without them a new figure is made.

    Returns:
      The figure; save it with ``figure.savefig(path)``.

    Raises:
      ImportError: matplotlib is not installed.
      ValueError: There is no parameter, or the series differ in length.
    """
    return _draw(norms, "norm of the gradient", axes, log=True)


def series(history: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    """A list of metrics, one per step, as one series for each name.

    Example:
      >>> series([{"blocks_0": 0.1}, {"blocks_0": 0.3}])
      {'blocks_0': array([0.1, 0.3])}
    """
    flat = [flatten(metrics) for metrics in history]
    names = dict.fromkeys(name for metrics in flat for name in metrics)
    return {n: np.array([float(m.get(n, np.nan)) for m in flat]) for n in names}


def _draw(values, label, axes, *, log):
    found = {name: np.asarray(value, float) for name, value in flatten(values).items()}
    shapes = {value.shape for value in found.values()}
    if len(shapes) != 1 or max(map(len, shapes)) > 1:
        raise ValueError(
            f"`values` has shapes {sorted(shapes)}, expected one number for each layer, or one "
            "series of the same length; pass the metrics of a step, or what `series` makes of them."
        )
    curves = bool(next(iter(shapes)))
    if axes is None:
        height = 3.2 if curves else max(1.6, 0.8 + 0.24 * len(found))
        axes = style.new_figure(6.5, height, dpi=150).add_subplot()
    (_curves if curves else _bars)(axes, found, label, log)
    style.tidy(axes)
    return axes.figure


def _curves(axes, found, label, log):
    for number, (name, value) in enumerate(found.items()):
        axes.plot(value, color=style.MORE[number % len(style.MORE)], label=name, linewidth=1)
    axes.set_xlabel("step")
    axes.set_ylabel(label)
    if log:
        axes.set_yscale("log", nonpositive="mask")
    else:
        axes.set_ylim(bottom=0)
    axes.grid(color=style.GRID, linewidth=0.6)
    axes.legend(frameon=False, fontsize=7, labelcolor=style.TEXT)


def _bars(axes, found, label, log):
    rows, numbers = range(len(found)), list(found.values())
    axes.barh(rows, numbers, color=style.OFF, height=0.6)
    axes.set_yticks(rows, list(found))
    axes.invert_yaxis()  # the input on top
    axes.set_xlabel(label)
    if log and any(number > 0 for number in numbers):
        axes.set_xscale("log", nonpositive="mask")
    axes.grid(axis="x", color=style.GRID, linewidth=0.6)
    axes.set_axisbelow(True)
