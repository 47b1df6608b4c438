"""What an event camera would say to a video."""

from typing import Any

import numpy as np


def camera_events(frames: Any, threshold: float = 0.15) -> np.ndarray:
    """Turns frames into events: ON where a pixel became brighter, OFF where it became darker.

    Each pixel remembers the logarithm of its brightness at its last event; one that differs from it
    by more than ``threshold`` sends an event and remembers the new one. Pixels start with the first
    frame, for which there is no event.

    Args:
      frames: ``[3, H, W, T + 1]`` uint8, or in [0, 1].
      threshold: Least change of the natural logarithm.

    Returns:
      ``[2, H, W, T]`` float32 of zeros and ones, channel 0 ON and 1 OFF.

    Example:
      >>> frames = np.full((3, 1, 1, 3), 0.2, np.float32)
      >>> frames[..., 2] = 0.4
      >>> camera_events(frames)[:, 0, 0].tolist()
      [[0.0, 1.0], [0.0, 0.0]]
    """
    frames = np.asarray(frames)
    scale = 1 / 255 if frames.dtype == np.uint8 else 1.0
    weights = np.array([0.299, 0.587, 0.114], np.float32) * np.float32(scale)
    # A little is added, so that the dark is quiet.
    level = np.log(np.einsum("chwt,c->thw", frames.astype(np.float32), weights) + np.float32(0.02))
    events = np.zeros((2, *frames.shape[1:3], frames.shape[3] - 1), np.float32)
    last = level[0].copy()
    for step, now in enumerate(level[1:]):
        change = now - last
        events[0, ..., step], events[1, ..., step] = change > threshold, change < -threshold
        np.copyto(last, now, where=np.abs(change) > threshold)
    return events
