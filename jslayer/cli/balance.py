"""Balances a simulated pole: a spiking network in closed loop, one time step at a time.

``jslayer train --data balance`` trains a network of 64 neurons to steer a cart so that the
pole on it stays upright, lets it steer for ten seconds against pushes, and draws what happened.

The network sees the cart's state as currents and answers with a voltage, the force. It learns by
imitation (DAgger): it steers, the states that it gets into are recorded, and it learns what a
linear-quadratic regulator would have done in them. Steering needs the network step by step
(`jslayer.block.stream`), learning takes all steps at once (``network.apply``).

References:
  Barto, Sutton and Anderson, Neuronlike Adaptive Elements That Can Solve Difficult Learning
    Control Problems, 1983 (the cart and its limits).
  Ross, Gordon and Bagnell, A Reduction of Imitation Learning and Structured Prediction to
    No-Regret Online Learning, 2011 (DAgger).
"""

import argparse
import dataclasses
import functools
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax

from jslayer import hdf5
from jslayer.block import Sequential, Stream, cuba, stream
from jslayer.block.graph import own_variables
from jslayer.cli.folder import drawing_lacks, ended, noted, record, started
from jslayer.cli.name import called
from jslayer.cli.recipes.base import About, Settings
from jslayer.io import style
from jslayer.io.files import replacing

STEP_S, STEPS = 0.02, 500
GRAVITY, CART_KG, POLE_KG, HALF_POLE_M = 9.8, 1.0, 0.1, 0.5
MAX_FORCE_N, MAX_ANGLE_RAD, MAX_POSITION_M = 10.0, np.deg2rad(12), 2.4

SENSITIVITY = (1.0, 1.0, 5.0, 2.0)
"""Current per metre, metre per second, radian and radian per second."""
MAX_CURRENT = 3.0

HIDDEN = {
    "threshold": 1.0,
    "current_decay": 1.0,
    "voltage_decay": 0.1,
    "tau_grad": 0.03,
    "scale_grad": 3,
    "shared_param": False,
    "requires_grad": True,
}
READOUT = {"threshold": 1.0, "current_decay": 0.7, "voltage_decay": 0.7, "requires_grad": True}

ABOUT = About(
    task="steer a cart so that the pole on it stays upright, in closed loop",
    needs="nothing",
    expect="upright for ten seconds against pushes; an epoch is a round of 32 carts",
    settings=Settings(epochs=400, learning_rate=5e-3, batch_size=32),
    own_neurons=True,
)

Variables = Mapping[str, Any]


def advance(cart: jax.Array, force: jax.Array) -> jax.Array:
    """One step of the cart and the pole, without friction.

    With position p, angle a (0 is upright), force F, masses M (cart) and m (pole), half the pole's
    length l: ``q = (F + m l a'^2 sin a) / (M + m)``,
    ``a'' = (g sin a - q cos a) / (l (4/3 - m cos^2 a / (M + m)))``,
    ``p'' = q - m l a'' cos a / (M + m)``; speeds advance first, then position and angle with them.

    Args:
      cart: ``[..., 4]`` position (m), speed, angle (rad), angular speed.
      force: ``[...]``, in newtons.

    Returns:
      The next ``cart``.

    Example:
      >>> still = advance(jnp.zeros(4), jnp.float32(0.0))
      >>> bool((still == 0).all())
      True
    """
    position, speed, angle, turning = jnp.moveaxis(cart, -1, 0)
    sin, cos = jnp.sin(angle), jnp.cos(angle)
    mass, moment = CART_KG + POLE_KG, POLE_KG * HALF_POLE_M
    push = (force + moment * turning * turning * sin) / mass
    lever = HALF_POLE_M * (4 / 3 - POLE_KG * cos * cos / mass)
    turn = (GRAVITY * sin - push * cos) / lever
    speed = speed + STEP_S * (push - moment * turn * cos / mass)
    turning = turning + STEP_S * turn
    return jnp.stack([position + STEP_S * speed, speed, angle + STEP_S * turning, turning], axis=-1)


def regulator() -> jax.Array:
    """Gains ``[4]`` of the teacher, ``force = gains . cart``: the linear-quadratic regulator.

    The fixed point of the Riccati equation for the linearised cart.
    """
    a, b = jax.jit(jax.jacobian(advance, (0, 1)))(jnp.zeros(4), jnp.float32(0.0))
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)[:, None]
    cost = value = np.diag([1.0, 0.1, 10.0, 0.1])
    for _ in range(2000):
        gains = np.linalg.solve(0.01 + b.T @ value @ b, b.T @ value @ a)
        value = cost + a.T @ value @ (a - b @ gains)
    return jnp.asarray(-gains[0], jnp.float32)


