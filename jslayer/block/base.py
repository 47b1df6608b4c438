"""What all blocks share: their neuron, the axes, the shift by one step and the event count."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Literal

import flax.linen as nn
import jax
import jax.numpy as jnp

from jslayer import persistence
from jslayer.neuron import parameters
from jslayer.neuron.base import Neuron
from jslayer.ops import event_batch, layout
from jslayer.ops.events import event_fraction
from jslayer.ops.shift import step_delay
from jslayer.synapse.hashable import Hashable

MAX_DELAY = 62
"""Largest learnable delay of a block, in steps: what the hardware can hold."""

Hook = Callable[[jax.Array], jax.Array] | None | Literal["neuron"]
"""Weight hook: a function, ``None`` for none, or ``"neuron"`` for the neuron's quantiser."""


class _OwnNames(type):
    """Type of the block classes: `dir` of a class, and so `help`, leaves out what Flax has.

    Blocks have all of it; its description is a thousand lines, in which theirs would be lost.
    """

    def __dir__(cls) -> list[str]:
        """Names of the class that a Flax module does not have."""
        return sorted(set(super().__dir__()) - _FLAX)


_FLAX = frozenset(dir(type("Module", (nn.Module,), {})))


class Block(Hashable, metaclass=_OwnNames):
    """Base of all blocks; they hash by value, so that they can be static arguments.

    Attributes:
      neuron_kind: Class of the family's neuron.
    """

    neuron_kind: ClassVar[type[Neuron] | None] = None
    _exporter: ClassVar[Callable[..., None] | None] = None  # `jslayer.hdf5` puts it here

    def __post_init__(self):
        given = getattr(self, "neuron_params", None)
        if given is not None:
            object.__setattr__(
                self, "neuron_params", {n: parameters.hashable(v) for n, v in given.items()}
            )
        super().__post_init__()

    @nn.nowrap
    def export_hdf5(self, group: Any, variables: Mapping[str, Any] | None = None) -> None:
        """Writes this block into an open `h5py.Group`, as `jslayer.hdf5.write_block` does.

        ``variables`` are the block's own; ``None`` for those that `bind` gave the network.
        """
        if self._exporter is None:
            raise RuntimeError(
                "`jslayer.hdf5` is not imported, expected it to write network files; import "
                "jslayer, or jslayer.hdf5, first."
            )
        if variables is None and self.scope is None:
            raise ValueError(
                f"`variables` is None for a {type(self).__name__} that is not bound, expected its "
                "own collections; take the block from `network.bind(variables)`, or pass them."
            )
        self._exporter(group, self, self.variables if variables is None else variables)

    @nn.nowrap
    def new_neuron(self, **changes: Any) -> Neuron:
        """The family's neuron, unattached, made from ``neuron_params``."""
        return self.neuron_kind(**{**self.neuron_params, **changes}, parent=None)

    def run_neuron(self, neuron: Neuron, z: Any, train: bool, **options: Any) -> jax.Array:
        """Spikes of the block's neuron for a time-first drive, real or a pair."""
        if neuron.complex_input:
            z = layout.parts(z)
        return neuron.clone(parent=self, name="neuron").time_first(z, train=train, **options)

    @nn.nowrap
    def weight_hook(self) -> Callable[[jax.Array], jax.Array] | None:
        """The hook in use on weights."""
        hook = getattr(self, "pre_hook_fx", "neuron")
        return self.new_neuron().quantize_8bit if hook == "neuron" else hook

    def persistent(self) -> bool:
        """True if the neuron carries its state, so that the block carries its own."""
        return bool((getattr(self, "neuron_params", None) or {}).get("persistent_state", False))

    def binary(self, incoming: bool) -> bool:
        """True if all that the block sends is zero or one, given whether what comes in is."""
        del incoming
        return False

    def shifted(self, x: jax.Array) -> jax.Array:
        """One step of delay, with the spike held back kept between calls."""

        def run(kept: Mapping[str, jax.Array] | None) -> tuple[jax.Array, dict[str, jax.Array]]:
            held = None if kept is None else layout.step_last(kept["held_back"])
            y, last = step_delay(x, held)
            return y, {"held_back": layout.step_first(last)}

        rest = lambda: {"held_back": jnp.zeros_like(layout.step_first(x[0]))}
        return persistence.carry(self, self.persistent(), rest, run)

    def finish(self, y: jax.Array) -> Any:
        """Counts events, turns the axes back and returns ``y``, or ``(y, rate)``."""
        rate = event_fraction(y)  # negative graded events count too
        self.sow("intermediates", "event_rate", rate)
        y = layout.time_last(y)
        return (y, rate) if self.count_log else y

    def inner(self, x: jax.Array) -> jax.Array:
        """Checks the input and turns its axes; events may be booleans or integers, and stay so.

        They become floats where they are used: a quarter of the bytes is turned. A batch of lists
        becomes its tensor.
        """
        x = layout.one_part(event_batch.dense(x))
        layout.check_input(x, events=True)
        return layout.time_first(x)

    def remember_shape(self, x: jax.Array) -> None:
        """Notes the size of one step, which the network file needs, in ``constants`` at init."""
        self.remember_size(layout.step_first(x[0]).shape[1:])

    def remember_size(self, shape: tuple[int, ...]) -> None:
        """As `remember_shape`, of ``(C, ...)``."""
        if self.is_initializing():
            self.variable("constants", "shape", lambda: jnp.array(shape, jnp.int32))
