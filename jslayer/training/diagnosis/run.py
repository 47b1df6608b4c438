"""Measures a network and compares with the limits."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from jslayer.block.base import MAX_DELAY
from jslayer.ops.fixed_point import DECAY_SCALE
from jslayer.synapse.weight import weight_in_use
from jslayer.training.checked import Checked, checking
from jslayer.training.diagnosis import probe, voltages
from jslayer.training.diagnosis.report import LEAST, Finding, Kind, Limits, Report

WEIGHTS = ("weight", "weight_v", "weight_g")


def diagnose(
    network: nn.Module,
    variables: Mapping[str, Any],
    batch: jax.typing.ArrayLike,
    loss: Callable[[jax.Array, Any], jax.Array] | None = None,
    target: Any = None,
    *,
    limits: Limits | None = None,
) -> Report:
    """Runs a network once and says what would stop it from learning.

    Looks for neurons that are dead or saturated, and why: weights too small for the threshold, a
    surrogate too narrow or too wide for the voltages seen; states that leave int32, or the 24 bits
    of hardware; gradients that vanish or explode on their way to a
    layer (with ``loss``), learned decays and delays at their bounds, weights beyond the grid or
    rounded to zero, and numbers that are not finite.

    Args:
      network: Any network of blocks.
      variables: What ``network.init`` returned, or a training run made of it.
      batch: ``[N, C, ..., T]``, an input that is typical.
      loss: ``(output, target) -> scalar``; without it, gradients are left out.
      target: What ``loss`` takes.
      limits: Other thresholds than the usual ones.

    Returns:
      A `Report`; print it, or read its findings.

    Raises:
      ValueError: a label is out of range.

    Example:
      >>> from jslayer.block import Sequential, cuba
      >>> neuron = dict(threshold=50.0, current_decay=0.25, voltage_decay=0.03)
      >>> network, x = Sequential([cuba.Dense(neuron, 3, 4)]), jnp.ones((2, 3, 20))
      >>> report = diagnose(network, network.init(jax.random.key(0), x), x)
      >>> print(str(report).splitlines()[0])
      blocks_0: dead neurons: 1, expected at most 0.5
    """
    ledger = _Ledger(Limits() if limits is None else limits)
    layers: list[probe.Layer] = []
    held = {name: tree for name, tree in variables.items() if name != "intermediates"}

    def run(held, x, target):
        def objective(params):
            with probe.probing(layers):
                y, seen = network.apply({**held, "params": params}, x, mutable=["intermediates"])
            with checking(target):
                value = jnp.zeros(()) if loss is None else loss(y, target)
            return value, (y, seen.get("intermediates", {}))

        if loss is None:
            value, (y, seen) = objective(held.get("params", {}))
            return value, y, seen, {}
        found = jax.value_and_grad(objective, has_aux=True)(held.get("params", {}))
        (value, (y, seen)), gradients = found
        return value, y, seen, gradients

    value, y, seen, gradients = jax.device_get(Checked(run)(held, batch, target))
    params = jax.device_get(held.get("params", {}))
    for name, tree in {**jax.device_get(held), "batch": batch, "output": y, "loss": value}.items():
        ledger.finite(name, tree)
    ledger.finite("gradient", gradients)
    for layer in layers:
        ledger.activity(layer, probe.below(seen, layer.path))
        for found in voltages.measured(layer, probe.below(seen, layer.path), params):
            ledger.voltages(*found)
        ledger.weights(layer, probe.below(params, layer.path))
        ledger.bounds(layer, probe.below(params, layer.path))
    if loss is not None:
        ledger.gradients(layers, gradients)
    return Report(tuple(ledger.findings), dict(ledger.measures))


class _Ledger:
    """Measures as they are taken, and those beyond their limit."""

    def __init__(self, limits):
        self.limits, self.findings, self.measures = limits, [], {}

    def note(
        self, kind: Kind, layer: str, measure: float, limit: float, proposal: str = ""
    ) -> None:
        """Takes a measure down, as a finding if it is beyond the limit."""
        measure = float(measure)
        self.measures[f"{layer}: {kind}"] = measure
        wrong = measure < limit if kind in LEAST else measure > limit
        if wrong:
            self.findings.append(Finding(kind, layer, measure, limit, proposal))

    def finite(self, name, tree):
        for path, leaf in _leaves(tree, name):
            if np.asarray(leaf).dtype.kind == "f":
                self.note("not finite", path, np.sum(~np.isfinite(leaf)), 0)

    def activity(self, layer, seen):
        if layer.readout or probe.SENT not in seen:
            return
        sent = np.asarray(seen[probe.SENT][-1])
        self.note("dead neurons", layer.name, np.mean(sent == 0), self.limits.dead)
        if layer.spiking:
            often = np.mean(sent >= self.limits.every_step)
            self.note("saturated neurons", layer.name, often, self.limits.saturated)

    def voltages(self, kind, layer, measure, proposal):
        limits = {
            "drive below threshold": self.limits.drive,
            "surrogate too narrow": self.limits.narrow,
            "surrogate too wide": self.limits.wide,
        }
        if kind == "drive below threshold":
            dead = self.measures.get(f"{layer}: dead neurons", 0.0)
            if dead <= self.limits.dead:
                return
        self.note(kind, layer, measure, limits.get(kind, 1.0), proposal)

    def weights(self, layer, params):
        if layer.hook is None:
            return
        low, high = (float(layer.hook(jnp.float32(end))) for end in (-1e6, 1e6))
        for path, node in _nodes(params, layer.name):
            if "weight" not in node and "weight_v" not in node:
                continue
            weight = np.asarray(weight_in_use(node, None, None))
            beyond = (weight > high + layer.half_step) | (weight < low - layer.half_step)
            lost = np.asarray(layer.hook(jnp.asarray(weight))) == 0
            self.note("clipped weights", path, np.mean(beyond), self.limits.clipped)
            self.note("weights rounded to zero", path, np.mean(lost), self.limits.to_zero)

    def bounds(self, layer, params):
        grain = 0.5 / DECAY_SCALE
        for path, node in _nodes(params, layer.name):
            for name, value in node.items():
                if name in ("sin_decay", "cos_decay"):
                    continue
                kind, high = "decays at bounds", 1 - grain
                if name == "delay":
                    kind, high = "delays at bounds", MAX_DELAY
                elif not name.endswith("_decay"):
                    continue
                low = 0 if name == "delay" else grain
                at_bound = (np.asarray(value) <= low) | (np.asarray(value) >= high)
                self.note(kind, f"{path}/{name}", np.mean(at_bound), self.limits.bounds)
            if {"sin_decay", "cos_decay"} <= set(node):
                sin, cos = np.asarray(node["sin_decay"]), np.asarray(node["cos_decay"])
                gain = np.hypot(sin, cos)
                at_bound = (gain >= 1 - 3 * grain) | (sin <= 3 * grain) | (cos <= grain)
                share = np.mean(at_bound)
                self.note("decays at bounds", f"{path}/sin_decay", share, self.limits.bounds)

    def gradients(self, layers, gradients):
        sizes = {}
        for layer in layers:
            own = probe.below(gradients, layer.path)
            found = [
                np.ravel(leaf)
                for path, leaf in _leaves(own, layer.name)
                if path.rpartition("/")[2] in WEIGHTS
            ]
            if found:
                sizes[layer.name] = np.sqrt(np.mean(np.square(np.concatenate(found, dtype=float))))
        if not sizes:
            return
        last = list(sizes.values())[-1]
        for name, size in sizes.items():
            ratio = size / last if last > 0 else 0.0 if size == 0 else np.inf
            self.note("vanishing gradient", name, ratio, self.limits.vanishing)
            self.note("exploding gradient", name, ratio, self.limits.exploding)


def _leaves(tree: Any, name: str) -> Iterator[tuple[str, Any]]:
    for path, leaf in jax.tree_util.tree_leaves_with_path(tree):
        below = jax.tree_util.keystr(path, simple=True, separator="/")
        yield (f"{name}/{below}" if below else name), leaf


def _nodes(tree: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """All mappings of a nest that hold arrays, by path."""
    if any(not isinstance(child, Mapping) for child in tree.values()):
        yield path, tree
    for name, child in tree.items():
        if isinstance(child, Mapping):
            yield from _nodes(child, f"{path}/{name}")
