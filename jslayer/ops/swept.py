"""Numbers of a record that are arrays: taken out of it, handed on beside it, put back inside.

A record (a `Dynamics`, a surrogate) is a static value, which hashes, so that equal ones compile
once. Where one of its numbers is swept, by `jax.vmap` or as an argument of a jitted function, the
record cannot hold it: its place stays in the record and the array travels with the parameters.
"""

import copy
import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from jslayer.ops.dynamics import Dynamics, Params, Tree

Record = TypeVar("Record")


@dataclasses.dataclass(frozen=True)
class Place:
    """Where an array was taken out.

    Attributes:
      name: Its name among the arrays.
    """

    name: str


def taken_out(record: Record, name: str = "") -> tuple[Record, dict[str, jax.Array]]:
    """A record with places instead of arrays, and the arrays by the place's name.

    Looks into dataclasses, modules, mappings, tuples and partial functions.

    Args:
      record: Anything; returned as it is if there is no array in it.
      name: What the record is called in the names of places.
    """
    found: dict[str, jax.Array] = {}

    def take(path: str, leaf: Any) -> Any:
        if not isinstance(leaf, jax.Array):
            return leaf
        found[path] = leaf
        return Place(path)

    return _mapped(record, name, take), found


def put_back(record: Record, arrays: Mapping[str, jax.Array]) -> Record:
    """The inverse of `taken_out`."""
    if not arrays:
        return record
    return _mapped(record, "", lambda _, leaf: arrays.get(leaf.name, leaf))


def _mapped(value: Any, path: str, change: Callable[[str, Any], Any]) -> Any:
    """``value`` with its arrays and places changed; the same object where nothing did."""
    if isinstance(value, jax.Array | Place):
        return change(path, value)
    go = lambda name, part: _mapped(part, f"{path}.{name}" if path else str(name), change)
    if isinstance(value, Mapping):
        parts = {name: go(name, part) for name, part in value.items()}
        return type(value)(parts) if _differ(parts.values(), value.values()) else value
    if isinstance(value, tuple):
        parts = [go(number, part) for number, part in enumerate(value)]
        if not _differ(parts, value):
            return value
        return value._make(parts) if hasattr(value, "_make") else tuple(parts)
    if isinstance(value, functools.partial):
        held = go("args", value.args), go("keywords", value.keywords)
        if not _differ(held, (value.args, value.keywords)):
            return value
        return type(value)(value.func, *held[0], **held[1])
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [field.name for field in dataclasses.fields(value) if field.init]
        if hasattr(value, "clone"):  # a module: who its parent is stays its own affair
            names = [name for name in names if name not in ("parent", "name")]
        old = {name: getattr(value, name) for name in names}
        new = {name: go(name, part) for name, part in old.items()}
        new = {name: part for name, part in new.items() if part is not old[name]}
        return _replaced(value, new) if new else value
    return value


def _differ(new, old):
    return any(a is not b for a, b in zip(new, old, strict=True))


def _replaced(value, new):
    if hasattr(value, "clone"):
        return value.clone(**new)
    # not made anew, which would check its fields, and these are no numbers
    value = copy.copy(value)
    for name, part in new.items():
        object.__setattr__(value, name, part)
    return value


def apart(dynamics: Dynamics, params: Params) -> tuple[Dynamics, dict[str, Any]]:
    """A static record for ``dynamics``, and its parameters with the numbers that are arrays.

    Args:
      dynamics: A record, any of whose numbers may be an array that broadcasts to the neurons.
      params: Its parameters.

    Returns:
      The record itself and ``params`` where no number is an array, else a `Swept` and more.
    """
    record, numbers = taken_out(dynamics, "dynamics")
    if not numbers:
        return dynamics, dict(params)
    return Swept(record, tuple(numbers)), {**params, **numbers}


@dataclasses.dataclass(frozen=True)
class Swept(Dynamics):
    """The same dynamics with some of its numbers among the parameters.

    Numbers get the gradient of the automatic adjoint; with an adjoint of its own a dynamics says
    nothing about them, and it is zero.

    Attributes:
      dynamics: The record, with places.
      numbers: Names of what belongs there.
    """

    dynamics: Dynamics
    numbers: tuple[str, ...]

    def _whole(self, params: Params) -> tuple[Dynamics, dict[str, jax.Array]]:
        """The dynamics with its numbers, and its own parameters."""
        numbers = {name: params[name] for name in self.numbers}
        own = {name: value for name, value in params.items() if name not in numbers}
        return put_back(self.dynamics, numbers), own

    def _shapes(self) -> Dynamics:
        """The dynamics with zeros for its numbers: right for shapes, and for adjoints at rest."""
        return put_back(self.dynamics, dict.fromkeys(self.numbers, jnp.zeros((), jnp.float32)))

    def check(self, params: Params) -> None:
        """As the dynamics."""
        whole, own = self._whole(params)
        whole.check(own)

    def prepare(self, params: Params) -> Tree:
        """As the dynamics, beside the numbers."""
        whole, own = self._whole(params)
        return {"own": whole.prepare(own), **{name: params[name] for name in self.numbers}}

    def init(self, like: jax.Array) -> Tree:
        """The shapes of the dynamics' state at rest."""
        return self._shapes().init(like)

    def step(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree]:
        """One time step."""
        whole, own = self._whole(constants)
        return whole.step(own["own"], state, x)

    def step_with_residuals(self, constants: Tree, state: Tree, x: Tree) -> tuple[Tree, Tree, Tree]:
        """One time step for training."""
        whole, own = self._whole(constants)
        return whole.step_with_residuals(own["own"], state, x)

    @property
    def traces(self) -> tuple[str, ...]:
        """As the dynamics."""
        return self.dynamics.traces

    def residual_tangents(
        self, params_dot: Params, before: Tree, x_dot: Tree, values_dot: Tree, after: Tree
    ) -> Tree:
        """As the dynamics."""
        own = {name: dot for name, dot in params_dot.items() if name not in self.numbers}
        return self._shapes().residual_tangents(own, before, x_dot, values_dot, after)

    def adjoint_init(self, like: jax.Array) -> Tree:
        """As the dynamics."""
        return self._shapes().adjoint_init(like)

    def adjoint(
        self, params: Params, bar: Tree, residuals: Tree, cotangents: Tree
    ) -> tuple[Tree, Tree, dict[str, jax.Array]]:
        """One step backward."""
        if type(self.dynamics).adjoint is Dynamics.adjoint:
            return super().adjoint(params, bar, residuals, cotangents)
        whole, own = self._whole(params)
        bar, x_bar, params_bar = whole.adjoint(own, bar, residuals, cotangents)
        zeros = {name: jnp.zeros_like(params[name]) for name in self.numbers}
        return bar, x_bar, {**params_bar, **zeros}
