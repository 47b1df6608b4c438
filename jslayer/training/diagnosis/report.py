"""Findings about a network: what was measured, where, and what helps."""

import dataclasses
from collections.abc import Mapping
from typing import Literal

Kind = Literal[
    "dead neurons",
    "saturated neurons",
    "vanishing gradient",
    "exploding gradient",
    "decays at bounds",
    "delays at bounds",
    "clipped weights",
    "weights rounded to zero",
    "not finite",
]

ADVICE: Mapping[str, str] = {
    "dead neurons": (
        "drive them more (weight_scale, more input events) or lower the threshold; a wider "
        "surrogate (tau_grad) lets gradients reach neurons far below threshold"
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
    """

    dead: float = 0.5
    saturated: float = 0.25
    every_step: float = 0.9
    vanishing: float = 1e-4
    exploding: float = 1e4
    bounds: float = 0.25
    clipped: float = 0.05
    to_zero: float = 0.9


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that stops a layer from learning.

    Attributes:
      kind: What it is.
      layer: Where: a path, e.g. ``blocks_1/neuron/voltage_decay``.
      measure: What was measured: a share, a ratio, or a count of numbers.
      limit: What it may be at most (for a vanishing gradient: at least).
    """

    kind: Kind
    layer: str
    measure: float
    limit: float

    @property
    def advice(self) -> str:
        """What helps."""
        return ADVICE[self.kind]

    def __str__(self) -> str:
        """One line of measures, one of advice."""
        below = "at least" if self.kind == "vanishing gradient" else "at most"
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
