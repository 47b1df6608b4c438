"""From the layers of a file to the stages of the hardware."""

import dataclasses
import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

from jslayer.hdf5.errors import NetworkFileError, fault
from jslayer.hdf5.limits import HIGHEST, LONGEST, LOWEST
from jslayer.hdf5.records import Layer, NetworkFile, Neuron
from jslayer.hdf5.run.leaky import Alif, Cuba
from jslayer.hdf5.run.model import Model
from jslayer.hdf5.run.resonate import AdaptiveResonateAndFire, ResonateAndFire
from jslayer.hdf5.run.sigma_delta import SigmaDelta
from jslayer.hdf5.run.stage import Stage
from jslayer.hdf5.run.synapses import convolution, matrix

Params = dict[str, Any]


class Planner:
    """Turns layers into stages, one after the other; warns of what hardware will not do.

    Attributes:
      file: The network.
      graded_input: The network's first synapse takes numbers, not events.
      spike_exp: See `SigmaDelta`.
      apply_conv_delay: Delays of images count.
      reset_offset: As in `inference`.
    """

    def __init__(
        self,
        file: NetworkFile,
        *,
        graded_input: bool,
        spike_exp: int,
        apply_conv_delay: bool,
        reset_offset: int,
    ):
        self.file = file
        self.graded_input = graded_input
        self.spike_exp = spike_exp
        self.apply_conv_delay = apply_conv_delay
        self.reset_offset = reset_offset
        self._graded = {-1: graded_input}
        self._averaged = False
        self._neurons = 0

    def plan(self) -> tuple[tuple[Stage, ...], tuple[Params, ...]]:
        """The stages, and their arrays."""
        pairs = [self._stage(layer) for layer in self.file.layers]
        return tuple(stage for stage, _ in pairs), tuple(params for _, params in pairs)

    def fault(self, layer: Layer, name: str, came: str, expected: str) -> NetworkFileError:
        """The error of a dataset that hardware cannot run."""
        place = f"{layer.place}/{name}" if name else layer.place
        return fault(self.file.path, place, came, expected, "change the network")

    def warn(self, layer: Layer, note: str) -> None:
        """Tells that a result differs from what was trained."""
        warnings.warn(f"{self.file.path}: {layer.place}: {note}", stacklevel=5)

    def _stage(self, layer: Layer) -> tuple[Stage, Params]:
        before = layer.number - 1
        shape = (*layer.shape[1:], layer.shape[0])
        if self._averaged and layer.type not in ("average", "flatten"):
            raise self.fault(layer, "", "stands behind an average", "that as the last layer")
        if layer.type in ("flatten", "average", "concat"):
            self._averaged |= layer.type == "average"
            self._graded[layer.number] = any(self._graded[number] for number in layer.sources)
            joined = self._joined(layer) if layer.type == "concat" else {}
            return Stage(layer.number, layer.type, shape, **joined), {}
        if layer.type == "input" and layer.neuron is None:
            self._graded[layer.number] = self._graded[before]
            return Stage(layer.number, layer.type, shape), {}
        model, params = self._neuron(layer)
        options: dict[str, Any] = {"model": model}
        if layer.type != "input":
            found, more = self._synapse(layer, model, binary=not self._graded[before])
            options |= found
            params |= more
            found, more = self._delay(layer)
            options |= found
            params |= more
        self._graded[layer.number] = model.graded
        options["reset_step"] = self.reset_offset + 1 + self._neurons
        self._neurons += 1
        return Stage(layer.number, layer.type, shape, **options), params

    def _joined(self, layer: Layer) -> dict[str, tuple[int, ...]]:
        """What a concat joins, and how long it holds it back."""
        held = layer.held or (0,) * len(layer.sources)
        channels = tuple(self.file.layers[number].shape[0] for number in layer.sources)
        return {"sources": layer.sources, "held": held, "channels": channels}

    def _neuron(self, layer: Layer) -> tuple[Model, Params]:
        neuron = layer.neuron or without_neuron()
        if layer.neuron is None and layer.weight_imag is not None:
            raise self.fault(layer, "neuron", "is missing", "one, for complex weights")
        model = model_of(
            neuron,
            is_input=layer.type == "input",
            is_readout=layer.attributes.get("readout") is True,
            spike_exp=self.spike_exp,
        )
        bias = layer.bias if layer.bias is not None else np.zeros((), np.int32)
        has_none = neuron.is_complex or (isinstance(model, SigmaDelta) and model.part == "output")
        if has_none and bias.any():
            raise self.fault(layer, "bias", "is not 0", f"none, for a neuron {neuron.type}")
        if isinstance(model, Cuba) and model.is_input and (neuron.current_decay < 4096).any():
            self.warn(layer, "data enter the voltage; training filtered them with iDecay before")
        if neuron.graded:
            self.warn(layer, "gradedSpike is not done by hardware; spikes are sent as 1")
        if neuron.type == "SDNN" and neuron.activation != "relu" and model.rectified:
            self.warn(layer, f"activation {neuron.activation} is not done by hardware, but relu")
        if neuron.weight_exp:
            self.warn(layer, "weight_exp is not done by hardware; sums are not divided")
        if neuron.refractory_delay != 1:
            self.warn(layer, f"refDelay {neuron.refractory_delay} is not done; it is 1")
        constants = model.constants(neuron, bias.astype(np.int64))
        return model, {"neuron": {k: jnp.asarray(v, jnp.int32) for k, v in constants.items()}}

    def _synapse(
        self, layer: Layer, model: Model, *, binary: bool
    ) -> tuple[dict[str, Any], Params]:
        made = {}
        for name, weight in layer.weights.items():
            weight = self._clipped(layer, name, weight)
            if layer.kernel is not None:
                made[name] = convolution(layer, weight, binary=binary)
            elif name.startswith("weight_rec"):
                made[name] = matrix(weight, binary=not model.graded)
            else:
                made[name] = matrix(weight, binary=binary)
        options: dict[str, Any] = {"parts": 1 if layer.weight_imag is None else 2}
        params: Params = {}
        for field, key in (("synapse", "weight"), ("recurrent", "weight_rec")):
            found = [pair for name, pair in made.items() if name.split("/")[0] == key]
            if found:
                bits = min(synapse.bits for synapse, _ in found)
                options[field] = dataclasses.replace(found[0][0], bits=bits)
                params[key] = tuple(jnp.asarray(weight) for _, weight in found)
        return options, params

    def _clipped(self, layer: Layer, name: str, weight: np.ndarray) -> np.ndarray:
        if weight.min() < LOWEST or weight.max() > HIGHEST:
            self.warn(layer, f"{name} leaves [{LOWEST}, {HIGHEST}] and is clipped, as by hardware")
            weight = np.clip(weight, LOWEST, HIGHEST)
        if (weight & 1).any():
            self.warn(layer, f"{name} holds odd numbers, which hardware may not keep")
        return weight

    def _delay(self, layer: Layer) -> tuple[dict[str, Any], Params]:
        delay = layer.delay
        if delay is None or not delay.any():
            return {}, {}
        if layer.kernel is not None and not self.apply_conv_delay:
            self.warn(layer, "delay is ignored, as by hardware; conv_delay='apply' applies it")
            return {}, {}
        if delay.max() > LONGEST:
            self.warn(layer, f"delays above {LONGEST} are cut to it, as by hardware")
            delay = np.minimum(delay, LONGEST)
        options: dict[str, Any] = {"longest": int(delay.max())}
        if layer.type == "dense_rec":
            options["delayed"] = "messages"
        elif delay.size > 1 and delay.size != layer.shape[0]:
            options |= {"delayed": "inputs", "inputs": layer.weight.shape[1]}
        return options, {"delay": jnp.asarray(delay)}


