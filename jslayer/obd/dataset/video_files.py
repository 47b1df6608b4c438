"""Plain video files, without boxes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jslayer.io import read_video
from jslayer.io.files import PathLike, existing
from jslayer.obd.dataset.sequence import Labels, Sequences, labels


class VideoFiles(Sequences):
    """Videos to run a detector on; ``rows`` are 0 and all of kind 0.

    All frames are read at once, scaled, and kept as bytes. Needs the program ffmpeg, or that of
    imageio-ffmpeg. See `Sequences` for what a sample is.

    Args:
      paths: Files that ffmpeg reads.
      size: Height and width to which frames are scaled.
      seq_len: Frames of a sequence.
      most: Rows of a frame.
      dtype: ``float32`` or ``uint8``.

    Raises:
      FileNotFoundError: There is no such file, or no program ffmpeg.
      ValueError: A file is no video.
    """

    def __init__(
        self,
        paths: PathLike | Sequence[PathLike],
        *,
        size: tuple[int, int] = (448, 448),
        seq_len: int = 32,
        most: int = 1,
        dtype: Any = np.float32,
    ):
        given = [paths] if isinstance(paths, str | Path) else list(paths)  # type: ignore[arg-type]
        self.paths = [existing(path) for path in given]
        self._frames = [read_video(path, size) for path in self.paths]
        super().__init__(
            [len(frames) for frames in self._frames],
            classes=(),
            size=size,
            seq_len=seq_len,
            most=most,
            strict=False,
            dtype=dtype,
        )

    def labels_of(self, video: int) -> Sequence[Labels]:
        """Returns no objects for every frame of a video."""
        return [labels()] * len(self._frames[video])

    def pictures_of(self, video: int, first: int, stop: int) -> list[tuple[np.ndarray, Any]]:
        """Returns frames and their original size."""
        return [(frame, self.size) for frame in self._frames[video][first:stop]]
