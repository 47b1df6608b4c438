"""Network files as networks that train on."""

import os
from collections.abc import Mapping
from typing import Any, Literal

from jslayer.block.sequential import Sequential
from jslayer.hdf5.errors import fault
from jslayer.hdf5.given import records_of
from jslayer.hdf5.load.layer import loaded_block
from jslayer.hdf5.load.options import Options
from jslayer.hdf5.load.wiring import Wiring
from jslayer.hdf5.records import NetworkFile
from jslayer.ops import check


def load(
    network: str | os.PathLike[str] | NetworkFile,
    *,
    persistent_state: bool = False,
    count_log: bool = False,
    requires_grad: bool = False,
    weight_norm: bool = False,
    delay_shift: bool | None = None,
    neuron: Mapping[str, Any] | None = None,
    first: Literal["file", "events"] = "file",
    last: Literal["file", "spikes", "readout"] = "file",
    max_bytes: int | None = None,
) -> tuple[Sequential, dict[str, Any]]:
    """A network file as blocks with their variables: the inverse of `export`, to run or train on.

    Layers that are joined (``concat``) come back as a `jslayer.block.Graph`.

    The very integers of the file are restored: weights and thresholds over ``w_scale`` (64 where
    the file does not say), decays over 4096, sine and cosine as they are, delays in whole steps.
    Exporting the network again gives the same file. A layer's ``bias`` comes back as a norm,
    `jslayer.neuron.MeanOnlyBatchNorm`, whose running mean gives it, in evaluation as in the file;
    with ``train=True`` the norm takes the mean of the batch, and moves on from there. Masks come
    back where the file says them, as ours do in a dataset of their own; zeros alone are weights
    like others, which may learn. What no file holds is not restored: surrogates, dropout, learning
    of decays.

    Files of other tools are read as `read` says. Their sigma-delta layers follow on each other
    within a step, as in training, where hardware takes a step per synapse; with
    ``delay_shift=True`` all layers take it, and the outputs are those of `inference` one step
    later. A first layer of spiking neurons takes data in threshold units, which `inference` takes
    in 1 / ``w_scale`` of them.
    A threshold of 0 is held: every positive voltage spikes, and unless ``neuron`` holds a surrogate
    it is as wide as that of the least threshold. It is refused where a neuron at rest would then
    spike without any input (``ALIF``, ``RF_IZHIKEVICH``, ``ADRF_IZHIKEVICH``), which hardware
    begins a step earlier than blocks, and with ``threshold_grad``, as learned thresholds stay above
    0. A sigma-delta threshold of 0 is run as in training, where none is below
    ``1 / (64 w_scale)``; hardware sends smaller changes as well, rounded down.

    Args:
      network: Name of the file, or what `read` returned.
      persistent_state: Carry the state of all blocks from call to call.
      count_log: Return ``(output, event rates)``.
      requires_grad: Learn decays (and sigma-delta thresholds) too. Rotations at the rim of the unit
        circle are then kept inside of it, by a unit in 4096.
      weight_norm: Learn length and direction of the weights apart.
      delay_shift: Whether every block delays by one step; ``None``: as the file says, or as is the
        rule for the kind of neuron.
      neuron: More constructor arguments for all neurons that have them, e.g.
        ``{"tau_grad": 0.1, "scale_grad": 3}``, or ``{"threshold_grad": True}``.
      first: ``"events"`` leaves an input layer out, for data that are its spikes.
      last: What a dense last layer gives: ``"spikes"``, or as a ``"readout"`` its voltage; of a
        file that does not say, ``"file"`` takes one whose threshold is 2^18 - 1 as a read-out.
      max_bytes: As in `read`, for the name of a file.

    Returns:
      The network, and its variables as ``network.init`` returns them.

    Raises:
      NetworkFileError: the file is damaged, or no block is what a layer says.
      FileNotFoundError, IsADirectoryError, PermissionError: as `read`.
      ValueError: an argument is none of those offered.

    Warns:
      UserWarning: weights that a quantiser would change are kept without one, or delays are cut.

    Example:
      >>> import os, tempfile, jax, jax.numpy as jnp
      >>> from jslayer import Sequential, hdf5
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=0.5, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 6, 4), cuba.Recurrent(neuron, 4, 2)])
      >>> x = jax.random.bernoulli(jax.random.key(0), 0.3, (1, 6, 20)).astype(jnp.float32)
      >>> variables = network.init(jax.random.key(1), x)
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = os.path.join(folder, "network.net")
      ...     hdf5.export(path, network, variables)
      ...     again, loaded = hdf5.load(path, neuron={"tau_grad": 0.1, "scale_grad": 3})
      >>> bool((again.apply(loaded, x) == network.apply(variables, x)).all())
      True
    """
    check.choice("first", first, ("file", "events"))
    check.choice("last", last, ("file", "spikes", "readout"))
    check.choice("delay_shift", delay_shift, (None, True, False))
    file = records_of(network, max_bytes)
    options = Options(
        file.path,
        persistent_state=persistent_state,
        count_log=count_log,
        requires_grad=requires_grad,
        weight_norm=weight_norm,
        delay_shift=delay_shift,
        neuron=dict(neuron or {}),
        first=first,
        last=last,
    )
    options.check()
    layers = file.layers
    if first == "events" and layers[0].type == "input":
        layers = layers[1:]
    if not layers:
        raise fault(
            file.path, "layer", "has only an input layer", "others behind it", "leave `first` out"
        )
    if last != "file" and (layers[-1].type != "dense" or layers[-1].neuron is None):
        place = layers[-1].place
        came, action = f"is a layer of type {layers[-1].type}", "leave `last` out"
        raise fault(file.path, place, came, "a dense layer with a neuron", action)
    for number in file.outputs:
        if file.layers[number].type == "concat":
            place = f"{file.layers[number].place}/type"
            came, expected = "is concat, with which the network ends", "a layer behind it"
            raise fault(file.path, place, came, expected, "add the layer that reads it")
    wiring = Wiring(options)
    for layer in layers:
        if layer.type == "concat":
            wiring.join(layer)
        else:
            wiring.append(layer, *loaded_block(layer, options, is_last=layer is layers[-1]))
    return wiring.network(file.outputs), wiring.variables
