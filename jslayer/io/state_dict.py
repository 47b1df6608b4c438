"""What a `state_dict` of the reference library holds: arrays by name."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np

from jslayer.io.text import shown
from jslayer.io.torch_file import on_host, read_state_dict

StateDict = Mapping[str, Any] | str | os.PathLike[str]
"""Arrays or tensors by name, or the name of a file of ``torch.save``."""

WEIGHTS = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}
"""How newer versions of PyTorch call the parts of a normalised weight."""

STATES = ("_state", "delay_buffer", "num_batches_tracked")
"""Ends of the names of what a checkpoint may hold and a network does not keep."""


def arrays_of(state_dict: StateDict) -> dict[str, np.ndarray]:
    """What a network could hold, as float32.

    Names come without the wrapper of parallel training and as older versions of PyTorch give them;
    thresholds that are kept one by one per channel are one array; states of a run are left out.

    Raises:
      ValueError: A number is no plain, finite one that float32 can hold, or there are no names.
      ImportError: A file is named, and PyTorch is not installed.
      FileNotFoundError: There is no such file.
    """
    if isinstance(state_dict, str | os.PathLike):
        state_dict = read_state_dict(state_dict)
    return _channels_joined({name: _array(name, value) for name, value in _kept(state_dict)})


def is_number(text: str) -> bool:
    """True for the number of a block, as it stands in a name."""
    return text.isdecimal() and len(text) < 10


def _kept(state_dict: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    if not isinstance(state_dict, Mapping):
        raise ValueError(
            f"`state_dict` is a {type(state_dict).__name__}, expected arrays by name; pass what "
            "`module.state_dict()` returns."
        )
    for name, value in state_dict.items():
        name = str(name).removeprefix("module.")
        for theirs, ours in WEIGHTS.items():
            name = name.replace(theirs, ours)
        if not name.endswith(STATES):
            yield name, value


def _array(name: str, value: Any) -> np.ndarray:
    """A number of the checkpoint, also of a tensor that still hangs in a graph."""
    try:
        array = np.asarray(on_host(value) if hasattr(value, "detach") else value)
    except (RuntimeError, TypeError, ValueError) as error:
        raise ValueError(
            f"`state_dict` holds {shown(name)}, which is no plain array ({type(error).__name__}), "
            "expected numbers; leave it out, or convert it with `.to_dense().float()`."
        ) from None
    if array.dtype == jnp.bfloat16:
        array = array.astype(np.float32)
    if array.dtype.kind not in "fiu" or not np.isfinite(array).all():
        raise ValueError(
            f"`state_dict` holds {shown(name)} of dtype {shown(array.dtype)}, or with NaN or "
            "infinity, expected finite real numbers; take an earlier checkpoint."
        )
    with np.errstate(over="ignore"):
        single = array.astype(np.float32)
    if not np.isfinite(single).all():
        raise ValueError(
            f"`state_dict` holds {shown(name)} from {array.min():g} to {array.max():g}, expected "
            "numbers that float32 can hold; take an earlier checkpoint."
        )
    return single


def _channels_joined(given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Thresholds that a sigma-delta neuron keeps one by one per channel, as one array."""
    found: dict[str, np.ndarray] = {}
    units: dict[str, dict[int, np.ndarray]] = {}
    for name, value in given.items():
        head, mark, rest = name.partition(".threshold_unit.")
        channel = rest.split(".")[0]
        if mark and is_number(channel) and value.size == 1:
            units.setdefault(f"{head}.threshold", {})[int(channel)] = value.reshape(())
        else:
            found[name] = value
    for name, by_channel in units.items():
        found[name] = np.stack([by_channel[channel] for channel in sorted(by_channel)])
    return found
