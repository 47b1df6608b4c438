"""Oxford: from Poisson spike trains to a raster that draws a building."""

from collections.abc import Sequence

import numpy as np

from jslayer.io import Event, read_1d_spikes
from jslayer.io.files import PathLike
from jslayer.ops import check

from .base import Dataset, find_root, positive_integer

_NEURONS = 200


class Oxford(Dataset):
    """One pair of spike trains, for regression in time.

    ``ds[0] -> (x, desired)``, both ``[200, T]`` float32, ``1 / sampling_time`` in each bin with an
    event. As in lava-dl's tutorial, the desired times are cut to whole milliseconds first, while
    the input times are rounded.

    Args:
      root: Folder with ``input.bs1`` and ``output.bs1``. Without it, the folder ``oxford`` in
        that of the environment variable ``JSLAYER_DATA``.
      num_steps: Bins ``T``; later events are left out.
      sampling_time: Length of a bin, in milliseconds.

    Attributes:
      input: The events of the input.
      output: The desired events.

    Raises:
      FileNotFoundError: There is no such folder or file.
      ValueError: An argument is bad, or a file is damaged or has neurons above 199.

    References:
      Zenke and Ganguli, SuperSpike: Supervised Learning in Multilayer Spiking Neural Networks,
      2018.
    """

    def __init__(
        self, root: PathLike | None = None, *, num_steps: int = 2000, sampling_time: float = 1.0
    ):
        found = find_root(root, "oxford", "input.bs1 and output.bs1")
        check.positive("sampling_time", sampling_time)
        self.num_steps = positive_integer("num_steps", num_steps)
        self.sampling_time = sampling_time
        self.input = _read(found / "input.bs1")
        self.output = _read(found / "output.bs1")
        self.output.t = np.trunc(self.output.t)

    def __len__(self) -> int:
        return 1

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Returns input and desired output, ``[N, 200, T]`` each, the same pair ``N`` times."""
        dim = (1, _NEURONS, self.num_steps)
        pair = [
            event.to_tensor(self.sampling_time, dim, dtype=np.float32)
            for event in (self.input, self.output)
        ]
        x, desired = (np.repeat(tensor, len(indices), axis=0) for tensor in pair)
        return x, desired


def _read(path: PathLike) -> Event:
    event = read_1d_spikes(path)
    if len(event) and event.x.max() >= _NEURONS:
        raise ValueError(
            f"`root` has {path} with neuron {event.x.max()}, expected 0 to {_NEURONS - 1}; "
            "pass the folder of the Oxford data."
        )
    # Which neuron is all that counts: the files mark every event as ON.
    event.c = np.zeros_like(event.c)
    return event
