"""Running a network file in the integers of Loihi-class hardware."""

import os
from collections.abc import Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp

from jslayer.hdf5.given import records_of
from jslayer.hdf5.records import NetworkFile
from jslayer.hdf5.run.data import InputData, encoded, to_layout
from jslayer.hdf5.run.plan import Planner
from jslayer.hdf5.run.sigma_delta import SigmaDelta
from jslayer.hdf5.run.stage import Stage
from jslayer.ops import check, event_batch
from jslayer.ops.layout import step_first, step_last, time_first

State = Any


@jax.tree_util.register_pytree_with_keys_class
class Outputs(dict[int, dict[str, jax.Array]]):
    """What was recorded, by number of the layer and name.

    The layers have the numbers of the file, from 0; those that were not recorded are not there.
    """

    def __missing__(self, number: Any) -> Any:
        """Says which layers there are."""
        there = ", ".join(map(str, self)) or "none"
        raise KeyError(
            f"layer {number} was not recorded, expected one of {there}; layers count from 0, and "
            "`layers` names those to record, 'all' or some"
        )

    def tree_flatten_with_keys(self) -> tuple[Any, Any]:
        """Layers in order, for JAX."""
        numbers = tuple(sorted(self))
        keyed = [(jax.tree_util.DictKey(number), self[number]) for number in numbers]
        return keyed, numbers

    @classmethod
    def tree_unflatten(cls, numbers: Any, values: Any) -> "Outputs":
        """The inverse, for JAX."""
        return cls(zip(numbers, values, strict=True))


"""By number of the layer in the file, then by name: ``spike``, ``voltage`` and so on."""


def inference(
    network: str | os.PathLike[str] | NetworkFile,
    *,
    input_message_bits: int = 0,
    conv_delay: Literal["ignore", "apply"] = "ignore",
    spike_exp: int = 6,
    reset_interval: int | None = None,
    reset_offset: int = 0,
    layout: Literal["slayer", "client"] = "slayer",
    max_bytes: int | None = None,
) -> "HardwareNetwork":
    """A network file as hardware computes it, integer by integer.

    Every synapse takes one step: ``a[t] = W s[t-1]``, delays more. Spiking layers send events of
    size 1, sigma-delta layers 32-bit numbers. Currents wrap at 24 bits, sums of convolutions too;
    voltages are clipped to +-(2^23 - 1). This is what lava-dl's inference client computes in its
    fixed-point simulation, bit for bit. Where the two differ on purpose:

    * sin and cos decays are used as stored; the client loses a unit in a third of all neurons.
    * ``ALIF`` and ``ADRF_*`` neurons adapt, as in training; the client fails or leaves it out.
    * pool, convT, unpool, concat, average (as last layer, float32 means) and complex convolutions
      run; the client has none of them.
    * A delay of ``dense_rec`` delays what the layer sends, as in training.
    * A matrix without positive weights whose lowest is a power of two is used as stored.

    What hardware ignores (graded spikes, activations other than relu, ``weight_exp``, delays of
    images) is ignored here with a warning; weights outside [-256, 254] are clipped with one.

    Args:
      network: Name of the file, or what `read` returned.
      input_message_bits: 0: every input of the network's first synapse that is not zero counts as
        one; above: the number itself counts.
      conv_delay: Ignore the delays of images, as the client does, or apply them.
      spike_exp: Bits of sigma-delta messages behind the point: one is ``64 << spike_exp``.
      reset_interval: Wipe the neurons' states every so many steps, each layer one step after the
        one before; ``None`` for never.
      reset_offset: Steps by which that is late: the first layer is wiped before step
        ``reset_offset`` (counted from 0), the k-th after it before step ``reset_offset + k``.
      layout: ``"slayer"``: data are ``[N, C, T]`` or ``[N, C, H, W, T]``. ``"client"``: one sample
        as the client has it, ``[C, T]`` or ``[W, H, C, T]``.
      max_bytes: As in `read`, for the name of a file.

    Returns:
      The network, to be called with data.

    Raises:
      NetworkFileError: the file is damaged, or hardware cannot run the network.
      FileNotFoundError, IsADirectoryError, PermissionError: as `read`.
      ValueError: an option is none of those offered.

    Warns:
      UserWarning: hardware ignores or changes part of what the file says.

    Example:
      >>> import os, tempfile, jax, jax.numpy as jnp
      >>> from jslayer import Sequential, hdf5
      >>> from jslayer.block import cuba
      >>> neuron = dict(threshold=0.5, current_decay=0.25, voltage_decay=0.03)
      >>> network = Sequential([cuba.Dense(neuron, 6, 4), cuba.Dense(neuron, 4, 2)])
      >>> x = jax.random.bernoulli(jax.random.key(0), 0.3, (1, 6, 20)).astype(jnp.float32)
      >>> variables = network.init(jax.random.key(1), x)
      >>> with tempfile.TemporaryDirectory() as folder:
      ...     path = os.path.join(folder, "network.net")
      ...     hdf5.export(path, network, variables)
      ...     hardware = hdf5.inference(path)
      >>> spikes = hardware(x)[1]["spike"]
      >>> bool((spikes.astype(jnp.float32) == network.apply(variables, x)).all())
      True
    """
    check.choice("conv_delay", conv_delay, ("ignore", "apply"))
    check.choice("layout", layout, ("slayer", "client"))
    check.in_range("input_message_bits", input_message_bits, 0, 32)
    check.in_range("spike_exp", spike_exp, 0, 6)
    if reset_interval is not None:
        check.whole("reset_interval", reset_interval)
    file = records_of(network, max_bytes)
    planner = Planner(
        file,
        graded_input=input_message_bits > 0,
        spike_exp=spike_exp,
        apply_conv_delay=conv_delay == "apply",
        reset_offset=reset_offset,
    )
    return HardwareNetwork(file, planner, reset_interval, layout == "client")


