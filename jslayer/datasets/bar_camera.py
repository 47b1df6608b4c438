"""A simulated event camera that watches a bar pass by."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Bars:
    """One bar for each sample; all arrays are ``[N]`` float32.

    Attributes:
      angle: Direction of movement, in radians from the x axis towards the y axis.
      position: Where the bar's centre is at step 0, in pixels from the middle of the field along
        the direction of movement.
      speed: Pixels per step.
      width: Pixels.
      contrast: Logarithm of the bar's brightness over the background's; below 0 for a dark bar.
    """

    angle: np.ndarray
    position: np.ndarray
    speed: np.ndarray
    width: np.ndarray
    contrast: np.ndarray


def half_extent(angle: np.ndarray, size: int) -> np.ndarray:
    """Distance of the outermost pixel from the middle, along ``angle``, for a square field."""
    return (size - 1) / 2 * (np.abs(np.cos(angle)) + np.abs(np.sin(angle)))


def watch(bars: Bars, *, size: int, num_steps: int, threshold: float) -> np.ndarray:
    """Records what the camera sees.

    Each pixel remembers the log intensity at which it last fired. Once the intensity has moved
    from there by ``threshold``, the pixel fires, ON for brighter, OFF for darker, and the memory
    follows by as many whole thresholds as were crossed. There is one event at most in each step.

    Args:
      bars: What passes by.
      size: Height and width of the field, in pixels.
      num_steps: Time steps ``T``.
      threshold: Change of log intensity that makes an event.

    Returns:
      ``[T, N, 2, size * size]`` bool, OFF before ON, pixels row by row.

    References:
      Lichtsteiner et al., A 128 x 128 120 dB 15 us Latency Asynchronous Temporal Contrast Vision
      Sensor, 2008.
    """
    y, x = np.divmod(np.arange(size * size, dtype=np.float32), size) - np.float32((size - 1) / 2)
    angle = bars.angle[:, None]
    along = x * np.cos(angle) + y * np.sin(angle)  # [N, pixels]
    half_width = bars.width[:, None] / 2 + np.float32(0.5)
    gain = np.expm1(bars.contrast)[:, None]

    def thresholds(step: int) -> np.ndarray:
        distance = np.abs(along - (bars.position + step * bars.speed)[:, None])
        covered = np.clip(half_width - distance, 0, np.minimum(bars.width[:, None], 1))
        return np.log1p(gain * covered) / np.float32(threshold)

    events = np.zeros((num_steps, len(bars.angle), 2, size * size), bool)
    # In thresholds, so that the memory of a bare background is a whole number and stays exact.
    memory = thresholds(0)
    for step in range(1, num_steps):
        crossed = np.trunc(thresholds(step) - memory)
        memory += crossed
        events[step, :, 0] = crossed < 0
        events[step, :, 1] = crossed > 0
    return events