def sense(cart: jax.Array) -> jax.Array:
    """What the network sees, ``[N, 4]`` to ``[N, 4]``: currents, limited."""
    return jnp.clip(cart * jnp.array(SENSITIVITY), -MAX_CURRENT, MAX_CURRENT)


def limited(force: jax.Array) -> jax.Array:
    """A force that the motor can give."""
    return jnp.clip(force, -MAX_FORCE_N, MAX_FORCE_N)


def move(cart: jax.Array, y: jax.Array, push: jax.Array) -> tuple[jax.Array, jax.Array]:
    """From the network's answer ``[N, 1]`` to the next cart and the force that it gave, ``[N]``."""
    force = limited(MAX_FORCE_N * y[:, 0])
    return advance(cart, force + push), force


def controller(hidden: int = 64) -> Sequential:
    """The network: currents to spikes, spikes to a voltage."""
    return Sequential(
        [
            cuba.Dense(HIDDEN, 4, hidden, weight_scale=3),
            cuba.Affine(READOUT, hidden, 1),
        ]
    )


def first_carts(key: jax.Array, count: int) -> jax.Array:
    """Carts ``[count, 4]`` off the centre, with poles that lean and turn."""
    spread = jnp.array([0.5, 0.3, 0.1, 0.3])
    return spread * jax.random.uniform(key, (count, 4), minval=-1.0, maxval=1.0)


def scan_loop(
    network: Stream, variables: Variables, state: Any, cart: jax.Array, pushes: jax.Array
) -> tuple[jax.Array, jax.Array]:
    """The closed loop as one `jax.lax.scan`.

    Args:
      network: What `jslayer.block.stream` made.
      variables: The network's.
      state: Where it starts, from ``network.start``.
      cart: ``[N, 4]`` carts at first.
      pushes: ``[T, N]`` forces from outside.

    Returns:
      The carts seen by the network ``[T, N, 4]``, and its forces ``[T, N]``.
    """

    def body(carry, push):
        cart, state = carry
        y, state = network.step(variables, state, sense(cart))
        after, force = move(cart, y, push)
        return (after, state), (cart, force)

    return lax.scan(body, (cart, state), pushes)[1]


def python_loop(
    network: Stream, variables: Variables, state: Any, cart: jax.Array, pushes: jax.Array
) -> tuple[jax.Array, jax.Array, list[float]]:
    """The closed loop as a robot would run it; `scan_loop` with the seconds of each step."""
    see, act = jax.jit(sense), jax.jit(move)
    seen, forces, seconds = [], [], []
    for push in pushes:
        currents = see(cart)
        start = time.perf_counter()
        y, state = jax.block_until_ready(network.step(variables, state, currents))
        seconds.append(time.perf_counter() - start)
        seen.append(cart)
        cart, force = act(cart, y, push)
        forces.append(force)
    return jnp.stack(seen), jnp.stack(forces), seconds


def network_is_exact(network: Sequential, variables: Variables, carts: jax.Array) -> bool:
    """Whether a Python loop, a scan and one call make the same of what a network sees.

    They must, bit for bit: the network's arithmetic is that of integers. The cart's is that of
    floats, which compilers may contract and order in one way in a loop and in another in a scan;
    so the same carts ``[T, N, 4]`` are shown to all three.
    """
    steering, currents = stream(network), jax.jit(sense)(carts)
    whole = jax.jit(network.apply)(variables, jnp.moveaxis(currents, 0, -1))

    def body(state, x):
        y, state = steering.step(variables, state, x)
        return state, y

    scanned = jax.jit(functools.partial(lax.scan, body))(
        steering.start(variables, currents[0]), currents
    )[1]
    state, stepped = steering.start(variables, currents[0]), []
    for x in currents:
        y, state = steering.step(variables, state, x)
        stepped.append(y)
    wanted = jnp.moveaxis(whole, -1, 0)
    return bool((scanned == wanted).all() & (jnp.stack(stepped) == wanted).all())


def physics_differ(carts: jax.Array, forces: jax.Array, pushes: jax.Array) -> float:
    """Largest difference of a loop's next carts to those by one call, for the same forces.

    Args:
      carts: ``[T, N, 4]`` of a loop.
      forces: ``[T, N]`` that the network gave.
      pushes: ``[T, N]`` from outside.

    Returns:
      The difference, in metres, radians and their like per second; a rounding, not zero.
    """
    after = jax.jit(advance)(carts[:-1], (forces + pushes)[:-1])
    return float(jnp.abs(after - carts[1:]).max())


def steps_up(carts: jax.Array) -> jax.Array:
    """Steps until a pole falls or a cart leaves the track, ``[T, N, 4]`` to ``[N]``; T if never."""
    upright = jnp.abs(carts[..., 2]) < MAX_ANGLE_RAD
    on_track = jnp.abs(carts[..., 0]) < MAX_POSITION_M
    return jnp.sum(jnp.cumprod((upright & on_track).astype(jnp.int32), axis=0), axis=0)