def model_of(neuron: Neuron, *, is_input: bool, is_readout: bool, spike_exp: int) -> Model:
    """How the hardware computes a neuron.

    Args:
      neuron: What the file says.
      is_input: It stands in an input layer.
      is_readout: It sends its activation, not changes of it.
      spike_exp: See `SigmaDelta`.

    Returns:
      The model.
    """
    if neuron.type == "SDNN":
        if neuron.sigma_output or is_input:
            part = "output" if neuron.sigma_output else "input"
            return SigmaDelta(spike_exp=spike_exp, part=part, rectified=False)
        part = "readout" if is_readout else "hidden"
        rectified = not (is_readout and neuron.activation == "identity")
        return SigmaDelta(spike_exp=spike_exp, part=part, rectified=rectified)
    if neuron.type == "CUBA":
        return Cuba(is_input=is_input)
    if neuron.type == "ALIF":
        return Alif()
    adaptive = neuron.type.startswith("ADRF")
    kind = AdaptiveResonateAndFire if adaptive else ResonateAndFire
    return kind(phase=neuron.type.endswith("PHASE"))


def without_neuron() -> Neuron:
    """What hardware runs where a file has a synapse alone: an integrator that never spikes."""
    number = lambda value: np.asarray(value, np.int64)
    return Neuron(
        "CUBA", current_decay=number(0), voltage_decay=number(4096), threshold=number(2**17)
    )
