"""From a network to the layers of its file, with the joins between them."""

from collections.abc import Mapping
from typing import Any

import flax.linen as nn

from jslayer.block.base import MAX_DELAY
from jslayer.block.graph import flat, own_variables
from jslayer.block.recorded import opened
from jslayer.block.sequential import name_of
from jslayer.block.unweighted import Input
from jslayer.hdf5.late import latenesses
from jslayer.hdf5.write.content import Content, head
from jslayer.hdf5.write.layers import content_of
from jslayer.hdf5.write.numbers import int64
from jslayer.neuron import parameters
from jslayer.ops import swept

CONCAT = (
    "joins layers, where inference tools run one behind the other; `hdf5.inference` and "
    "`hdf5.load` run it."
)


def layers_of(
    network: nn.Module, variables: Mapping[str, Any], sample: Any
) -> tuple[dict[str, Content], tuple[int, ...]]:
    """The layers of a network by their place in the file, and the numbers of the outputs.

    A block that does not read the one before it alone stands behind a concat of what it reads.
    The numbers are empty where the last layer is the only output.
    """
    _check_mapping(variables)
    network, variables, names = opened(network, variables, sample)
    entries, ends = flat(network)
    if not entries:
        raise ValueError("`network` has no blocks, expected at least one; add a block.")
    late = latenesses([entry.block for entry in entries], [entry.reads for entry in entries])
    layers: dict[str, Content] = {}
    numbers: list[int] = []
    for position, entry in enumerate(entries):
        place = f"layer/{len(layers)}"
        name = names[position] if names else name_of(entry.block)
        read = [_number(place, source, numbers) for source in entry.reads]
        if read != [len(layers) - 1]:
            latest = max(late[source] for source in entry.reads)
            held = [latest - late[source] for source in entry.reads]
            layers[place] = _concat(place, read, held, list(layers.values()))
            place = f"layer/{len(layers)}"
        if isinstance(entry.block, Input) and layers:
            raise ValueError(
                f"{place} ({name}): stands behind another block, expected an Input block in front "
                "only; leave it out."
            )
        numbers.append(len(layers))
        own = own_variables(entry.path, variables)
        layers[place] = layer_of(f"{place} ({name})", entry.block, own)
    outputs = tuple(numbers[end] for end in ends)
    return layers, () if outputs == (len(layers) - 1,) else outputs


def _number(place: str, source: int, numbers: list[int]) -> int:
    """Number of the layer that a block reads, given the numbers of those before it."""
    if source >= 0:
        return numbers[source]
    if numbers:
        raise ValueError(
            f"{place}: reads the network's input, which stands before all layers, expected an "
            "Input block to be read; put one in front, for everything that reads the input."
        )
    return -1


def _concat(place: str, read: list[int], held: list[int], before: list[Content]) -> Content:
    """The layer that joins what a block reads."""
    if max(held) > MAX_DELAY:
        raise ValueError(
            f"{place}: joins layers that are {max(held)} steps apart on hardware, expected at "
            f"most {MAX_DELAY}; bring them closer."
        )
    shapes = [tuple(int(size) for size in before[number].datasets["shape"]) for number in read]
    shape = (sum(sizes[0] for sizes in shapes), *shapes[0][1:])
    found = head("concat", shape if len(shape) == 3 else (shape[0],))
    previous = read[0] == len(before) - 1 and len(read) > 1
    found.datasets["layers"] = int64(read[1:] if previous else read)
    if not previous:
        found.attributes["previous"] = False
    if any(held):
        found.datasets["delay"] = int64(held)
    found.notes.append(CONCAT)
    return found


def layer_of(place: str, block: nn.Module, variables: Mapping[str, Any]) -> Content:
    """The layer of a block; its errors name the place."""
    _check_mapping(variables)
    try:
        parameters.known(swept.taken_out((block, variables))[1].values())
        return content_of(block, variables)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{place}: {error}") from error


def _check_mapping(variables: Any) -> None:
    if not isinstance(variables, Mapping) or not all(
        isinstance(tree, Mapping) for tree in variables.values()
    ):
        raise TypeError(
            f"`variables` is a {type(variables).__name__} without collections, expected "
            "{'params': ..., 'constants': ...}; pass what `init` returned, with trained params."
        )
