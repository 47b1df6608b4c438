"""Whether a GPU gives the bits of the CPU: every dynamics on every backend, every family of blocks.

`benchmarks.gpu` runs these checks; each is a function that a process of its own can run, because
compiling is what takes the time.
"""

import dataclasses
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import Sequential, block
from jslayer.ops.engines import scan, select
from jslayer.ops.recurrent import run_recurrent
from tests.block import cases as blocks
from tests.neuron import cases as neurons
from tests.ops.engines.cases import BY_NAME

PASSES = ("forward", "training", "backward")
SIZES = ((3, 1), (1, 127), (300, 128), (3, 130), (41, 1000), (300, 1001), (300, 16384))
"""``(steps, neurons)``: below, at and beside multiples of a tile."""
TINY_SIZES = ((3, 130), (1, 127))
EVERY_SIZE = ("cuba", "adrf")
"""Dynamics that are checked at every size; the others take turns."""
FEEDBACK = ("cuba", "alif", "rf_iz", "sigma-delta")
"""Dynamics that are checked with their output fed back."""
FAMILIES = tuple(neurons.FIELDS)
BOUND = 5e-6
"""Largest difference of a gradient, relative to its maximum: compilers contract differently."""


@dataclasses.dataclass(frozen=True)
class Check:
    """One comparison.

    Attributes:
      name: Dynamics or network.
      steps: Time steps.
      neurons: Neurons, or 0 for a network.
      engine: What runs on the device.
    """

    name: str
    steps: int
    neurons: int
    engine: str


def checks(engines: tuple[str, ...], *, tiny: bool) -> list[Check]:
    """All comparisons of dynamics, and of networks with the default engine."""
    sizes = TINY_SIZES if tiny else SIZES
    found = []
    for turn, name in enumerate(BY_NAME):
        every = name in EVERY_SIZE and not tiny
        chosen = sizes if every else {sizes[turn % len(sizes)], sizes[-1]}
        found += [Check(name, *size, engine) for engine in engines for size in sorted(chosen)]
    networks = [(family, kind) for family in FAMILIES for kind in ("dense", "conv")]
    networks += [("cuba", "Recurrent"), ("cuba", "KWTA"), ("alif", "Recurrent")]
    for name in FEEDBACK[:1] if tiny else FEEDBACK:
        sizes = ((5, 7),) if tiny else ((3, 1), (60, 33), (60, 128), (200, 256))
        found += [Check(f"{name} with feedback", *size, "default") for size in sizes]
    for family, kind in networks[:2] if tiny else networks:
        found.append(Check(f"{family} {kind}", blocks.STEPS, 0, "default"))
    return [*found[::8], *found[-3:]] if tiny else found


def run(check: Check) -> dict[str, Any]:
    """Compares, and tells what came out as a row of a table."""
    start = time.perf_counter()
    try:
        compare = dynamics if check.neurons else network
        if check.name.endswith("with feedback"):
            compare = feedback
        found = "; ".join(compare(check)) or "equal"
    except Exception as error:  # a kernel that does not compile is a result too
        found = f"{type(error).__name__}: {str(error).splitlines()[0][:160] if str(error) else ''}"
    return {**dataclasses.asdict(check), "result": found, "s": time.perf_counter() - start}


def dynamics(check: Check) -> Iterator[str]:
    """The passes that differ from scan's on the CPU, and by how much."""
    case = BY_NAME[check.name]
    engine = select.engine(check.engine)
    for name in PASSES:
        with jax.default_device(jax.devices("cpu")[0]):
            arguments = case.passes(check.steps, check.neurons)[name]
            expected = compiled(scan.run, arguments[0])(*arguments[1:])
        there = jax.device_put(arguments[1:], jax.devices()[0])
        found = compiled(engine, arguments[0])(*there)
        exact = case.exact and name != "backward"
        yield from (f"{name} {text}" for text in differences(found, expected, exact))


