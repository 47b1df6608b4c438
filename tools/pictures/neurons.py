"""A picture of every neuron: what comes in, its state beside the threshold, and its spikes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np

from jslayer import neuron
from jslayer.io import style
from jslayer.io.files import replacing

STEPS = 120
_ADAPTS = {"threshold_decay": 0.02, "refractory_decay": 0.3}
_LEAKS = {"current_decay": 0.25, "voltage_decay": 0.05}
DRAWN: Mapping[str, tuple[dict[str, Any], str, tuple[str, ...]]] = {
    "cuba": ({"threshold": 1.0, **_LEAKS}, "events", ("current", "voltage")),
    "alif": (
        {"threshold": 1.0, "threshold_step": 0.3, **_LEAKS, **_ADAPTS},
        "steps",
        ("voltage",),
    ),
    "rf": ({"threshold": 0.3, "period": 16, "decay": 0.03}, "impulses", ("imag", "real")),
    "rf_iz": ({"threshold": 0.5, "period": 16, "decay": 0.03}, "impulses", ("real", "imag")),
    "adrf": (
        {"threshold": 0.3, "threshold_step": 0.2, "period": 12, "decay": 0.03, **_ADAPTS},
        "rhythm",
        ("real",),
    ),
    "adrf_iz": (
        {"threshold": 0.3, "threshold_step": 0.2, "period": 12, "decay": 0.03, **_ADAPTS},
        "rhythm",
        ("imag",),
    ),
}
"""Parameters, drive and the states to show; the last is what meets the threshold."""


def drives() -> dict[str, np.ndarray]:
    """What the neurons hear, ``[T]`` each."""
    time = np.arange(STEPS)
    events = np.random.default_rng(3).random(STEPS) < 0.15
    return {
        "events": 0.3 * events,
        "steps": 0.04 * ((time >= 10) & (time < 95)),
        "impulses": 0.7 * (time == 5) + 0.7 * (time == 70),
        "rhythm": 0.4 * (time % 12 == 5) * (time < 90),
    }


def respond(family: str, params: Mapping[str, Any], x: np.ndarray) -> dict[str, np.ndarray]:
    """Input, traces and spikes of one neuron, ``[T]`` each."""
    made = getattr(neuron, family).Neuron(**params)
    drive = jnp.asarray(x, jnp.float32)[None, None]
    given = (drive, jnp.zeros_like(drive)) if made.complex_input else drive
    y, seen = made.apply({}, given, mutable=["intermediates"])
    traces = {name: np.asarray(value[0][0, 0]) for name, value in seen["intermediates"].items()}
    return {"input": x, "spike": np.asarray(y[0, 0]), **traces}


def draw(folder: Path) -> list[Path]:
    """Draws every neuron; returns the files."""
    files = []
    for family, (params, drive, states) in DRAWN.items():
        found = respond(family, params, drives()[drive])
        figure, (top, middle, bottom) = _figure()
        _events(top, found["input"], style.SINGLE)
        top.set_ylabel("input")
        for state, colour in zip(states[::-1], (style.OFF, style.MORE[5]), strict=False):
            middle.plot(found[state], color=colour, lw=1.4, label=state)
        level = found.get("threshold", np.full(STEPS, params["threshold"]))
        middle.plot(level, "--", color=style.ON, lw=1.2, label="threshold")
        if "refractory" in found:
            total = level + found["refractory"]
            middle.plot(total, color=style.MORE[3], lw=1.0, label="threshold + refraction")
        middle.legend(frameon=False, fontsize=7, ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
        middle.set_ylabel("state")
        _events(bottom, found["spike"], style.SINGLE)
        bottom.set_ylabel("spikes")
        files.append(_save(figure, folder / f"neuron_{family}.png"))
    return [*files, _save(_sigma_delta(), folder / "neuron_sigma_delta.png")]


def _sigma_delta() -> Any:
    """A signal whose changes come in, what is sent, and the signal that the changes add up to."""
    time = np.arange(STEPS)
    wave = 0.8 * np.sin(2 * np.pi * time / 80)
    params = {"threshold": 0.15, "activation": "relu"}
    found = respond("sigma_delta", params, np.diff(wave, prepend=0.0))
    figure, (top, middle, bottom) = _figure()
    _events(top, found["input"], style.SINGLE)
    top.set_ylabel("input")
    middle.plot(np.maximum(wave, 0), color=style.OFF, lw=1.4, label="activation of the sum")
    sent = np.cumsum(found["spike"])
    middle.step(time, sent, where="post", color=style.ON, lw=1.2, label="sum of what is sent")
    middle.legend(frameon=False, fontsize=7, ncols=4, loc="lower right", bbox_to_anchor=(1, 1))
    middle.set_ylabel("value")
    _events(bottom, found["spike"], style.SINGLE)
    bottom.set_ylabel("sent")
    return figure


def _figure() -> tuple[Any, Any]:
    figure = style.new_figure(6.6, 3.0, dpi=110)
    axes = figure.subplots(3, 1, sharex=True, height_ratios=(0.7, 2.2, 0.6))
    for each in axes:
        style.tidy(each)
    axes[-1].set(xlabel="time (steps)", xlim=(-1, STEPS))
    return figure, axes


def _events(axes: Any, y: np.ndarray, colour: str) -> None:
    at = np.flatnonzero(y)
    if len(at) > len(y) / 2:  # a drive that is there all the time
        axes.fill_between(np.arange(len(y)), y, step="mid", color=colour, alpha=0.5, lw=0)
    else:
        axes.vlines(at, 0, y[at], color=colour, lw=1.2)
    axes.axhline(0, color=style.FAINT, lw=0.8)
    axes.set_yticks([])


def _save(figure: Any, path: Path) -> Path:
    with replacing(path) as file:
        figure.savefig(file, format="png")
    return path
