"""A picture of a drive: some frames, and the steering angle over time."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from jslayer.io import style
from jslayer.ops import check


def drive_plot(
    x: ArrayLike,
    angle: ArrayLike,
    predicted: ArrayLike | None = None,
    *,
    count: int = 4,
    title: str | None = None,
) -> Any:
    """Draws frames of a sequence and its angles, as ``PilotNet`` and ``SyntheticRoad`` give them.

    Args:
      x: ``[3, height, width, T]`` in [0, 1].
      angle: ``[T]``, in radians.
      predicted: ``[T]``, in radians, what a network says; drawn beside ``angle``.
      count: Frames to draw, evenly over the sequence.
      title: Text above.

    Returns:
      The matplotlib ``Figure``; save it with ``figure.savefig(path)``.

    Raises:
      ImportError: matplotlib is not installed.
      ValueError: The shapes do not belong together, or ``count`` is below 1.
    """
    check.whole("count", count)
    x, curves = np.asarray(x), {"angle": np.asarray(angle)}
    if predicted is not None:
        curves["predicted"] = np.asarray(predicted)
    for name, curve in curves.items():
        if x.ndim != 4 or x.shape[0] != 3 or curve.shape != x.shape[-1:]:
            raise ValueError(
                f"`x` and `{name}` have shapes {x.shape} and {curve.shape}, expected "
                "[3, height, width, T] and [T]; give one sample of a batch."
            )
    steps = np.unique(np.linspace(0, x.shape[-1] - 1, count).round().astype(int))
    figure = style.new_figure(2.6 * len(steps), 3.2, dpi=120)
    grid = figure.add_gridspec(2, len(steps), height_ratios=(1, 1.2))
    for column, step in enumerate(steps):
        axes = figure.add_subplot(grid[0, column])
        axes.imshow(np.moveaxis(x[..., step], 0, -1).clip(0, 1), interpolation="nearest")
        axes.set_axis_off()
        axes.set_title(f"frame {step}", fontsize=8, color=style.TEXT)
    axes = figure.add_subplot(grid[1, :])
    for (name, curve), colour in zip(curves.items(), (style.SINGLE, style.ON), strict=False):
        axes.plot(curve, color=colour, linewidth=1.3, label=name)
    axes.set_xlabel("frame")
    axes.set_ylabel("steering angle (rad)")
    style.tidy(axes)
    if len(curves) > 1:
        style.legend(axes)
    if title is not None:
        figure.suptitle(title, fontsize=10, color=style.TEXT, x=0.01, ha="left")
    return figure