def feedback(check: Check) -> Iterator[str]:
    """Spikes and gradients of two samples with feedback, the device beside the CPU.

    Weights lie on the grid of quantised ones, where sums are exact in any order.
    """
    case = BY_NAME[check.name.removesuffix(" with feedback")]
    steps, channels = check.steps, check.neurons
    x = case.inputs(steps, 2 * channels)
    x = jax.tree.map(lambda leaf: jnp.round(leaf * 32).reshape(steps, 2, channels) / 32, x)
    random = np.random.default_rng(1).normal(0, 0.5 / channels**0.5, (channels, channels))
    weight = jnp.asarray(np.round(64 * random) / 64, jnp.float32)
    weight = jax.tree.map(lambda _: weight, x)
    spread = jnp.cos(jnp.arange(steps, dtype=jnp.float32))[:, None, None]

    @jax.jit
    def both(params, x, weight):
        def total(params, x, weight):
            outputs, last = run_recurrent(case.dynamics, params, None, x, weight)
            return jnp.sum(outputs["spike"] * spread), (outputs, last)

        (_, found), bars = jax.value_and_grad(total, (0, 1, 2), has_aux=True)(params, x, weight)
        return found, bars

    given = {name: jnp.float32(value) for name, value in case.params.items()}, x, weight
    cpu, device = jax.devices("cpu")[0], jax.devices()[0]
    expected, found = (both(*jax.device_put(given, where)) for where in (cpu, device))
    if not np.any(np.asarray(expected[0][0]["spike"])):
        yield "no output at all: nothing was compared"
    yield from (f"forward {text}" for text in differences(found[0], expected[0], True))
    yield from (f"gradient {text}" for text in differences(found[1], expected[1], False))


def compiled(engine: Callable[..., Any], of: Any) -> Callable[..., Any]:
    """An engine on one pass."""
    return jax.jit(functools.partial(engine, of))


def differences(found: Any, expected: Any, exact: bool) -> Iterator[str]:
    """What differs, leaf by leaf: the number of entries, or the largest distance."""
    with_path = jax.tree_util.tree_leaves_with_path(expected)
    for (path, expected_leaf), found_leaf in zip(with_path, jax.tree.leaves(found), strict=True):
        e, f = np.asarray(expected_leaf), np.asarray(found_leaf)
        if exact or e.dtype.kind != "f":
            wrong = int(np.sum(~((e == f) | ((e != e) & (f != f)))))
            if wrong:
                yield f"{jax.tree_util.keystr(path)}: {wrong} of {e.size} entries differ"
        else:
            scale = np.max(np.abs(e), initial=0)
            far = np.max(np.abs(e - f), initial=0)
            if not far <= BOUND * scale:
                yield f"{jax.tree_util.keystr(path)}: off by {far:.3g} of {scale:.3g}"


def network(check: Check) -> Iterator[str]:
    """Spikes and gradients of a network, the default engine on the device beside the CPU."""
    family, kind = check.name.split()
    net, shape = networks(family, kind)
    x = blocks.events(shape)
    cpu, device = jax.devices("cpu")[0], jax.devices()[0]
    with jax.default_device(cpu):
        variables = jax.jit(net.init)(blocks.KEY, x)
    spread = jnp.cos(jnp.arange(shape[-1], dtype=jnp.float32))

    @jax.jit
    def both(variables, x):
        def loss(params):
            y = net.apply({**variables, "params": params}, x)
            return jnp.sum(y * spread[-y.shape[-1] :]), y

        (_, y), bar = jax.value_and_grad(loss, has_aux=True)(variables["params"])
        return y, bar

    expected = both(*jax.device_put((variables, x), cpu))
    found = both(*jax.device_put((variables, x), device))
    spikes = family != "sigma_delta"
    yield from (f"output {text}" for text in differences(found[0], expected[0], spikes))
    yield from (f"gradient {text}" for text in differences(found[1], expected[1], False))
    if not np.any(np.asarray(expected[0])):
        yield "no output at all: nothing was compared"


def networks(family: str, kind: str) -> tuple[Any, tuple[int, ...]]:
    """A small network and the shape of what it takes."""
    home, fields = getattr(block, family), blocks.FIELDS[family]
    scaled = {"weight_scale": 3}
    if kind == "conv":
        layers = [
            home.Conv(fields, 2, 8, 3, 1, 1, delay=True, **scaled),
            home.Pool(fields, 2, delay=True),
            home.Flatten(),
            home.Dense(fields, 32, 10, **scaled),
        ]
        return Sequential(layers), blocks.IMAGE
    if kind == "dense":
        layers = [
            home.Dense(fields, 3, 40, delay=True, **scaled),
            home.Dense(fields, 40, 10, **scaled),
        ]
        return Sequential(layers), blocks.FLAT
    more = (10, 3) if kind == "KWTA" else (10,)
    return Sequential([getattr(home, kind)(fields, 3, *more, **scaled)]), blocks.FLAT
