"""Checkpoints of the reference library, brought into networks of the same blocks."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer.block import Sequential, graph_of
from jslayer.block.reference_names import PREFIX, in_words_of, numbering
from jslayer.block.sequential import is_own
from jslayer.io.state_dict import STATES as STATES
from jslayer.io.state_dict import WEIGHTS as WEIGHTS
from jslayer.io.state_dict import StateDict, arrays_of, is_number
from jslayer.io.text import shown
from jslayer.neuron.spiking import Spiking
from jslayer.obd.detector import Detector
from jslayer.obd.from_lava import in_one_list, is_detector
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

POOLS = ("Pool", "Unpool")
"""Synapses without parameters, unless they learn their weight."""

MOST_NAMES = 20
"""Names that an error lists."""


def from_lava(
    state_dict: StateDict,
    network: nn.Module | Detector,
    sample: Any,
    *,
    prefix: str = "blocks",
    heads: bool = True,
) -> dict[str, Any]:
    """The variables of a network from a checkpoint of lava-dl's SLAYER.

    A published checkpoint of lava-dl loads in one call, and what `jslayer.hdf5.export` then writes
    equals lava-dl's own export, dataset by dataset. Nothing is drawn only to be overwritten.

    The network must be built of the same blocks, in the same places, with the same arguments.
    Every number of the checkpoint finds its place, and every parameter of the network a number:
    names that are left over or missing are an error that lists them. Decays come back from 1/4096
    to fractions, trailing axes of one go, delays and weights (normalised or not) stay as they are,
    running statistics become ``batch_stats``. States and buffers of a run are left out.

    The reference's detectors come over too, whose lists of layers are numbered through as in
    `jslayer.obd.models`. A detector keeps its anchors; `jslayer.obd.lava_anchors` are those of the
    checkpoint.

    Args:
      state_dict: Arrays by the reference's names, ``blocks.0.synapse.weight_g`` and so on: what
        ``{k: v.numpy() for k, v in module.state_dict().items()}`` gives. Or the name of a file of
        ``torch.save(module.state_dict(), ...)``, which is read with PyTorch where it is installed.
      network: A `Sequential`, a `Graph`, a `jslayer.obd.Detector`, or a module of your own that
        calls blocks and calls them as the reference's module does: ``encoder.blocks.0`` there is
        ``encoder/blocks_0`` here.
      sample: Data as the network takes them, for the shapes.
      prefix: Name of the list of blocks in the reference's module.
      heads: Take over the last layers too; ``False``: they stay as new, as for other classes.

    Returns:
      The network's variables, as ``network.init`` gives them.

    Raises:
      TypeError: ``network`` is none of these.
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
    init: Callable[..., Any]
    if is_own(network):
        return _into_own(arrays_of(state_dict), network, sample, prefix, heads)
    if isinstance(network, Detector):
        network, init = network.network, network.init
    elif isinstance(network, Sequential):
        init = jax.jit(network.init)
    else:
        raise TypeError(
            f"`network` is a {type(network).__name__}, expected a Sequential of blocks or a "
            "Detector, or a module that calls blocks; pass that."
        )
    given = arrays_of(state_dict)
    path_of = lambda name: _path(name, prefix)
    if prefix == "blocks" and is_detector(given):
        given.pop("anchors", None)
        renamed = in_one_list(given)
        path_of = lambda name: _path(renamed(name), prefix)
    given = _constants_joined(given, path_of, network)
    new = jax.random.key(0), jnp.asarray(sample)
    variables = _unfrozen(jax.eval_shape(init, *new))  # only shapes: nothing is drawn
    places = dict(_places(variables))
    ends = {f"blocks_{number}" for number in network.ends}
    left_new = lambda path: path is not None and path[0] in ends and not heads
    unknown, found = [], {}
    for name, value in given.items():
        path = path_of(name)
        if left_new(path):
            continue
        if path in places:
            more = ", or pass heads=False to leave it as new" if path[0] in ends else ""
            found[path] = _fitted(name, value, path, places[path], more)
        elif not _is_idle(name, value, path, network):
            unknown.append(name)
    missing = [
        ".".join(path)
        for path in places
        if path not in found and _needed(path, network) and not left_new(path)
    ]
    if unknown or missing:
        raise ValueError(
            f"`state_dict` has names that the network does not know: {_listed(unknown)}; and it "
            f"lacks: {_listed(missing)}; expected those of the same blocks; build the network with "
            "the arguments of the reference's (weight_norm, delay, norm, shared_param, bias)."
        )
    for path, value in found.items():
        places[path].set(value)
    return _completed(variables, init, *new)


