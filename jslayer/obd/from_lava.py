"""Names in the `state_dict` of lava-dl's detectors."""

from collections.abc import Callable, Iterable

import numpy as np

from jslayer.io.state_dict import StateDict, arrays_of, is_number

LISTS = (
    *("input_blocks", "backend_blocks", "blocks"),
    *("head1_backend", "head1_blocks", "head2_backend", "head2_blocks", "heads"),
)
"""Lists in which lava-dl's detectors keep their layers, in the order of ours."""

_PARTS = ("synapse", "neuron")


def is_detector(names: Iterable[str]) -> bool:
    """True for names of one of lava-dl's detectors, which have more lists than ``blocks``."""
    return any(_list_of(name) not in ("", "blocks") for name in names)


def in_one_list(names: Iterable[str]) -> Callable[[str], str]:
    """Numbers the layers of all lists through, as a network of this library has them.

    Args:
      names: All names of lava-dl's, as ``heads.0.weight``.

    Returns:
      A function from a name to that of the same number in one list, as
      ``blocks.10.synapse.weight``: the plain synapses of the heads become those of blocks. Other
      names stay.
    """
    counts = dict.fromkeys(LISTS, 0)
    for name in names:
        if found := _list_of(name):
            counts[found] = max(counts[found], int(name.split(".")[1]) + 1)
    first = {name: sum(counts[k] for k in LISTS[:n]) for n, name in enumerate(LISTS)}

    def renamed(name: str) -> str:
        found = _list_of(name)
        if not found:
            return name
        _, number, *rest = name.split(".")
        rest = rest if rest[0] in _PARTS else ["synapse", *rest]
        return ".".join(["blocks", str(first[found] + int(number)), *rest])

    return renamed


def lava_anchors(state_dict: StateDict) -> np.ndarray:
    """The anchors in a checkpoint of one of lava-dl's detectors.

    Args:
      state_dict: Arrays by lava-dl's names, or a file, as `jslayer.migrate.from_lava` takes them.

    Returns:
      ``[S, A, 2]``. Width and height in lava-dl's unit, for ``anchors`` of the models.

    Raises:
      ValueError: There are none, or they are no sizes.

    Example:
      >>> import jslayer
      >>> anchors = lava_anchors({"anchors": [[[0.5, 0.25], [0.1, 0.3]]]})
      >>> jslayer.obd.models.yolo_kp(11, anchors).num_outputs
      32
    """
    found = arrays_of(state_dict).get("anchors", np.zeros(()))
    if found.ndim != 3 or found.shape[2] != 2 or not (found > 0).all():
        raise ValueError(
            f"`state_dict` has anchors of shape {found.shape}, expected widths and heights above 0 "
            "as [scales, anchors, 2]; pass the checkpoint of a detector."
        )
    return found


def _list_of(name: str) -> str:
    """The list that a name belongs to, or nothing."""
    parts = name.split(".")
    known = len(parts) > 2 and parts[0] in LISTS and is_number(parts[1])
    return parts[0] if known else ""
