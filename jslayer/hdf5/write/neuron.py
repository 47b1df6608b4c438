"""The ``neuron`` group of a layer."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from jslayer.block.graph import own_variables
from jslayer.hdf5.limits import READOUT_THRESHOLD
from jslayer.hdf5.write.content import Content
from jslayer.hdf5.write.numbers import check_shape, int64, lookup
from jslayer.neuron.base import Neuron
from jslayer.neuron.parameters import Values
from jslayer.neuron.spiking import Spiking

GRADED = (
    "spikes are graded, which inference tools ignore: they will send binary spikes; "
    "train with graded_spike=False."
)
ADAPTIVE = (
    "inference tools take {type} neurons for neurons without adaptation, or fail on them; "
    "`hdf5.inference` and `hdf5.load` run them as trained."
)
ACTIVATION = (
    "activation {name}, where inference tools always compute relu; train with relu, or run the "
    "file elsewhere."
)
CUMULATIVE = "cum_error=True is not in the format: inference tools compare single changes."


def neuron_content(
    neuron: Neuron, variables: Mapping[str, Any], channels: int, *, hidden: bool = True
) -> Content:
    """``neuron/*`` of a layer.

    Args:
      neuron: The block's neuron, unattached.
      variables: The block's collections.
      channels: Channels of the layer, which numbers that are not shared must have.
      hidden: Its activation and the kind of its spikes are in use.

    Returns:
      Arrays and strings by path, what only we read, and warnings.

    Raises:
      TypeError: the format has no such neuron.
      ValueError: parameters are missing, or are not one per channel.
    """
    if not hasattr(neuron, "device_params"):
        raise TypeError(
            f"the neuron is a {type(neuron).__module__}.{type(neuron).__name__}, expected one of "
            "the library's own families, for which the file has a type; use one of them."
        )
    if getattr(neuron, "inner_neuron", None) is not None:
        raise TypeError(
            f"`activation` is a {type(neuron.activation).__name__}, a neuron inside a neuron, "
            "expected a function; the file holds no other."
        )
    for name in _expected(neuron):
        lookup(variables, name)
    params = neuron.device_params(_with_unused(neuron, own_variables(("neuron",), variables)))
    found = Content(
        {f"neuron/{key}": _converted(key, value, channels) for key, value in params.items()}
    )
    if neuron.readout:
        found.datasets["neuron/vThMant"] = int64(READOUT_THRESHOLD)
    if neuron.shared_param is not True and channels == 1:
        found.attributes["per_channel"] = True  # one number may as well be shared
    if getattr(neuron, "cum_error", False):
        found.attributes["cum_error"] = True
        found.notes.append(CUMULATIVE)
    kind = params["type"]
    if kind.startswith("A"):
        found.notes.append(ADAPTIVE.format(type=kind))
    if hidden and params.get("gradedSpike"):
        found.notes.append(GRADED)
    if hidden and params.get("activation", "relu") != "relu":
        found.notes.append(ACTIVATION.format(name=params["activation"]))
    return found


def _with_unused(neuron: Neuron, variables: dict[str, Any]) -> dict[str, Any]:
    """A read-out's variables, with the decays per channel of the threshold that it does not use."""
    names = ("threshold_decay", "refractory_decay") if neuron.readout else ()
    given = {name: getattr(neuron, name, None) for name in names}
    unused = {name: v.array for name, v in given.items() if isinstance(v, Values)}
    return {**variables, "constants": {**unused, **variables.get("constants", {})}}


def _expected(neuron: Neuron) -> Iterator[str]:
    """Where the neuron keeps what its constructor does not tell."""
    if neuron.threshold_grad and not neuron.readout:
        yield "params/neuron/threshold"
    if not isinstance(neuron, Spiking) and neuron.readout:
        return  # a sigma-delta read-out has no threshold
    if neuron.requires_grad:
        yield "params/neuron"
    elif neuron.shared_param is not True:
        yield "constants/neuron"


def _converted(key, value, channels):
    if isinstance(value, str):
        return value
    if isinstance(value, bool | np.bool_):
        return np.bool_(value)
    numbers = np.asarray(value)
    if numbers.ndim and numbers.size == len(numbers):
        numbers = numbers.reshape(-1)
    if numbers.ndim > 1:
        raise ValueError(
            f"`neuron/{key}` has shape {numbers.shape}, one number per neuron, expected one per "
            "layer or per channel; train with shared_param=True or False."
        )
    if numbers.ndim:
        check_shape(f"neuron/{key}", numbers, (channels,))
    return int64(numbers)