def _completed(
    variables: dict[str, Any], init: Callable[..., Any], key: jax.Array, sample: jax.Array
) -> dict[str, Any]:
    """Puts numbers of ``init`` where shapes are left; the others are not computed."""
    leaves, tree = jax.tree.flatten(variables)
    is_open = [isinstance(leaf, jax.ShapeDtypeStruct) for leaf in leaves]

    @jax.jit
    def rest(key: jax.Array, sample: jax.Array) -> list[jax.Array]:
        new = jax.tree.leaves(_unfrozen(init(key, sample)))
        return [leaf for leaf, wanted in zip(new, is_open, strict=True) if wanted]

    drawn = iter(rest(key, sample))
    leaves = [next(drawn) if wanted else leaf for leaf, wanted in zip(leaves, is_open, strict=True)]
    return jax.tree.unflatten(tree, leaves)


def _into_own(
    given: Mapping[str, np.ndarray], network: nn.Module, sample: Any, prefix: str, heads: bool
) -> dict[str, Any]:
    """The variables of a module of one's own, by way of its graph."""
    variables = _unfrozen(jax.eval_shape(network.init, jax.random.key(0), jnp.asarray(sample)))
    recorded = graph_of(network, variables, sample)
    renamed = numbering(recorded, list(given), prefix)
    numbered = {renamed(name): value for name, value in given.items()}
    try:
        found = from_lava(numbered, recorded.network, sample, prefix=PREFIX, heads=heads)
    except ValueError as error:
        raise ValueError(in_words_of(recorded, str(error))) from error
    return recorded.from_graph(found, variables)


class _Place:
    """Where a number stands in the variables."""

    def __init__(self, node: dict[str, Any], name: str, collection: str):
        self._node, self._name = node, name
        self.collection = collection

    @property
    def shape(self) -> tuple[int, ...]:
        return self._node[self._name].shape

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


def _path(name: str, prefix: str) -> Path | None:
    """The place in the network of the reference's name."""
    head, _, rest = name.removeprefix(f"{prefix}.").partition(".")
    if not name.startswith(f"{prefix}.") or not is_number(head):
        return None
    parts = [part for part in rest.split(".") if part != "delta"]
    if parts[0] == "delay":
        parts = ["delay_line", *parts[1:]]
    return (f"blocks_{head}", *parts)


def _constants_joined(
    given: Mapping[str, np.ndarray], path_of: Callable[[str], Path | None], network: Sequential
) -> dict[str, np.ndarray]:
    """Weights of pools that the reference normalises and ours keeps constant, as they act."""
    joined = dict(given)
    for name in given:
        block = _block(path_of(name), network)
        if getattr(block, "synapse_kind", None) not in POOLS or block.weight_norm:
            continue
        whole, mark, _ = name.rpartition("_g")
        if mark and f"{whole}_v" in given:
            length, direction = joined.pop(name), joined.pop(f"{whole}_v")
            joined[whole] = length * direction / np.linalg.norm(direction)
    return joined


def _fitted(name: str, value: np.ndarray, path: Path, place: _Place, more: str) -> np.ndarray:
    """A number in natural units, shaped as ours: only axes of one differ."""
    without = lambda shape: tuple(size for size in shape if size != 1)
    if without(value.shape) != without(place.shape):
        if value.size != 1 or not path[-1].startswith("running"):
            raise ValueError(
                f"`state_dict` holds {name} of shape {value.shape}, expected {place.shape} but for "
                f"axes of one; build the network with the same sizes{more}."
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
    if path is None or block is None:
        return False
    if path[1:] == ("neuron", "bias"):
        return not value.any()
    if path[1:] == ("neuron", "threshold") and not isinstance(block.new_neuron(), Spiking):
        return True  # of an output, which does not send changes
    if path[1:2] == ("neuron",) and path[2:3] and path[2].endswith("norm"):
        return block.new_neuron().norm is not None and block.layer_neuron().norm is None
    kind = getattr(block, "synapse_kind", None)
    if kind in POOLS and path[1] == "synapse" and path[-1] == "weight":
        if np.ptp(value) or not np.isclose(value.flat[0], block.weight_scale, rtol=1e-6):
            raise ValueError(
                f"`state_dict` holds {name} from {value.min():g} to {value.max():g}, expected "
                f"{block.weight_scale:g}, the block's `weight_scale`; build it with that of the "
                "reference, or with `weight_norm` if it was learned."
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