def train(
    network: Sequential,
    *,
    seed: int,
    rounds: int = 400,
    carts: int = 32,
    steps: int = 200,
    learning_rate: float = 5e-3,
) -> tuple[Variables, Variables, jax.Array]:
    """Imitates the regulator, all rounds in one `jax.lax.scan`.

    In each round the network steers ``carts`` carts for ``steps`` steps, at first together with
    the teacher, and takes one step of Adam on the squared distance to the teacher's force.

    Returns:
      The variables at first and after training, and the loss of every round.
    """
    first, run = jax.random.split(jax.random.key(seed))
    still = jnp.zeros((carts, 4))
    before = jax.jit(network.init)(first, still[..., None])
    rest = {name: tree for name, tree in before.items() if name != "params"}
    steering, gains = stream(network), regulator()
    state_at_rest = steering.start(before, still)
    optimizer = optax.adam(optax.cosine_decay_schedule(learning_rate, rounds))

    def steer(variables, key, share):
        """Carts ``[steps, carts, 4]``; the teacher has its ``share`` of the force."""
        where, kick = jax.random.split(key)

        def body(carry, push):
            cart, state = carry
            y, state = steering.step(variables, state, sense(cart))
            own, taught = MAX_FORCE_N * y[:, 0], limited(cart @ gains)
            force = limited((1 - share) * own + share * taught)
            return (advance(cart, force + push), state), cart

        pushes = 0.5 * jax.random.normal(kick, (steps, carts))
        return lax.scan(body, (first_carts(where, carts), state_at_rest), pushes)[1]

    def distance(params, seen):
        near = (jnp.abs(seen[..., 2]) < 3 * MAX_ANGLE_RAD) & (
            jnp.abs(seen[..., 0]) < 2 * MAX_POSITION_M
        )
        # after a fall nothing can be learned
        counts = jnp.cumprod(near.astype(jnp.float32), axis=0)
        y = network.apply({**rest, "params": params}, jnp.moveaxis(sense(seen), 0, -1))
        wrong = y[:, 0].T - limited(seen @ gains) / MAX_FORCE_N
        return jnp.sum(counts * wrong * wrong) / jnp.sum(counts)

    def one_round(carry, given):
        params, moments = carry
        key, share = given
        seen = steer({**rest, "params": params}, key, share)
        loss, gradients = jax.value_and_grad(distance)(params, seen)
        updates, moments = optimizer.update(gradients, moments, params)
        return (optax.apply_updates(params, updates), moments), loss

    shares = jnp.clip(1 - 3 * jnp.arange(rounds) / rounds, 0, 1)
    begin = (before["params"], optimizer.init(before["params"]))
    (params, _), losses = jax.jit(functools.partial(lax.scan, one_round))(
        begin, (jax.random.split(run, rounds), shares)
    )
    return before, {**rest, "params": params}, losses


def draw(file: Path, carts: Mapping[str, Any], forces: Any, spikes: Any) -> None:
    """Draws angle, position and force over time, and the spikes of the trained network."""
    figure = style.new_figure(7.5, 7.5, dpi=150)
    axes = figure.subplots(4, 1, sharex=True, height_ratios=(2, 2, 2, 3))
    at = np.arange(len(forces)) * STEP_S
    panels = (("pole angle, degrees", 2, 180 / np.pi, 12), ("cart position, m", 0, 1.0, 2.4))
    for panel, (label, column, factor, limit) in zip(axes, panels, strict=False):
        for colour, (name, seen) in zip((style.ON, style.OFF), carts.items(), strict=True):
            panel.plot(at, factor * np.asarray(seen)[:, column], color=colour, lw=1.2, label=name)
        for side in (-limit, limit):
            panel.axhline(side, color=style.FAINT, lw=1, zorder=0)
        panel.set(ylabel=label, ylim=(-1.3 * limit, 1.3 * limit))
        style.tidy(panel)
    style.legend(axes[0])
    axes[2].plot(at, forces, color=style.OFF, lw=0.8)
    axes[2].set(ylabel="force, N", ylim=(-1.1 * MAX_FORCE_N, 1.1 * MAX_FORCE_N))
    style.tidy(axes[2])
    neuron, step = np.nonzero(np.asarray(spikes))
    axes[3].plot(step * STEP_S, neuron, "|", color=style.SINGLE, ms=2, mew=0.6)
    axes[3].set(ylabel="neuron", xlabel="time, s", xlim=(0, len(forces) * STEP_S))
    style.tidy(axes[3])
    with replacing(file) as opened:
        figure.savefig(opened, format="png")


