"""N-MNIST: handwritten digits as an event camera saw them."""

from pathlib import Path

import numpy as np
from numpy.typing import DTypeLike

from jslayer.io import Event, read_2d_spikes
from jslayer.io.files import PathLike
from jslayer.ops.event_batch import Capacity

from .base import find_root
from .nmnist_files import download_nmnist
from .recordings import Recordings

_SIDE = 34


class NMNIST(Recordings):
    """Recordings of 34 x 34 pixels and about 300 ms, in three movements of the camera.

    ``ds[i] -> (x, label)``: ``x`` is ``[2, 34, 34, T]`` float32 (polarity, row, column, step),
    ``1 / sampling_time`` in each bin with an event; ``label`` is the digit, int32. Samples are
    sorted by label and then by the name of the file.

    Args:
      root: Folder with ``Train/<label>/<id>.bin`` and ``Test/<label>/<id>.bin``. Without it, the
        folder ``nmnist`` in that of the environment variable ``JSLAYER_DATA``, or else in
        ``~/.cache/jslayer``.
      train: Take ``Train``, otherwise ``Test``.
      num_steps: Bins ``T``; later events are left out.
      sampling_time: Length of a bin, in milliseconds.
      dtype: Type of ``x``; ``bool`` takes a quarter of the memory, for a sampling time of 1.
      as_events: Batches hold ``x`` as a `jslayer.ops.EventBatch`, made without the tensor.
      capacity: Room in its lists, as for `jslayer.ops.EventBatch.from_events`. ``None``: as much as
        the largest batch so far needed, rounded up.
      download: Fetch the part if it is missing; see ``download_nmnist``, which can also take it
        from another address.

    Attributes:
      files: Path of every sample.
      labels: ``[len(ds)]`` int32.
      classes: The digits, as text.

    Raises:
      FileNotFoundError: There is no such folder, or no recording in it.
      ConnectionError: The download failed.
      ValueError: An argument is bad, or a file is damaged (when it is read).

    References:
      Orchard et al., Converting Static Image Datasets to Spiking Neuromorphic Datasets Using
      Saccades, 2015.
    """

    classes = tuple("0123456789")

    def __init__(
        self,
        root: PathLike | None = None,
        train: bool = True,
        *,
        num_steps: int = 300,
        sampling_time: float = 1.0,
        dtype: DTypeLike = np.float32,
        as_events: bool = False,
        capacity: Capacity | None = None,
        download: bool = False,
    ):
        super().__init__(
            (2, _SIDE, _SIDE),
            num_steps,
            sampling_time,
            dtype,
            as_events=as_events,
            capacity=capacity,
        )
        if download:
            root = download_nmnist(root, train)
        part = "Train" if train else "Test"
        layout = f"{part}/<label>/<id>.bin"
        fetch = f"datasets.download_nmnist(root, train={train})"
        found = find_root(root, "nmnist", layout, fetch=fetch)
        self.files: list[Path] = []
        labels: list[int] = []
        for label in range(10):
            files = sorted((found / part / str(label)).glob("*.bin"))
            self.files += files
            labels += [label] * len(files)
        if not self.files:
            raise FileNotFoundError(
                f"`root` is {found}, which holds no recording, expected {layout}; pass the folder "
                f"above Train/ and Test/; {fetch} downloads them."
            )
        self.labels = np.array(labels, np.int32)

    def __len__(self) -> int:
        return len(self.files)

    def recording(self, index: int) -> tuple[Event, np.int32]:
        """Returns the events and the digit of a sample, numbered from 0."""
        return _read(self.files[index]), self.labels[index]


def _read(path: Path) -> Event:
    event = read_2d_spikes(path)
    largest = max(int(event.x.max(initial=0)), int(np.max(event.y, initial=0)))
    if largest >= _SIDE:
        raise ValueError(
            f"`root` has {path} with a pixel at {largest}, expected 0 to {_SIDE - 1}; "
            "pass the folder of N-MNIST, or restore the file."
        )
    return event