class HardwareNetwork:
    """A network in integers; made by `inference`.

    Attributes:
      file: What was read.
      stages: How each layer is computed.
      params: The arrays of each layer.
      reset_interval: As in `inference`.
      is_client: Data are in the client's layout.
    """

    def __init__(
        self,
        file: NetworkFile,
        planner: Planner,
        reset_interval: int | None = None,
        is_client: bool = False,
    ):
        self.file = file
        self.stages: tuple[Stage, ...]
        self.stages, self.params = planner.plan()
        self.reset_interval = reset_interval
        self.is_client = is_client
        self._input = InputData(file, self.stages[0].model, planner.graded_input)
        self._compiled = jax.jit(self._over_time, static_argnames=("layers", "record"))
        self._stepped = jax.jit(self._one_step)
        if reset_interval is not None:
            for stage in self.stages:
                if isinstance(stage.model, SigmaDelta):
                    raise ValueError(
                        f"`reset_interval` is {reset_interval}, expected None: layer/{stage.number}"
                        " is a sigma-delta layer, whose sum must not be wiped; leave it out."
                    )

    def __call__(
        self,
        x: Any,
        *,
        steps: int | None = None,
        layers: Sequence[int] | Literal["all"] | None = None,
        record: Sequence[str] | Literal["all"] = ("spike",),
    ) -> Outputs:
        """Runs data from rest; see `run`.

        Returns:
          What was recorded, by layer and name.
        """
        return self.run(x, steps=steps, layers=layers, record=record)[0]

    def run(
        self,
        x: Any,
        state: State = None,
        *,
        steps: int | None = None,
        layers: Sequence[int] | Literal["all"] | None = None,
        record: Sequence[str] | Literal["all"] = ("spike",),
    ) -> tuple[Outputs, State]:
        """Runs data, layer by layer over all of the time.

        Args:
          x: Whole numbers of any type, ``[N, C, T]`` or ``[N, C, H, W, T]`` (or in the client's
            layout), or a `jslayer.ops.EventBatch`: events or, behind an input layer, data as
            `encode` makes them. Without the axis T they are held for ``steps`` steps.
          state: What the call before returned, to go on from there; ``None`` is rest.
          steps: Steps to run; by default all that ``x`` has.
          layers: Numbers of the layers to record, ``"all"``, or ``None`` for the output (all heads
            of a network that has several).
          record: ``spike`` (what the layer sends), ``current``, ``voltage``, ``real``, ``imag``,
            ``threshold``, ``refractory``, ``sigma``, ``activation``, or ``"all"``; states are those
            after the step, layers give those that they have.

        Returns:
          What was recorded, int32, by layer and name, in the layout of ``x``; and the state.

        Raises:
          ValueError: ``x`` does not fit or holds no whole numbers, or a name or number is unknown.
        """
        numbers, names = self._chosen(layers), self._recorded(record)
        data = self._input.over_time(event_batch.dense(x), steps, is_client=self.is_client)
        state = self.init(data.shape[0]) if state is None else state
        outputs, state = self._compiled(
            self.params, state, time_first(data), layers=numbers, record=names
        )
        shaped = Outputs(
            (number, {name: to_layout(value, self.is_client) for name, value in found.items()})
            for number, found in outputs.items()
        )
        return shaped, state

    def init(self, batch: int = 1) -> State:
        """State before the first step of ``batch`` samples: neurons at rest, nothing under way."""
        layers = tuple(stage.init(batch) for stage in self.stages)
        return {"step": jnp.zeros((), jnp.int32), "layers": layers}

    def rest(self, state: State) -> State:
        """Puts all neurons to rest; messages that are under way stay."""
        layers = [
            {**layer, "neuron": jax.tree.map(jnp.zeros_like, layer["neuron"])}
            if "neuron" in layer
            else layer
            for layer in state["layers"]
        ]
        return {**state, "layers": tuple(layers)}

    def step(self, state: State, x: Any) -> tuple[State, Outputs]:
        """One time step, a pure function that may run inside `jax.lax.scan`.

        Args:
          state: From `init`, or from the step before.
          x: Whole numbers ``[N, C]`` or ``[N, C, H, W]``, int32 where they are traced.

        Returns:
          The state after the step, and everything that every layer gives, by layer and name,
          ``[N, C]`` or ``[N, C, H, W]`` int32.
        """
        return self._stepped(self.params, state, self._input.one_step(x))

    def encode(self, x: Any) -> jax.Array:
        """Data for the input layer, in integers: the layer's weight and bias applied.

        ``trunc(64 (weight round(x) + bias))``: ``x`` is rounded to steps of ``2 / 64`` and clipped,
        as in training, multiplied and moved by the layer's numbers, and cut toward zero.

        Args:
          x: Numbers in threshold units, as slayer's Input block gets them; any shape.

        Returns:
          int32, shaped like ``x``.

        Raises:
          ValueError: the network has no input layer, or ``x`` is not finite.
        """
        return encoded(self.file, x)

    def _one_step(self, params, state, x):
        """``x`` ``[N, C, ...]``."""
        layers, record = self._chosen("all"), self._recorded("all")
        outputs, state = self._over_time(
            params, state, step_last(x)[None], layers=layers, record=record
        )
        return state, jax.tree.map(lambda value: step_first(value[0]), outputs)

    def _over_time(self, params, state, x, *, layers, record):
        """``x`` ``[T, N, ..., C]``."""
        before, after, given, recorded = x, [], {}, Outputs()
        for stage, arrays, own in zip(self.stages, params, state["layers"], strict=True):
            if stage.sources:
                own, before = stage.join(own, [given[number] for number in stage.sources])
            own, outputs = stage.run(arrays, own, before, self._wiped(stage, state, x.shape[0]))
            before = given[stage.number] = outputs["spike"]
            after.append(own)
            if stage.number in layers:
                found = {name: value for name, value in outputs.items() if name in record}
                recorded[stage.number] = found
        step = state["step"] + x.shape[0]
        if self.reset_interval is not None:
            step = step % self.reset_interval
        return recorded, {"step": step, "layers": tuple(after)}

    def _wiped(self, stage, state, steps):
        if self.reset_interval is None or stage.model is None:
            return None
        step = state["step"] + 1 + jnp.arange(steps, dtype=jnp.int32)
        return step % self.reset_interval == stage.reset_step % self.reset_interval

    def _chosen(self, layers: Any) -> tuple[int, ...]:
        numbers = tuple(stage.number for stage in self.stages)
        if layers is None:
            return self.file.outputs
        if isinstance(layers, str):
            check.choice("layers", layers, ("all",))
            return numbers
        for number in layers:
            check.choice("layers", number, numbers)
        return tuple(int(number) for number in layers)

    def _recorded(self, record: Any) -> tuple[str, ...]:
        known = tuple(sorted({name for stage in self.stages for name in stage.outputs}))
        if isinstance(record, str) and record == "all":
            return known
        names = (record,) if isinstance(record, str) else tuple(record)
        for name in names:
            check.choice("record", name, known)
        return names

    def __repr__(self) -> str:
        """The layers in one line."""
        layers = " -> ".join(f"{layer.type}{list(layer.shape)}" for layer in self.file.layers)
        return f"HardwareNetwork({layers})"