def hidden_spikes(network: Sequential, variables: Variables, seen: jax.Array) -> jax.Array:
    """Spikes ``[hidden, T]`` of the first layer for the cart ``[T, 4]`` that it saw."""
    own = own_variables(("blocks_0",), variables)
    return jax.jit(network.blocks[0].apply)(own, sense(seen).T[None])[0]


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(prog=called("balance"), description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/balance"), help="folder to write to")
    parser.add_argument("--seed", type=int, default=0, help="fixes weights, starts and pushes")
    parser.add_argument("--rounds", type=int, default=400, help="steps of training")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error(f"`--rounds` is {options.rounds}, expected at least 1; train for longer.")
    settings = Settings(options.rounds, 5e-3, 32)
    return ended(lambda: _started(options.out, options.seed, settings), options.out)


def run(options: argparse.Namespace) -> None:
    """Does what ``train --data balance`` asks for, with the options of that command."""
    for name in ("root", "resume"):
        if getattr(options, name):
            raise ValueError(f"`--{name}` is given, but balance takes none; leave it out.")
    if (options.devices or 1) > 1:
        raise ValueError("`--devices` is given, but a round of balance runs on one; leave it out.")
    names = ("epochs", "learning_rate", "batch_size")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    _started(options.out, options.seed, dataclasses.replace(ABOUT.settings, **given))


def _started(out: Path, seed: int, settings: Settings) -> None:
    lacks = drawing_lacks()
    if lacks:
        print(f"note: no picture will be drawn. {lacks}", file=sys.stderr)
    with started(out) as claim:
        balance(out, seed, settings, draws=not lacks)
    claim.release()


def balance(out: Path, seed: int, settings: Settings, *, draws: bool = True) -> None:
    """Trains, steers one cart both ways, prints how it went, and writes it and the network."""
    rounds = settings.epochs
    network = controller()
    start = time.perf_counter()
    turned = {"carts": settings.batch_size, "learning_rate": settings.learning_rate}
    before, after, losses = jax.block_until_ready(
        train(network, seed=seed, rounds=rounds, **turned)  # type: ignore[arg-type]
    )
    print(f"trained {rounds} rounds in {time.perf_counter() - start:.1f} s", flush=True)

    where, kick = jax.random.split(jax.random.key(seed + 1))
    cart = first_carts(where, 1)
    # small pushes all the time, and a hard one every two seconds
    pushes = 0.5 * jax.random.normal(kick, (STEPS, 1))
    pushes = pushes.at[100::100].set(jnp.array([[25.0], [-25.0], [25.0], [-25.0]]))
    steering = stream(network)
    rest = lambda variables: steering.start(variables, sense(cart))
    scanned = jax.jit(functools.partial(scan_loop, steering))

    untrained, _ = scanned(before, rest(before), cart, pushes)
    seen, forces = scanned(after, rest(after), cart, pushes)
    stepped, given, seconds = python_loop(steering, after, rest(after), cart, pushes)
    state = rest(after)
    start = time.perf_counter()
    jax.block_until_ready(scanned(after, state, cart, pushes))
    scan_s = (time.perf_counter() - start) / STEPS
    steps: dict[str, int] = {}
    for name, carts in (("untrained", untrained), ("trained", seen)):
        up = int(steps_up(carts)[0])
        steps[name] = up
        print(f"{name}: the pole stays up for {up} of {STEPS} steps ({up * STEP_S:.2f} s)")
    exact = network_is_exact(network, after, stepped)
    print(f"shown the same, the network in a loop, a scan and one call agree bit for bit: {exact}")
    for name, carts, gave in (("the Python loop", stepped, given), ("the scan", seen, forces)):
        off = physics_differ(carts, gave, pushes)
        print(f"the cart is floats: a step of {name} is that of one call within {off:.1e}")
    step_us = 1e6 * float(np.median(seconds))
    print(f"one step of the network: {step_us:.0f} us in the Python loop")
    print(f"one step of network and cart: {1e6 * scan_s:.1f} us in the scan")
    about = record("balance", {"seed": seed, **dataclasses.asdict(settings)})
    result = {"steps_up": steps, "loss": np.asarray(losses, float).tolist()}
    with replacing(out / "stats.json") as file:
        file.write(json.dumps({"about": about, **result}, indent=1).encode())
    with noted():
        hdf5.export(out / "network.net", network, after)
    names = ["network.net", "stats.json"]
    if draws:
        spikes = hidden_spikes(network, after, seen[:, 0])
        both = {"untrained": untrained[:, 0], "trained": seen[:, 0]}
        draw(out / "balance.png", both, forces[:, 0], spikes)
        names.append("balance.png")
    for name in names:
        print(f"wrote {out / name}")


if __name__ == "__main__":
    sys.exit(main())
