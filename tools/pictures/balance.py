"""The moving picture of the README: a pole on a cart, before and after training."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import io
from jslayer.block import stream
from jslayer.cli import balance
from jslayer.io import style

SHOWN, EVERY = 325, 4
"""Steps shown, and steps from one frame to the next: played at the pace of the clock."""
PUSHES = {100: 25.0, 200: -25.0}
"""Steps at which somebody pushes the cart, and the force, in newtons."""
LYING = np.pi / 2 - 0.05


def draw(folder: Path) -> list[Path]:
    """Trains, steers both carts, and draws them over the spikes of the trained network."""
    carts, spikes = steered()
    path = folder / "balance.gif"
    io.save_gif(list(frames(carts, spikes)), path, frame_rate=1 / (EVERY * balance.STEP_S))
    return [path]


def steered() -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Carts ``[T, 4]`` before and after training, and the spikes ``[neurons, T]`` after it."""
    network = balance.controller()
    before, after, _ = balance.train(network, seed=0)
    where, kick = jax.random.split(jax.random.key(1))
    cart = balance.first_carts(where, 1)
    pushes = 0.5 * jax.random.normal(kick, (SHOWN, 1))
    for step, force in PUSHES.items():
        pushes = pushes.at[step].set(force)
    steering = stream(network)
    loop = jax.jit(functools.partial(balance.scan_loop, steering))
    seen = {
        name: loop(variables, steering.start(variables, balance.sense(cart)), cart, pushes)[0][:, 0]
        for name, variables in (("before", before), ("after", after))
    }
    spikes = balance.hidden_spikes(network, after, jnp.asarray(seen["after"]))
    return {name: np.asarray(carts) for name, carts in seen.items()}, np.asarray(spikes)


def frames(carts: dict[str, np.ndarray], spikes: np.ndarray) -> Iterator[np.ndarray]:
    """The pictures, ``[height, width, 3]`` uint8."""
    figure = style.new_figure(7.2, 4.1)
    grid = figure.add_gridspec(2, 2, height_ratios=(1.25, 1))
    titles = {"before": "before training", "after": "after half a minute of training"}
    parts = [
        _Cart(figure.add_subplot(grid[0, column]), titles[name], _fallen(carts[name]))
        for column, name in enumerate(titles)
    ]
    axes = figure.add_subplot(grid[1, :])
    neuron, step = np.nonzero(spikes[:, :SHOWN])
    marks = axes.plot([], [], "|", color=style.SINGLE, ms=3, mew=0.9)[0]
    line = axes.axvline(0, color=style.ON, lw=1)
    axes.set(xlim=(0, SHOWN * balance.STEP_S), ylim=(-1, len(spikes)), ylabel="neuron")
    axes.set_xlabel("time (s)")
    axes.set_title("spikes of the trained network", fontsize=9, color=style.TEXT, loc="left")
    style.tidy(axes)
    for now in range(0, SHOWN, EVERY):
        for part in parts:
            part.show(now)
        past = step <= now
        marks.set_data(step[past] * balance.STEP_S, neuron[past])
        line.set_xdata([now * balance.STEP_S] * 2)
        figure.canvas.draw()
        yield np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()


def _fallen(cart: np.ndarray) -> np.ndarray:
    """The cart, which stays where it is once its pole lies."""
    lies = np.flatnonzero(np.abs(cart[:, 2]) > LYING)
    if lies.size:
        cart = cart.copy()
        cart[lies[0] :] = cart[lies[0]]
    return cart


class _Cart:
    """A cart, its pole and the hand that pushes it, on axes of its own."""

    def __init__(self, axes: Any, title: str, cart: np.ndarray) -> None:
        self.cart = cart
        axes.set_title(title, fontsize=9, color=style.TEXT, loc="left")
        axes.set(xlim=(-2.6, 2.6), ylim=(-0.42, 1.45), aspect="equal")
        axes.axis("off")
        axes.axhline(-0.3, color=style.FAINT, lw=2)
        self.body = axes.plot([], [], color=style.OFF, lw=13, solid_capstyle="butt")[0]
        self.wheels = axes.plot([], [], "o", color=style.SINGLE, ms=6)[0]
        self.pole = axes.plot([], [], color=style.ON, lw=5, solid_capstyle="round")[0]
        self.push = axes.text(0, 0, "", fontsize=9, color=style.TEXT, ha="center", va="center")

    def show(self, now: int) -> None:
        """Moves all to where they are at a step."""
        at, _, angle, _ = self.cart[now]
        length = 2 * balance.HALF_POLE_M
        self.body.set_data([at - 0.35, at + 0.35], [-0.12, -0.12])
        self.wheels.set_data([at - 0.22, at + 0.22], [-0.25, -0.25])
        self.pole.set_data([at, at + length * np.sin(angle)], [0, length * np.cos(angle)])
        self.push.set_text("")
        for step, force in PUSHES.items():
            if 0 <= now - step < 16 and abs(angle) < LYING - 0.1:
                side = -np.sign(force)
                self.push.set_position((at + 0.95 * side, -0.12))
                self.push.set_text("push \u2192" if force > 0 else "\u2190 push")
