"""From the neuron of a layer in the file to a block's neuron, integer by integer."""

import dataclasses
from typing import Any

import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.limits import READOUT_THRESHOLD
from jslayer.hdf5.load.norm import loaded_norm, own_bias
from jslayer.hdf5.load.options import FAMILIES, Options
from jslayer.hdf5.records import Layer, Neuron
from jslayer.ops.fixed_point import DECAY_SCALE

DECAYS = ("current_decay", "voltage_decay", "threshold_decay", "refractory_decay")
ROTATION = ("sin_decay", "cos_decay")
LEVELS = ("threshold", "threshold_step")

ACTIVATIONS = (
    *("relu", "identity", "leaky_relu", "relu6", "elu", "selu", "celu", "gelu", "silu", "swish"),
    *("sigmoid", "hard_sigmoid", "log_sigmoid", "tanh", "hard_tanh", "softplus", "soft_sign"),
    *("hard_swish", "hard_silu", "mish", "squareplus"),
)
"""Activations that a file may name; a file from elsewhere must not choose among all functions."""


@dataclasses.dataclass
class Loaded:
    """Arguments of a block's neuron and its variables, by collection."""

    kind: type
    arguments: dict[str, Any]
    variables: dict[str, dict[str, Any]]


def loaded_neuron(layer: Layer, options: Options, *, readout: bool = False) -> Loaded:
    """The neuron of a layer.

    Args:
      layer: The layer, with a neuron.
      options: The caller's.
      readout: It is the neuron of a read-out block, which has no threshold.

    Returns:
      Its class, constructor arguments and variables.

    Raises:
      NetworkFileError: no neuron of the library has these numbers.
    """
    neuron, scale = layer.neuron, scale_of(layer)
    kind = FAMILIES[neuron.type]
    channels = layer.shape[0]
    numbers = _numbers(neuron)
    shared = all(value.ndim == 0 for value in numbers.values())
    shared &= layer.attributes.get("per_channel") is not True
    one_each = any(numbers[name].ndim for name in LEVELS if name in numbers)
    as_stored = numbers
    if not shared:
        numbers = {name: np.broadcast_to(v, (channels,)) for name, v in numbers.items()}
    arguments = {
        **_levels(numbers, scale),
        **_decays(as_stored),
        "scale": scale,
        "shared_param": shared,
        "persistent_state": options.persistent_state,
        "requires_grad": options.requires_grad,
        **_kind_arguments(layer, kind, options),
    }
    if one_each and neuron.type != "SDNN":
        if (numbers["threshold"] > 0).all():
            arguments["threshold_grad"] = True  # they may learn, as they were trained
        else:  # learned thresholds stay above 0, held ones do not
            arguments |= _held_levels(numbers, scale)
    if layer.attributes.get("readout") is True:
        arguments["readout"] = True
    arguments |= {
        name: value
        for name, value in options.neuron.items()
        if name in {field.name for field in dataclasses.fields(kind)}
    }
    norm, statistics = loaded_norm(layer, scale, options)
    arguments |= {"norm": norm} if norm is not None else {}
    bias = own_bias(layer, options)
    if bias is not None:
        arguments |= {"bias": bias if bias.ndim else float(bias), "bias_param": bias.ndim == 0}
    _check(kind, arguments, layer, options)
    readout = readout or arguments.get("readout", False)
    variables = _variables(kind, arguments, numbers, scale, readout=readout)
    if bias is not None and not (readout and neuron.sigma_output):
        home = "params" if arguments["requires_grad"] else "constants"
        variables.setdefault(home, {})["bias"] = jnp.asarray(bias, jnp.float32)
    if norm is not None:
        variables["batch_stats"] = statistics
    return Loaded(kind, arguments, variables)


def scale_of(layer: Layer) -> int:
    """Integer weights per unit: what we wrote, or the usual."""
    return layer.attributes.get("w_scale", 64)


def is_readout(layer: Layer) -> bool:
    """True where no voltage reaches the threshold."""
    threshold = layer.neuron.threshold
    return threshold is not None and bool((threshold >= READOUT_THRESHOLD).all())


