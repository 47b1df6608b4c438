"""What a network file says, as records: integers as the hardware has them."""

import dataclasses
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

Pair = tuple[int, int]
"""A vertical and a horizontal number."""

COMPLEX = ("RF_PHASE", "RF_IZHIKEVICH", "ADRF_PHASE", "ADRF_IZHIKEVICH")
"""Neurons with a complex state, whose synapses have a real and an imaginary weight."""


@dataclasses.dataclass(frozen=True, eq=False)
class Neuron:
    """The neuron of a layer.

    Decays are int64 in 1/4096, thresholds int64 in integer weights; each ``[]`` (one per layer) or
    ``[C]`` (one per channel). What a type does not have is ``None``.

    Attributes:
      type: ``CUBA``, ``ALIF``, ``RF_PHASE``, ``RF_IZHIKEVICH``, ``ADRF_PHASE``,
        ``ADRF_IZHIKEVICH`` or ``SDNN``; the older ``LOIHI`` reads as ``CUBA``.
      threshold: ``vThMant``.
      threshold_step: ``vThStep``, added to an adaptive threshold by a spike.
      current_decay: ``iDecay``, fraction lost per step, as the next three.
      voltage_decay: ``vDecay``.
      threshold_decay: ``thDecay``.
      refractory_decay: ``refDecay``.
      sin_decay: ``sinDecay``, what a rotation keeps.
      cos_decay: ``cosDecay``, what a rotation keeps.
      refractory_delay: ``refDelay``, steps.
      graded: ``gradedSpike``: spikes carry the state.
      activation: Name of the activation of a sigma-delta neuron.
      sigma_output: A read-out that sends its running sum.
      weight_exp: Power of two by which a norm divides the sum; ``None`` without one.
    """

    type: str
    threshold: np.ndarray | None = None
    threshold_step: np.ndarray | None = None
    current_decay: np.ndarray | None = None
    voltage_decay: np.ndarray | None = None
    threshold_decay: np.ndarray | None = None
    refractory_decay: np.ndarray | None = None
    sin_decay: np.ndarray | None = None
    cos_decay: np.ndarray | None = None
    refractory_delay: int = 1
    graded: bool = False
    activation: str = "relu"
    sigma_output: bool = False
    weight_exp: float | None = None

    @property
    def is_complex(self) -> bool:
        """True for a complex state."""
        return self.type in COMPLEX


@dataclasses.dataclass(frozen=True, eq=False)
class Layer:
    """One layer, with whole numbers as int32: 64 stands for one at the usual scale.

    Attributes:
      number: Its place in the network, from 0.
      type: ``input``, ``flatten``, ``average``, ``concat``, ``dense``, ``dense_rec``, ``conv``,
        ``convT``, ``pool`` or ``unpool``.
      shape: Its output, ``(C, H, W)`` of images, else ``(N,)``.
      stored_shape: ``shape`` as the file has it.
      input_shape: Output of the layer before; ``None`` where the file does not tell.
      neuron: Its neuron, or ``None``.
      weight: ``[out, in]``, ``[out, in/groups, kh, kw]`` of conv, ``[in, out/groups, kh, kw]`` of
        convT, ``[1, 1, kh, kw]`` of pool and unpool; the real part of a complex layer.
      weight_imag: Imaginary part, shaped like ``weight``.
      weight_rec: ``[out, out]`` of dense_rec, row = receiving neuron; real part.
      weight_rec_imag: Its imaginary part.
      mask: Zeros and ones shaped like ``weight``, which is zero where there is no connection.
      mask_rec: The same of ``weight_rec``.
      bias: ``[]`` or ``[C]``.
      delay: ``[]`` or ``[C]`` (of dense also one per input), steps.
      input_weight: Factor on the data of an input layer; ``None`` stands for one.
      input_bias: Number added to the data of an input layer.
      kernel: Size of the kernel, ``(vertical, horizontal)`` as all pairs.
      stride: Steps of the kernel.
      padding: Zeros around the input.
      dilation: Distance of the kernel's entries.
      groups: Groups of channels.
      joined: Layers that a concat joins, behind the one before it where ``previous``.
      previous: A concat joins the layer before it too.
      held: Steps by which a concat holds back each of its ``sources``; empty where it says none.
      attributes: Numbers and texts that only we write, e.g. ``w_scale``.
    """

    number: int
    type: str
    shape: tuple[int, ...]
    stored_shape: tuple[int, ...] = ()
    input_shape: tuple[int, ...] | None = None
    neuron: Neuron | None = None
    weight: np.ndarray | None = None
    weight_imag: np.ndarray | None = None
    weight_rec: np.ndarray | None = None
    weight_rec_imag: np.ndarray | None = None
    mask: np.ndarray | None = None
    mask_rec: np.ndarray | None = None
    bias: np.ndarray | None = None
    delay: np.ndarray | None = None
    input_weight: int | None = None
    input_bias: int = 0
    kernel: Pair | None = None
    stride: Pair | None = None
    padding: Pair | None = None
    dilation: Pair | None = None
    groups: int | None = None
    joined: tuple[int, ...] = ()
    previous: bool = True
    held: tuple[int, ...] = ()
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def place(self) -> str:
        """Name of its group."""
        return f"layer/{self.number}"

    @property
    def sources(self) -> tuple[int, ...]:
        """Numbers of the layers that it reads; -1 is the network's input."""
        return (*((self.number - 1,) if self.previous else ()), *self.joined)

    @property
    def neurons(self) -> int:
        """Number of outputs."""
        return math.prod(self.shape)

    @property
    def weights(self) -> Mapping[str, np.ndarray]:
        """The weights it has, by the name of their dataset."""
        parts = {"weight": self.weight, "weight_rec": self.weight_rec}
        if self.weight_imag is not None:
            parts = {
                "weight/real": self.weight,
                "weight/imag": self.weight_imag,
                "weight_rec/real": self.weight_rec,
                "weight_rec/imag": self.weight_rec_imag,
            }
        return {name: value for name, value in parts.items() if value is not None}


@dataclasses.dataclass(frozen=True, eq=False)
class NetworkFile:
    """A network file, read and checked.

    Attributes:
      path: Name of the file.
      layers: Its layers, input to output.
      attributes: Numbers and texts of the file that only we write, e.g. ``writer``.
    """

    path: str
    layers: tuple[Layer, ...]
    attributes: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """Shape of one step of input, ``(C, H, W)`` or ``(N,)``; ``None`` if nobody says."""
        return self.layers[0].input_shape

    @property
    def outputs(self) -> tuple[int, ...]:
        """Numbers of the layers that give the output: said by the file, or those nobody reads."""
        said = self.attributes.get("outputs")
        if said is not None:
            return tuple(int(number) for number in said)
        read = {source for layer in self.layers for source in layer.sources}
        return tuple(layer.number for layer in self.layers if layer.number not in read)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """Shape of one step of output."""
        return self.layers[-1].shape
