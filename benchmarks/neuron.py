"""CUBA neuron on its own: forward and backward, beside a copy of the bytes it must move.

Run ``python -m benchmarks.neuron`` or ``python benchmarks/neuron.py``; ``--help`` lists options.
"""

import functools
import sys
from collections.abc import Sequence
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing
from jslayer import ops
from jslayer.neuron import cuba
from jslayer.ops.cuba import Cuba
from jslayer.ops.surrogate import Exponential

CONSTANTS = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}
SHAPES = ((300, 32, 512), (100, 32, 4096), (2000, 1, 4096))
TINY_SHAPES = ((6, 2, 3),)


def drive(shape: tuple[int, ...]) -> jax.Array:
    """Time-first input at which a few per cent of the neurons spike."""
    random = np.random.default_rng(0)
    return jnp.asarray(random.standard_normal(shape, np.float32) * 0.1)


def cases(x: jax.Array) -> list[timing.Case]:
    """All rows for one time-first input ``[T, N, C]``."""
    neuron = cuba.Neuron(**CONSTANTS, requires_grad=True)
    variables = neuron.init(jax.random.key(0), x, method="time_first")
    dynamics = Cuba(surrogate=Exponential(tau=125.0, scale=0.1))
    decays = {name: jnp.float32(value) for name, value in CONSTANTS.items()}
    x_ncT = jnp.moveaxis(x, (0, -1), (-1, 1)).copy()
    cotangent = drive(x.shape) + 1.0

    module = lambda v, x: neuron.apply(v, x, method="time_first")
    outer = lambda v, x: neuron.apply(v, x)
    bare = lambda p, x: ops.run(dynamics, p, None, x)[0]["spike"]

    def pulled(function, argnums):
        """Forward, then backward of a dense cotangent; an array, as a constant would be folded."""

        def both(params, x, cotangent):
            return jax.grad(lambda p, x: jnp.vdot(function(p, x), cotangent), argnums)(params, x)

        return jax.jit(both)

    def case(name, function, *args, floor="copy"):
        return timing.Case(name, functools.partial(function, *args), floor)

    both = (0, 1)
    return [
        case("copy", jax.jit(lambda x: x + 1.0), x, floor=None),
        case("copy of 4x the bytes", jax.jit(_four_copies), x, floor=None),
        case("forward, ops.run", jax.jit(bare), decays, x),
        case("forward, Neuron, time first", jax.jit(module), variables, x),
        case("forward, Neuron, [N, C, T]", jax.jit(outer), variables, x_ncT),
        *(
            case(
                name, pulled(function, argnums), params, x, cotangent, floor="copy of 4x the bytes"
            )
            for name, function, params, argnums in (
                ("forward + backward to input, ops.run", bare, decays, 1),
                ("forward + backward to input and decays, ops.run", bare, decays, both),
                ("forward + backward to input, Neuron", module, variables, 1),
                ("forward + backward to input and decays, Neuron", module, variables, both),
            )
        ),
    ]


def _four_copies(x):
    return tuple(x + np.float32(k) for k in range(1, 5))


def lava_cases(x: jax.Array) -> list[timing.Case]:
    """The same neuron in lava-dl, where that can be imported; else no row."""
    try:
        import lava.lib.dl.slayer as slayer
        import torch
    except ImportError:
        return []
    drive_torch = torch.from_numpy(np.moveaxis(np.asarray(x), 0, -1).copy()).requires_grad_(True)
    neuron = slayer.neuron.cuba.Neuron(**CONSTANTS, requires_grad=True)

    def forward():
        with torch.no_grad():
            neuron(drive_torch)

    def both():
        neuron(drive_torch).sum().backward()

    return [
        timing.Case("forward, lava-dl", forward, "forward, Neuron, [N, C, T]"),
        timing.Case(
            "forward + backward, lava-dl", both, "forward + backward to input and decays, Neuron"
        ),
    ]


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    report = timing.Report("CUBA neuron, float32")
    for shape in TINY_SHAPES if chosen.tiny else SHAPES:
        x = drive(shape)
        rows = [*cases(x), *lava_cases(x)]
        report.add(f"[T, N, C] = {list(shape)}", rows, rounds=chosen.rounds)
    if not lava_cases(drive(TINY_SHAPES[0])):
        report.say("lava-dl is absent: no comparison.")
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