def _numbers(neuron: Neuron) -> dict[str, np.ndarray]:
    names = (*LEVELS, *DECAYS, *ROTATION)
    return {n: getattr(neuron, n) for n in names if getattr(neuron, n) is not None}


def _levels(numbers, scale):
    """Thresholds as constructor arguments, which are numbers."""
    found = {"threshold": 0.0}
    for name in LEVELS:
        if name in numbers:
            found[name] = threshold_argument(int(numbers[name].reshape(-1)[0]), scale)
    return found


def _held_levels(numbers, scale):
    """Thresholds as constructor arguments, one per channel."""
    return {
        name: np.array([threshold_argument(int(mantissa), scale) for mantissa in numbers[name]])
        for name in LEVELS
        if name in numbers
    }


def threshold_argument(mantissa: int, scale: int) -> float:
    """The float that a neuron cuts to ``mantissa / scale``: also where the quotient rounds down."""
    value = mantissa / scale
    return value if int(value * scale) == mantissa else float(np.nextafter(value, np.inf))


def _decays(numbers):
    """Decays, or period and decay, as constructor arguments: numbers, or arrays per channel."""
    argument = lambda value: float(value) if np.ndim(value) == 0 else np.asarray(value)
    found = {n: argument(numbers[n] / DECAY_SCALE) for n in DECAYS if n in numbers}
    if "sin_decay" in numbers:
        sin, cos = numbers["sin_decay"], numbers["cos_decay"]
        with np.errstate(divide="ignore"):
            period = 2 * np.pi / np.arctan2(sin, cos)
        # the constructor's ranges; what runs are the integers, which stand in the variables
        near = np.isclose(period, 4, rtol=1e-9)
        found["period"] = argument(np.where(near, 4.0, period))
        gain = np.hypot(sin, cos) / DECAY_SCALE
        found["decay"] = argument(np.where(gain < 1.001, np.maximum(1 - gain, 0), 1 - gain))
    return found


def _kind_arguments(layer, kind, options):
    neuron = layer.neuron
    if neuron.type != "SDNN":
        return {"graded_spike": neuron.graded}
    known = neuron.activation in ACTIVATIONS or neuron.sigma_output
    if "activation" not in options.neuron and not known:
        came, expected = f"is {neuron.activation!r}", f"one of {', '.join(ACTIVATIONS)}"
        action = "pass the function as neuron={'activation': ...}"
        raise options.fault(layer, "neuron/activation", came, expected, action)
    activation = neuron.activation
    if neuron.sigma_output and activation not in ACTIVATIONS:
        activation = "identity"
    cumulative = layer.attributes.get("cum_error") is True
    return {"activation": activation, "cum_error": cumulative}


def _check(kind, arguments, layer, options):
    """The constructor's own checks, as an error of the file."""
    try:
        made = kind(**arguments, parent=None)
        made.check_fields()
    except (ValueError, TypeError) as error:
        came = f"has numbers that no neuron here can have ({error})"
        raise options.fault(layer, "neuron", came, "others") from error


def _variables(kind, arguments, numbers, scale, *, readout):
    """Parameters in natural units, in the collections where the neuron looks for them."""
    learned = arguments["requires_grad"]
    adapts = learned or arguments.get("threshold_grad", False)
    home = dict.fromkeys(("current_decay", "voltage_decay", *ROTATION), learned)
    home |= dict.fromkeys(("threshold_decay", "refractory_decay"), adapts)
    if "threshold_grad" in {field.name for field in dataclasses.fields(kind)}:
        kept = LEVELS if arguments.get("threshold_grad", False) else ()
        home |= dict.fromkeys(kept, True)
    else:
        home["threshold"] = learned
    of_threshold = ("threshold_decay", "refractory_decay", *LEVELS)
    found: dict[str, dict[str, Any]] = {}
    for name, value in numbers.items():
        if name not in home or (readout and name in of_threshold):
            continue
        unit = scale if name in LEVELS else DECAY_SCALE
        collection = "params" if home[name] else "constants"
        found.setdefault(collection, {})[name] = jnp.asarray(value / unit, jnp.float32)
    return found
