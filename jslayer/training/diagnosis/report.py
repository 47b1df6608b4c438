"""Findings about a network: what was measured, where, and what helps."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

Kind = Literal[
    "dead neurons",
    "drive below threshold",
    "surrogate too narrow",
    "surrogate too wide",
    "saturated neurons",
    "vanishing gradient",
    "exploding gradient",
    "decays at bounds",
    "delays at bounds",
    "clipped weights",
    "weights rounded to zero",
    "states beyond int32",
    "states beyond hardware",
    "not finite",
]

LEAST: frozenset[str] = frozenset({"vanishing gradient", "surrogate too narrow"})
"""Kinds whose limit is the least that may be; of the others it is the most."""

ADVICE: Mapping[str, str] = {
    "dead neurons": (
        "drive them more (weight_scale, more input events) or lower the threshold; a wider "
        "surrogate (tau_grad) lets gradients reach neurons far below threshold"
    ),
    "drive below threshold": (
        "the weights are too small for the threshold: half of the neurons never come near it, and "
        "the layers behind hear nothing"
    ),
    "surrogate too narrow": (
        "at the voltages seen the surrogate's slope is nearly zero, so that no gradient passes"
    ),
    "surrogate too wide": (
        "at the voltages seen the surrogate is flat and low: neurons at the threshold learn no "
        "more than those far away, and gradients shrink from layer to layer"
    ),
    "saturated neurons": (
        "drive them less (weight_scale) or raise the threshold, or hold rates down "
        "(train_step(sparsity=...))"
    ),
    "vanishing gradient": (
        "widen or raise the surrogate (tau_grad, scale_grad) of this layer and those behind it, "
        "and see that they spike at all"
    ),
    "exploding gradient": (
        "lower scale_grad of this layer and those behind it, shorten the memory of their neurons, "
        "or clip (optax.clip_by_global_norm)"
    ),
    "decays at bounds": (
        "start them in the middle of their range and give them a smaller learning rate "
        "(optax.multi_transform)"
    ),
    "delays at bounds": (
        "give them a smaller learning rate; if many press against the largest delay, let the "
        "neurons remember longer instead"
    ),
    "clipped weights": (
        "they do not change any more where the grid ends: lower weight_scale or the learning rate, "
        "or the threshold together with the weights"
    ),
    "weights rounded to zero": (
        "they are below half a step of the grid: raise weight_scale, and the threshold if the "
        "layer spikes too much then"
    ),
    "states beyond int32": (
        "a state of the network reached the end of int32 and is not what it would be: lower the "
        "drive, or let more of it leak (a decay of zero adds up for ever)"
    ),
    "states beyond hardware": (
        "hardware holds a state in 24 bits and would clip or wrap it: lower the drive or raise the "
        "decays, if the network is to run there"
    ),
    "not finite": (
        "find where they arise: an earlier checkpoint, a lower learning rate, input without NaN"
    ),
}


@dataclasses.dataclass(frozen=True)
class Limits:
    """Thresholds of the findings.

    Attributes:
      dead: Largest share of a layer's neurons that may send no event in the whole batch.
      saturated: Largest share that may send one in (nearly) every step.
      every_step: Events per step from which on a neuron counts as saturated.
      vanishing: Least root mean square of a layer's gradient, as a part of that of the last layer.
      exploding: Largest such ratio.
      bounds: Largest share of decays or delays that may sit at a bound.
      clipped: Largest share of weights that may lie beyond the grid.
      to_zero: Largest share of weights that may round to zero.
      drive: Largest threshold, in units of the highest voltage of a layer's middle neuron, of a
        layer that is dead.
      narrow: Least width of the surrogate, in units of the usual distance of voltage and threshold.
      wide: Largest such width.
    """

    dead: float = 0.5
    saturated: float = 0.25
    every_step: float = 0.9
    vanishing: float = 1e-4
    exploding: float = 1e4
    bounds: float = 0.25
    clipped: float = 0.05
    to_zero: float = 0.9
    drive: float = 1.0
    narrow: float = 0.1
    wide: float = 30.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that stops a layer from learning.

    Attributes:
      kind: What it is.
      layer: Where: a path, e.g. ``blocks_1/neuron/voltage_decay``.
      measure: What was measured: a share, a ratio, or a count of numbers.
      limit: What it may be at most (for kinds in `LEAST`: at least).
      proposal: The value to try, e.g. ``"weight_scale=4"``; empty where none follows.
    """

    kind: Kind
    layer: str
    measure: float
    limit: float
    proposal: str = ""

    @property
    def advice(self) -> str:
        """What helps."""
        return ADVICE[self.kind] + (f"; try {self.proposal}" if self.proposal else "")

    def __str__(self) -> str:
        """One line of measures, one of advice."""
        below = "at least" if self.kind in LEAST else "at most"
        return (
            f"{self.layer}: {self.kind}: {self.measure:.3g}, expected {below} {self.limit:.3g}\n"
            f"  {self.advice}"
        )


@dataclasses.dataclass(frozen=True)
class Report:
    """What `diagnose` found.

    Attributes:
      findings: What is wrong, input to output.
      measures: By ``"layer: measure"``, all that was measured, wrong or not.
    """

    findings: tuple[Finding, ...]
    measures: Mapping[str, float]

    @property
    def healthy(self) -> bool:
        """True if nothing is wrong."""
        return not self.findings

    def of_kind(self, kind: Kind) -> tuple[Finding, ...]:
        """The findings of one kind."""
        return tuple(finding for finding in self.findings if finding.kind == kind)

    def __str__(self) -> str:
        """The findings in words."""
        if self.healthy:
            return f"nothing found in {len(self.measures)} measures"
        return "\n".join(map(str, self.findings))
