"""Checkpoints of the reference library, brought into networks of the same blocks."""

import os
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer.block import Sequential
from jslayer.io.text import shown
from jslayer.io.torch_file import on_host, read_state_dict
from jslayer.neuron.spiking import Spiking
from jslayer.ops.fixed_point import DECAY_SCALE

__all__ = ["from_lava"]


def __dir__() -> list[str]:
    return __all__


Path = tuple[str, ...]

DECAYS = (
    *("current_decay", "voltage_decay", "threshold_decay", "refractory_decay"),
    *("sin_decay", "cos_decay"),
)
"""Parameters that the reference keeps times 4096."""

WEIGHTS = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}
"""How newer versions of PyTorch call the parts of a normalised weight."""

STATES = ("_state", "delay_buffer", "num_batches_tracked")
"""Ends of the names of what a checkpoint may hold and a network does not keep."""


MOST_NAMES = 20
"""Names that an error lists."""


def from_lava(
    state_dict: Mapping[str, Any] | str | os.PathLike[str],
    network: Sequential,
    sample: Any,
    *,
    prefix: str = "blocks",
) -> dict[str, Any]:
    """The variables of a network from a checkpoint of lava-dl's SLAYER.

    The network must be built of the same blocks, in the same places, with the same arguments.
    Every number of the checkpoint finds its place, and every parameter of the network a number:
    names that are left over or missing are an error that lists them. Decays come back from 1/4096
    to fractions, trailing axes of one go, delays and weights (normalised or not) stay as they are,
    running statistics become ``batch_stats``. States and buffers of a run are left out.

    Args:
      state_dict: Arrays by the reference's names, ``blocks.0.synapse.weight_g`` and so on: what
        ``{k: v.numpy() for k, v in module.state_dict().items()}`` gives. Or the name of a file of
        ``torch.save(module.state_dict(), ...)``, which is read with PyTorch where it is installed.
      network: A `Sequential`.
      sample: Data as the network takes them, for the shapes.
      prefix: Name of the list of blocks in the reference's module.

    Returns:
      The network's variables, as ``network.init`` gives them.

    Raises:
      TypeError: ``network`` is no `Sequential`.
      ImportError: ``state_dict`` names a file, and PyTorch is not installed.
      FileNotFoundError: there is no such file.
      ValueError: the file cannot be read, names are unknown or missing, an array has another shape,
        is not finite or beyond float32, or the reference's network had something that this one has
        not.

    Example:
      >>> import jax.numpy as jnp, numpy as np
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=1.25, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 3, 2)])
      >>> checkpoint = {
      ...     "blocks.0.synapse.weight": np.ones((2, 3, 1, 1, 1)),
      ...     "blocks.0.neuron.current_decay": np.array([1024.0]),
      ...     "blocks.0.neuron.voltage_decay": np.array([123.0]),
      ... }
      >>> variables = from_lava(checkpoint, network, jnp.ones((1, 3, 10)))
      >>> variables["params"]["blocks_0"]["synapse"]["weight"].shape
      (2, 3)
    """
    if not isinstance(network, Sequential):
        raise TypeError(
            f"`network` is a {type(network).__name__}, expected a Sequential of blocks; put the "
            "blocks in a row as the reference's module has them."
        )
    if isinstance(state_dict, str | os.PathLike):
        state_dict = read_state_dict(state_dict)
    variables = _unfrozen(jax.jit(network.init)(jax.random.key(0), jnp.asarray(sample)))
    places = dict(_places(variables))
    given = _channels_joined({name: _array(name, v) for name, v in _kept(state_dict, prefix)})
    unknown, found = [], {}
    for name, value in given.items():
        path = _path(name, prefix)
        if path in places:
            found[path] = _fitted(name, value, path, places[path])
        elif not _is_idle(name, value, path, network):
            unknown.append(name)
    missing = [".".join(path) for path in places if path not in found and _needed(path, network)]
    if unknown or missing:
        raise ValueError(
            f"`state_dict` has names that the network does not know: {_listed(unknown)}; and it "
            f"lacks: {_listed(missing)}; expected those of the same blocks; build the network with "
            "the arguments of the reference's (weight_norm, delay, norm, shared_param, bias)."
        )
    for path, value in found.items():
        places[path].set(value)
    return variables


class _Place:
    """Where a number stands in the variables."""

    def __init__(self, node: dict[str, Any], name: str, collection: str):
        self._node, self._name = node, name
        self.collection = collection

    @property
    def shape(self) -> tuple[int, ...]:
        return jnp.shape(self._node[self._name])

    def set(self, value: np.ndarray) -> None:
        self._node[self._name] = jnp.asarray(value, jnp.float32)


