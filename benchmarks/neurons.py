"""Every neuron on its own: forward and backward, beside moving the bytes that it must move.

The leaky integrator and the resonator, which the neurons are made of, come along; so does a table
of what each keeps per neuron. Run ``python -m benchmarks.neurons`` or
``python benchmarks/neurons.py``; ``--help`` lists options.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import floors, timing
from jslayer import neuron, ops
from jslayer.ops.dynamics import Dynamics

LEAKS = {"current_decay": 0.25, "voltage_decay": 0.03}
TURN = {"period": 12, "decay": 0.03}
ADAPTS = {"threshold_step": 0.5, "threshold_decay": 0.1, "refractory_decay": 0.1}
PARAMS = {
    "cuba": {"threshold": 1.25, **LEAKS},
    "alif": {"threshold": 1.25, **LEAKS, **ADAPTS},
    "rf": {"threshold": 0.5, **TURN},
    "rf_iz": {"threshold": 0.5, **TURN},
    "adrf": {"threshold": 0.5, **TURN, **ADAPTS},
    "adrf_iz": {"threshold": 0.5, **TURN, **ADAPTS},
    "sigma_delta": {"threshold": 0.1, "activation": "relu"},
}
"""Arguments of every family's neuron."""
TINY_FAMILIES = ("cuba", "rf_iz")
SHAPES = {"dense, [T, N, C]": (300, 32, 512), "conv, [T, N, H, W, C]": (100, 8, 32, 32, 16)}
TWO_IN = "sum of two arrays"
TINY_SHAPES = {"dense, [T, N, C]": (6, 2, 3)}


@dataclasses.dataclass(frozen=True)
class Subject:
    """A thing to measure.

    Attributes:
      name: What it is called.
      run: ``(params, x) -> output [T, ...]``.
      params: What learns.
      x: Its drive, ``[T, ...]`` or a nest of real and imaginary part.
      record: Its dynamics.
      row_params: The names that the dynamics read.
    """

    name: str
    run: Callable[[Any, Any], jax.Array]
    params: Any
    x: Any
    record: Dynamics
    row_params: tuple[str, ...]

    def bytes(self) -> dict[str, int]:
        """Bytes per neuron: of the state, and per step of drive, output and residuals."""
        like = jax.ShapeDtypeStruct((1,), jnp.float32)
        one = jax.tree.map(lambda _: like, self.x)
        state = jax.eval_shape(self.record.init, like)
        params = {name: like for name in self.row_params}
        step = lambda p, s, x: self.record.step_with_residuals(self.record.prepare(p), s, x)
        _, _, residuals = jax.eval_shape(step, params, state, one)
        count = lambda tree: sum(a.size * a.dtype.itemsize for a in jax.tree.leaves(tree))
        return {
            "state": count(state),
            "drive": count(one),
            "output": count(like),
            "kept for the gradient": count(residuals),
        }


def drive(shape: tuple[int, ...], parts: bool) -> Any:
    """Time-first drive at which a few per cent of the neurons spike; two parts if complex."""
    x = 0.1 * floors.random(0, *shape)
    return {"real": x, "imag": 0.1 * floors.random(1, *shape)} if parts else x


def subjects(shape: tuple[int, ...], families: Sequence[str]) -> list[Subject]:
    """The neurons and their two filters, for a time-first shape."""
    found = []
    for name in families:
        module = getattr(neuron, name).Neuron(**PARAMS[name], requires_grad=True)
        x = drive(shape, module.complex_input)
        small = jax.tree.map(lambda part: part[:2], x)
        init = jax.jit(functools.partial(module.init, method="time_first"))
        variables = init(jax.random.key(0), small)
        rest = {k: v for k, v in variables.items() if k != "params"}

        def run(params, x, module=module, rest=rest):
            return module.apply({**rest, "params": params}, x, method="time_first")

        bound = module.bind(variables)
        rows = tuple(bound.dynamics_params(jax.tree.leaves(small)[0]))
        params = variables.get("params", {})
        found.append(Subject(name, run, params, x, bound.dynamics(), rows))
    bare = (
        ("cuba, policy recompute", found[0].record, PARAMS["cuba"], "spike", "recompute"),
        ("leaky integrator", ops.LeakyIntegrator(), {"decay": 0.03}, "y", "save"),
        ("resonator", ops.Resonator(), {"sin_decay": 0.5, "cos_decay": 0.8}, "imag", "save"),
    )
    for name, record, values, output, policy in bare:
        params = {key: jnp.float32(value) for key, value in values.items()}

        def run(params, x, record=record, output=output, policy=policy):
            return ops.run(record, params, None, x, policy=policy)[0][output]

        x = drive(shape, name == "resonator")
        found.append(Subject(name, run, params, x, record, tuple(params)))
    return found


def cases(subject: Subject, floor_of: Mapping[int, str]) -> list[timing.Case]:
    """Forward, and forward with backward to the drive and to all that learns."""

    def pulled(argnums):
        """The cotangent is an array, as a constant would be folded."""

        def both(params, x, cotangent):
            loss = lambda p, x: jnp.vdot(subject.run(p, x), cotangent)
            return jax.grad(loss, argnums)(params, x)

        return jax.jit(both)

    first = jax.tree.leaves(subject.x)[0]
    cotangent = 1.0 + 0.1 * floors.random(2, *first.shape)
    given = (subject.params, subject.x)
    forward_floor = TWO_IN if isinstance(subject.x, dict) else floor_of[1]
    both_floor = floor_of[training_arrays(subject)]
    both_ways = f"{subject.name}: forward + backward to"
    return [
        timing.Case(
            f"{subject.name}: forward",
            functools.partial(jax.jit(subject.run), *given),
            forward_floor,
        ),
        timing.Case(
            f"{both_ways} drive", functools.partial(pulled(1), *given, cotangent), both_floor
        ),
        timing.Case(
            f"{both_ways} drive and parameters",
            functools.partial(pulled((0, 1)), *given, cotangent),
            both_floor,
        ),
    ]


def training_arrays(subject: Subject) -> int:
    """Arrays read, and as many written, by forward and backward together."""
    sizes = subject.bytes()
    return (sizes["drive"] + sizes["output"] + sizes["kept for the gradient"]) // 4


def measure(report: timing.Report, title: str, found: Sequence[Subject], rounds: int) -> None:
    """One table for one shape."""
    counts = sorted({1, *(training_arrays(subject) for subject in found)})
    floor_of = {n: "copy" if n == 1 else f"copy of {n}x the bytes" for n in counts}
    x = jax.tree.leaves(found[0].x)[0]
    rows = [timing.Case(floor_of[n], floors.moved(x, n)) for n in counts]
    add = functools.partial(jax.jit(jnp.add), x, x + 1.0)
    rows.append(timing.Case(TWO_IN, add))
    for subject in found:
        rows += cases(subject, floor_of)
    report.add(f"{title} = {list(x.shape)}", rows, rounds=rounds)


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    report = timing.Report("Neurons, float32, time first")
    families = TINY_FAMILIES if chosen.tiny else tuple(PARAMS)
    for title, shape in (TINY_SHAPES if chosen.tiny else SHAPES).items():
        measure(report, title, subjects(shape, families), chosen.rounds)
    report.add_rows(
        "bytes per neuron: of the state, and per step of the others",
        [
            {"neuron": subject.name, **subject.bytes()}
            for subject in subjects((2, 1, 2), families)
            if "recompute" not in subject.name  # what it keeps depends on T: see `memory`
        ],
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
