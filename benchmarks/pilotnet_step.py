"""Full training step of the PilotNet sigma-delta network, beside the convolutions it must do.

The network and its sizes are those of lava-dl's PilotNet tutorial. Data are random frames: nothing
is downloaded. Run ``python -m benchmarks.pilotnet_step`` or ``python benchmarks/pilotnet_step.py``.
"""

import dataclasses
import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import floors, steps, timing
from jslayer import Sequential
from jslayer.block import sigma_delta
from jslayer.neuron import MeanOnlyBatchNorm

IMAGE = (3, 33, 100)
CONVS = (
    {"out_features": 24, "kernel_size": 3, "stride": (2, 2), "padding": (0, 0)},
    {"out_features": 36, "kernel_size": 3, "stride": (2, 2), "padding": (0, 0)},
    {"out_features": 64, "kernel_size": 3, "stride": (2, 1), "padding": (1, 0)},
    {"out_features": 64, "kernel_size": 3, "stride": (1, 1), "padding": (0, 0)},
)
NEURON = {
    "threshold": 0.1,
    "tau_grad": 0.5,
    "scale_grad": 1,
    "requires_grad": True,
    "activation": "relu",
}


@dataclasses.dataclass(frozen=True)
class Size:
    """How large it is."""

    samples: int = 8
    length: int = 16
    convs: tuple[dict[str, Any], ...] = CONVS
    dense: tuple[int, ...] = (100, 50, 10, 1)


TINY = Size(samples=1, length=2, convs=CONVS[:1], dense=(1,))


def network(size: Size, *, tutorial: bool = True) -> Sequential:
    """PilotNet, with the norms and the dropout of the tutorial or without."""
    spatial = {**NEURON, "norm": MeanOnlyBatchNorm} if tutorial else NEURON
    flat = {**spatial, "dropout": 0.2} if tutorial else NEURON
    more = {"weight_scale": 2, "weight_norm": True}
    return Sequential(
        [
            sigma_delta.Input(NEURON),
            *(sigma_delta.Conv(spatial, None, **conv, **more) for conv in size.convs),
            sigma_delta.Flatten(),
            *(sigma_delta.Dense(flat, None, neurons, **more) for neurons in size.dense[:-1]),
            sigma_delta.Output(flat, None, size.dense[-1], **more),
        ]
    )


def products(size: Size) -> Callable[[], Any]:
    """A call that does the step's convolutions and matrix products and nothing else.

    Forward, to the weight and to the input of every layer: of the first one too, since the
    threshold of the input block learns.
    """
    channels, height, width = IMAGE
    layers, x = [], floors.random(0, size.length * size.samples, height, width, channels)
    for seed, conv in enumerate(size.convs):
        run = functools.partial(floors.convolve, stride=conv["stride"], padding=conv["padding"])
        kernel = (conv["kernel_size"],) * 2
        weight = floors.random(seed, conv["out_features"], x.shape[-1], *kernel)
        y = jax.eval_shape(run, x, weight)
        y_bar = floors.random(seed + 1, *y.shape)
        layers.append((run, x, weight, y_bar))
        x = floors.random(seed + 2, *y.shape)
    neurons = (int(np.prod(x.shape[1:])), *size.dense)
    dense = floors.matmuls(neurons, size.samples, size.length, data=False)

    @jax.jit
    def convolutions(given):
        found = []
        for (run, *_), (x, weight, y_bar) in zip(layers, given, strict=True):
            y, pullback = jax.vjp(run, x, weight)
            found.append((y, pullback(y_bar)))
        return found

    arrays = [given for _, *given in layers]
    return lambda: (convolutions(arrays), dense())


def frames(size: Size) -> tuple[jax.Array, jax.Array]:
    """Frames that change slowly ``[N, C, H, W, T]``, and a target ``[N, 1, T]``."""
    random = np.random.default_rng(0)
    x = np.cumsum(random.standard_normal((size.samples, *IMAGE, size.length), np.float32), -1)
    target = random.random((size.samples, 1, size.length), np.float32)
    return jnp.asarray(0.1 * x), jnp.asarray(target)


def to_target(y: jax.Array, target: jax.Array) -> jax.Array:
    """Squared distance at every step."""
    return jnp.mean((y - target) ** 2)


def parts(size: Size) -> list[timing.Case]:
    """Every layer by itself on an input of its size: forward and backward to everything."""
    found, x = [], frames(size)[0]
    for number, block in enumerate(network(size).blocks):
        key = jax.random.key(number)
        init = jax.jit(functools.partial(block.init, train=True))
        variables = init({"params": key, "dropout": key}, x)

        def run(variables, x, block=block, key=key):
            rngs, mutable = {"dropout": key}, ["batch_stats"]
            return block.apply(variables, x, train=True, rngs=rngs, mutable=mutable)[0]

        def both(variables, x, y_bar, run=run):
            learned = params_of(variables)
            y, pullback = jax.vjp(lambda p, x: run({**variables, **p}, x), learned, x)
            return y, pullback(y_bar)

        y = jax.eval_shape(run, variables, x)
        y_bar = floors.random(number, *y.shape)
        call = functools.partial(jax.jit(both), variables, x, y_bar)
        found.append(timing.Case(f"{number}: {type(block).__name__}, {list(y.shape[1:-1])}", call))
        x = 0.1 * y_bar
    return found


def params_of(variables: Any) -> dict[str, Any]:
    """The collection that learns, if there is one."""
    return {name: tree for name, tree in variables.items() if name == "params"}


def main(argv: Sequence[str] | None = None) -> None:
    chosen = timing.options(__doc__, argv)
    size = TINY if chosen.tiny else Size()
    report = timing.Report(
        f"PilotNet sigma-delta training step, {'x'.join(map(str, IMAGE))}, "
        f"batch {size.samples}, T = {size.length}, float32"
    )
    x, target = frames(size)
    floor = "convolutions and matmuls"
    rows = report.add(
        "step",
        [
            timing.Case(floor, products(size)),
            timing.Case("copy of the input", floors.moved(x, 1)),
            *(
                timing.Case(name, steps.training(net, x, target, to_target), floor)
                for name, net in (
                    ("step", network(size)),
                    ("step without norms and dropout", network(size, tutorial=False)),
                )
            ),
        ],
        rounds=chosen.rounds,
    )
    step = rows["step"]
    report.say(
        f"First call {step.first_call_s:.2f} s, of which "
        f"{step.first_call_s - step.median_ms / 1e3:.2f} s are tracing and compiling."
    )
    report.add(
        "layers by themselves, forward + backward, from and to [N, C, H, W, T]",
        parts(size),
        rounds=chosen.rounds,
    )
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


if __name__ == "__main__":
    main()