def _unfrozen(tree: Any) -> Any:
    return {k: _unfrozen(v) for k, v in tree.items()} if isinstance(tree, Mapping) else tree


def _places(variables: Mapping[str, Any]) -> Iterator[tuple[Path, _Place]]:
    """All numbers of a network but sizes and states, by path below the collection."""

    def places(node: dict[str, Any], path: Path, collection: str) -> Iterator[tuple[Path, _Place]]:
        for name, child in node.items():
            if isinstance(child, dict):
                yield from places(child, (*path, name), collection)
            elif name != "shape":
                yield (*path, name), _Place(node, name, collection)

    for collection in ("params", "constants", "batch_stats"):
        yield from places(variables.get(collection, {}), (), collection)


def _kept(state_dict: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """What a network could hold, under names without the wrapper of parallel training."""
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
    found, units = {}, {}
    for name, value in given.items():
        head, mark, rest = name.partition(".threshold_unit.")
        channel = rest.split(".")[0]
        if mark and _is_number(channel) and value.size == 1:
            units.setdefault(f"{head}.threshold", {})[int(channel)] = value.reshape(())
        else:
            found[name] = value
    for name, by_channel in units.items():
        found[name] = np.stack([by_channel[channel] for channel in sorted(by_channel)])
    return found


def _path(name: str, prefix: str) -> Path | None:
    """The place in the network of the reference's name."""
    head, _, rest = name.removeprefix(f"{prefix}.").partition(".")
    if not name.startswith(f"{prefix}.") or not _is_number(head):
        return None
    parts = [part for part in rest.split(".") if part != "delta"]
    if parts[0] == "delay":
        parts = ["delay_line", *parts[1:]]
    return (f"blocks_{head}", *parts)


def _is_number(text: str) -> bool:
    return text.isdecimal() and len(text) < 10


def _fitted(name: str, value: np.ndarray, path: Path, place: _Place) -> np.ndarray:
    """A number in natural units, shaped as ours: only axes of one differ."""
    without = lambda shape: tuple(size for size in shape if size != 1)
    if without(value.shape) != without(place.shape):
        if value.size != 1 or not path[-1].startswith("running"):
            raise ValueError(
                f"`state_dict` holds {name} of shape {value.shape}, expected {place.shape} but for "
                "axes of one; build the network with the same sizes."
            )
        value = np.broadcast_to(value.reshape(()), place.shape)  # never updated: all channels alike
    if path[-1] in DECAYS:
        value = value / DECAY_SCALE
    return value.reshape(place.shape)


def _block(path: Path | None, network: Sequential) -> Any:
    number = int(path[0].removeprefix("blocks_")) if path else -1
    return network.blocks[number] if 0 <= number < len(network.blocks) else None


def _is_idle(name: str, value: np.ndarray, path: Path | None, network: Sequential) -> bool:
    """True for a number without effect: an unset bias, a pool's constant weight that is ours."""
    block = _block(path, network)
    if block is None:
        return False
    if path[1:] == ("neuron", "bias"):
        return not value.any()
    if path[1:] == ("neuron", "threshold") and not isinstance(block.new_neuron(), Spiking):
        return True  # of an output, which does not send changes
    if path[1:2] == ("neuron",) and path[2:3] and path[2].endswith("norm"):
        return block.new_neuron().norm is not None and block.layer_neuron().norm is None
    kind = getattr(block, "synapse_kind", None)
    if kind in ("Pool", "Unpool") and path[1] == "synapse" and path[-1] == "weight":
        if np.ptp(value) or not np.isclose(value.flat[0], block.weight_scale, rtol=1e-6):
            raise ValueError(
                f"`state_dict` holds {name} from {value.min():g} to {value.max():g}, expected "
                f"{block.weight_scale:g}, the block's `weight_scale`; build it with that of the "
                "reference."
            )
        return True
    return False


def _needed(path: Path, network: Sequential) -> bool:
    """False for what the reference does not keep: it stays as the constructor says."""
    if path[-1] == "running_var":
        return hasattr(_norm(_block(path, network)), "weight_exp")
    return path[-1] not in ("threshold_step",) and not _own_threshold(path, network)


def _own_threshold(path: Path, network: Sequential) -> bool:
    """A learned threshold of a spiking neuron, which the reference has not."""
    spiking = lambda: isinstance(_block(path, network).new_neuron(), Spiking)
    return path[1:] == ("neuron", "threshold") and spiking()


def _norm(block: Any) -> Any:
    neuron = block.new_neuron()
    return neuron.norm(pre_hook=neuron.quantize_8bit, parent=None)


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(shown, sorted(names)[:MOST_NAMES])) + more or "none"
