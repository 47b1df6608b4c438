"""What all neurons do: integrate a drive with their dynamics, keep state, show traces."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, Literal, get_args

import flax.linen as nn
import jax
import numpy as np

from jslayer import linen, persistence
from jslayer.neuron import parameters
from jslayer.neuron.dropout import Dropout
from jslayer.ops import check, engine, fixed_point, layout, quantize
from jslayer.ops.dynamics import Dynamics, Tree

Policy = Literal["save", "save_spikes", "recompute"]
"""What training keeps of a neuron for the gradient.

``"save"``: the residuals of every step. ``"recompute"``: the drive and about ``sqrt(T)`` states;
the rest is computed again. ``"save_spikes"``: in a block, only the events that come in, one bit
each where the block stands in a `jslayer.block.Sequential` behind one that sends zeros and ones;
synapse and neuron are computed again, layer by layer. A neuron alone has but its drive to keep, and
does as with ``"recompute"``. The gradient is the same with all of them.
"""


class Neuron(linen.Module):
    """Base of all neurons; a family gives `dynamics` and `dynamics_params`, and its fields.

    A neuron maps a drive ``[N, C, ..., T]`` (complex families: a pair of such arrays) to spikes of
    the same shape. ``scale`` integer weights make a threshold unit; states are 64 times finer.
    """

    complex_input = False

    sums_drive = False
    """True if the drive is changes that are added up, so that a constant one grows without end."""

    binary = False
    """True if all that goes on to the next layer is zero or one; a neuron of your own that is
    derived from one of the library's and sends anything else must say so."""

    block_shift = True
    """A block of this neuron delays its output by one step, unless told otherwise."""

    @nn.nowrap
    def as_input(self) -> "Neuron":
        """This neuron as a network's input block has it."""
        return self

    @nn.nowrap
    def as_readout(self) -> "Neuron":
        """This neuron without threshold, as a read-out block has it."""
        return self.clone(readout=True)

    @nn.nowrap
    def as_output(self) -> "Neuron":
        """This neuron as a network's output block has it."""
        return self.as_readout()

    def __post_init__(self):
        for field in dataclasses.fields(self):
            value = getattr(self, field.name, None)
            if isinstance(value, list | np.ndarray | jax.Array):
                object.__setattr__(self, field.name, parameters.hashable(value))
        super().__post_init__()

    def dynamics(self) -> Dynamics:
        """The record that runs."""
        raise NotImplementedError

    def dynamics_params(self, x: jax.Array) -> dict[str, jax.Array]:
        """Declares the parameters and returns them as the dynamics read them.

        Args:
          x: ``[T, N, ..., C]``, whose neurons they are for.
        """
        raise NotImplementedError

    def check_fields(self) -> None:
        """Raises ``ValueError`` for constructor arguments out of range."""
        check.whole("scale", self.scale)
        check.choice("shared_param", self.shared_param, (True, False, "neuron"))
        check.choice("policy", self.policy, get_args(Policy))

    def __call__(self, x: Any, *, train: bool = False) -> jax.Array:
        """Maps ``[N, C, ..., T]`` float32 to spikes of the same shape.

        Args:
          x: Drive of every step, in threshold units; complex families take a pair
            ``(real, imag)`` or a complex array.
          train: Drop neurons and use batch statistics.

        Returns:
          Spikes, float32.

        Raises:
          TypeError: ``x`` is not floating-point, or a pair where one is due, or the reverse.
          ValueError: ``x`` has another rank, no time step or NaN, or does not fit the state.
        """
        x = layout.parts(x) if self.complex_input else layout.one_part(x)
        jax.tree.map(layout.check_input, x)
        return layout.time_last(self.time_first(jax.tree.map(layout.time_first, x), train=train))

    @nn.compact
    def time_first(
        self, x: Tree, *, train: bool = False, run: persistence.Run | None = None
    ) -> jax.Array:
        """As ``__call__``, on ``[T, N, ..., C]``, or a nest of ``real`` and ``imag`` of it.

        Args:
          x: The drive.
          train: Drop neurons and use batch statistics.
          run: Another way through time, e.g. with feedback; `jslayer.ops.engine.run` if ``None``.
        """
        self.check_fields()
        if run is None:
            policy = "save" if self.policy == "save" else "recompute"
            run = functools.partial(engine.run, implementation=self.implementation, policy=policy)
        if self.is_mutable_collection(persistence.LINK) and not self.is_initializing():
            run = persistence.across_calls(self, run)
        first = jax.tree.leaves(x)[0]
        params = self.dynamics_params(first)
        x = self.normed_drive(self.dropped(x, train), train)
        integrate = lambda state: self.integrate(params, state, x, train, run)
        outputs = persistence.carry_dynamics(
            self, self.persistent_state, self.dynamics(), first, integrate
        )
        if self.wants_traces():
            for name, trace in outputs.items():
                if name != self.main_output:
                    self.sow("intermediates", name, layout.time_last(trace))
        return outputs[self.main_output]

    @property
    def main_output(self) -> str:
        """Name of the output that goes on to the next layer."""
        return "spike"

    def integrate(
        self,
        params: Mapping[str, jax.Array],
        state: Tree | None,
        x: Tree,
        train: bool,
        run: persistence.Run,
    ) -> tuple[Tree, Tree]:
        """From drive to outputs by name, and the last state."""
        del train
        return run(self.dynamics(), params, state, x)

    def step(
        self, variables: Mapping[str, Any], x: Any, state: Mapping[str, Any] | None = None
    ) -> tuple[jax.Array, Mapping[str, Any]]:
        """One time step, as a pure function of variables, input and state.

        Step by step gives the same, bit for bit, as one call over all steps.

        Args:
          variables: The neuron's collections; a ``state`` among them is not read.
          x: ``[N, C, ...]`` drive of this step; a pair of them for complex families.
          state: What the step before returned; ``None`` is rest.

        Returns:
          Spikes ``[N, C, ...]`` and the state for the next step.

        Example:
          >>> import jax.numpy as jnp
          >>> from jslayer.neuron import cuba
          >>> neuron, x = cuba.Neuron(1.0, 1.0, 0.0), jnp.full((1, 1), 0.6)
          >>> spike, state = neuron.step({}, x)
          >>> spike, state = neuron.step({}, x, state)
          >>> float(spike[0, 0])
          1.0
        """
        held = {name: tree for name, tree in variables.items() if name != persistence.COLLECTION}
        if state is not None:
            held[persistence.COLLECTION] = state
        x = jax.tree.map(lambda part: part[..., None], x)
        y, updated = self.clone(persistent_state=True).apply(
            held, x, mutable=[persistence.COLLECTION]
        )
        return y[..., 0], updated[persistence.COLLECTION]

    @property
    def w_scale(self) -> int:
        """Integer weights per threshold unit."""
        return self.scale

    @property
    def s_scale(self) -> int:
        """Integer states per threshold unit."""
        return self.scale * fixed_point.STATE_PER_WEIGHT

    @property
    def p_scale(self) -> int:
        """Integer that stands for a decay of one."""
        return fixed_point.DECAY_SCALE

    @property
    def weight_exponent(self) -> int:
        """Exponent of the weights in hardware, always 0: states are 2^6 finer."""
        return 0

    @nn.nowrap
    def quantize_8bit(self, weight: jax.Array, descale: bool = False) -> jax.Array:
        """Quantises weights to the grid of this neuron; see `jslayer.ops.quantize`."""
        return quantize.quantize_8bit(weight, self.scale, descale=descale)

    def dropped(self, x: Tree, train: bool) -> Tree:
        """Dropout on the drive, if there is one (a `Dropout`, or its probability)."""
        return x if self.dropout is None else self.new_dropout(self).time_first(x, train=train)

    @nn.nowrap
    def new_dropout(self, parent: nn.Module) -> Dropout:
        """This neuron's dropout as a part of ``parent``, inside its compact method."""
        p = self.dropout.p if isinstance(self.dropout, Dropout) else self.dropout
        return Dropout(p, parent=parent, name="drop")

    @property
    def norm_names(self) -> tuple[str, ...]:
        """Names of this neuron's norms, if it has any."""
        return ("real_norm", "imag_norm") if self.complex_input else ("norm",)

    def normed(self, x: jax.Array, train: bool, name: str = "norm") -> jax.Array:
        """The norm, if there is one, made with this neuron's quantiser."""
        if self.norm is None:
            return x
        norm = self.norm(pre_hook=self.quantize_8bit, parent=self, name=name)
        return norm.time_first(x, train=train)

    def normed_drive(self, x: Tree, train: bool) -> Tree:
        """The norm on the drive, where most families have it; both parts of a complex one."""
        if not self.complex_input:
            return self.normed(x, train)
        return {part: self.normed(x[part], train, f"{part}_norm") for part in ("real", "imag")}

    def wants_traces(self) -> bool:
        """True if the caller collects ``intermediates``: then traces are sown."""
        return self.is_mutable_collection("intermediates") and not self.is_initializing()


ZERO = (
    " Exactly 0 is for cuba, rf and adrf, which do not spike at rest then, without threshold_grad."
)


def check_threshold(
    name: str,
    value: parameters.Number | parameters.Values,
    scale: int,
    shared: Any,
    *,
    zero: bool = False,
) -> None:
    """Raises ``ValueError`` unless a threshold, where known, is one weight unit or more, finite.

    With ``zero`` it may also be 0, but nothing that only rounds to it.
    """
    parameters.check_array(name, value, shared)
    value = parameters.numbers(value)
    if not check.is_concrete(value):
        return
    allowed = zero & (np.asarray(value) == 0)
    if not np.isfinite(value).all() or np.any(
        (fixed_point.whole_weights(value, scale) < 1) & ~allowed
    ):
        raise ValueError(
            f"`{name}` is {value}, expected at least 1 / scale = {1 / scale} "
            "and finite; below that it rounds to 0 and the surrogate has no width."
            + (ZERO if np.any(np.asarray(value) == 0) else "")
        )
