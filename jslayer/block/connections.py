"""What lies between the blocks of a network, read from its program."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import flax
import jax
import numpy as np
from jax.extend import core

INPUT = -1
"""Number of the network's input among the blocks."""

block_call = core.Primitive("block")
"""Stands for the call of a block in a program; its parameter ``number`` tells them apart."""
block_call.multiple_results = True


@block_call.def_abstract_eval
def _sizes(*given, number, sizes):
    del given, number
    return [jax.core.ShapedArray(shape, np.dtype(dtype)) for shape, dtype in sizes]


CALLS = (
    *("jit", "pjit", "closed_call", "core_call", "core_closed_call", "remat", "checkpoint"),
    *("remat2", "custom_jvp_call", "custom_vjp_call", "custom_vjp_call_jaxpr"),
)
"""Steps of a program that run another one once."""

SAME = ("copy", "copy_p", "optimization_barrier", "sharding_constraint", "name", "stop_gradient")
"""Steps that give what they take."""

_LIBRARIES = tuple(
    os.path.dirname(os.path.abspath(home)) + os.sep
    for home in (jax.__file__, flax.__file__, os.path.dirname(os.path.abspath(__file__)))
)


class Sent(NamedTuple):
    """An array that is what blocks sent, side by side.

    Attributes:
      sources: Their numbers; `INPUT` is the network's input.
      flat: The images of which it is made are flattened, channel slowest, to so many numbers; 0 if
        they are not.
    """

    sources: tuple[int, ...]
    flat: int = 0


class Count(NamedTuple):
    """The rate of events of a block."""

    number: int


class Computed(NamedTuple):
    """An array that something else gives.

    Attributes:
      what: What gives it and where, as it stands in a sentence.
    """

    what: str


Value = Sent | Count | Computed | None
"""What is known of an array; ``None`` depends on no input."""


class Reading(NamedTuple):
    """What a program says.

    Attributes:
      reads: By number of a block what it reads.
      outputs: What the program returns.
      within: By number of a block the step that runs it more or less than once.
    """

    reads: dict[int, list[Value]]
    outputs: list[Value]
    within: dict[int, str]


def reading(program: core.ClosedJaxpr) -> Reading:
    """Which blocks read and return which, in a program whose first argument is the input.

    Args:
      program: Made with `block_call` in the place of every block; its other arguments are numbers.

    Returns:
      A `Reading`.
    """
    found = Reading({}, [], {})
    given: list[Value] = [Sent((INPUT,)), *[None] * (len(program.jaxpr.invars) - 1)]
    found.outputs.extend(_follow(program.jaxpr, given, found))
    return found


def _follow(jaxpr: core.Jaxpr, given: Sequence[Value], found: Reading) -> list[Value]:
    """Follows arrays through a program; returns what is known of its outputs."""
    known: dict[Any, Value] = dict(zip(jaxpr.invars, given, strict=True))
    value = lambda var: None if isinstance(var, core.Literal) else known.get(var)
    for step in jaxpr.eqns:
        sent = _step(step, [value(var) for var in step.invars], found)
        known.update(zip(step.outvars, sent, strict=True))
    return [value(var) for var in jaxpr.outvars]


def _step(step: core.JaxprEqn, given: list[Value], found: Reading) -> list[Value]:
    """What a step of a program gives."""
    name = step.primitive.name
    if step.primitive is block_call:
        number = step.params["number"]
        found.reads[number] = given
        return [Sent((number,)), *(Count(number) for _ in step.outvars[1:])]
    inner = _programs(step)
    if name in CALLS and len(inner) == 1 and len(inner[0].invars) == len(given):
        return _follow(inner[0], given, found)
    for number in _numbers(inner):
        found.within[number] = f"`{name}`{_line(step)}"
    if all(part is None for part in given):
        return [None] * len(step.outvars)
    passed = _passed(step, name, given)
    if passed is not None:
        return [passed]
    computed = [part for part in given if isinstance(part, Computed)]
    return [computed[0] if computed else Computed(_what(step))] * len(step.outvars)


def _passed(step: core.JaxprEqn, name: str, given: list[Value]) -> Value:
    """What a step passes on that computes nothing; ``None`` for all others."""
    sent = [part for part in given if isinstance(part, Sent)]
    if len(sent) != len(given) or len(step.outvars) != 1:
        return None
    before, after = step.invars[0].aval, step.outvars[0].aval
    if name == "concatenate" and step.params["dimension"] == 1 and before.ndim > 2:
        if any(part.flat for part in sent):
            return None
        return Sent(tuple(source for part in sent for source in part.sources))
    if name in SAME or (name == "convert_element_type" and _keeps_numbers(before, after)):
        return sent[0]
    if name == "reshape" and step.params.get("dimensions") is None:
        if before.shape == after.shape:
            return sent[0]
        images = before.ndim == 5 and after.ndim == 3 and not sent[0].flat
        if images and (before.shape[0], before.shape[-1]) == (after.shape[0], after.shape[-1]):
            return Sent(sent[0].sources, flat=after.shape[1])
    return None


def _keeps_numbers(before: Any, after: Any) -> bool:
    """True for a cast that changes no event: to floats, or among whole numbers."""
    to_float = jax.numpy.issubdtype(after.dtype, np.floating)
    return to_float or before.dtype == after.dtype


def _programs(step: core.JaxprEqn) -> list[core.Jaxpr]:
    """The programs that a step runs."""
    kinds = (core.Jaxpr, core.ClosedJaxpr)
    params = jax.tree.leaves(
        list(step.params.values()), is_leaf=lambda value: isinstance(value, kinds)
    )
    held = [value for value in params if isinstance(value, kinds)]
    return [value.jaxpr if isinstance(value, core.ClosedJaxpr) else value for value in held]


def _numbers(programs: Sequence[core.Jaxpr]) -> list[int]:
    """Numbers of the blocks that run inside of programs."""
    found: list[int] = []
    for program in programs:
        for step in program.eqns:
            if step.primitive is block_call:
                found.append(step.params["number"])
            found += _numbers(_programs(step))
    return found


def _what(step: core.JaxprEqn) -> str:
    """A step of a program in words."""
    shapes = " and ".join(str(list(var.aval.shape)) for var in step.invars[:2])
    axis = step.params.get("dimension")
    axis = f" along axis {axis}" if step.primitive.name == "concatenate" else ""
    return f"`{step.primitive.name}`{axis} of {shapes}{_line(step)}"


def _line(step: core.JaxprEqn) -> str:
    """Where a step stands in the user's files."""
    trace = step.source_info.traceback
    for frame in trace.frames if trace is not None else ():
        path = os.path.abspath(frame.file_name)
        if not path.startswith(_LIBRARIES) and not frame.file_name.startswith("<frozen"):
            return f" in {os.path.basename(path)}, line {frame.line_num}"
    return ""


def described(value: Value, names: Mapping[int, str]) -> str:
    """What is known of an array, as it stands in a sentence."""
    if isinstance(value, Computed):
        return value.what
    if isinstance(value, Count):
        return f"the event rate of {names[value.number]}"
    if value is None:
        return "numbers that do not depend on the input"
    parts = " and ".join("the input" if n == INPUT else names[n] for n in value.sources)
    return f"a join of {parts}" if len(value.sources) > 1 else parts
