"""XOR of two bits, written as spike trains."""

from collections.abc import Sequence

import numpy as np

from jslayer.io.random import entropy

from .base import Arrays, Dataset, positive_integer, probability


class XOR(Dataset):
    """Two populations show a bit each; the output should spike in one of two patterns.

    Each value of each bit has a fixed random spike pattern of its population. Sample ``i`` shows
    the bits ``(i // 2 % 2, i % 2)``, so that four in a row are the truth table. Each population
    alone is no help: every one of its patterns appears as often with either answer.

    ``ds[i] -> (x, desired, label)``: ``x`` is ``[2 * neurons_per_bit, T]`` float32 of 0 and 1, the
    first half for the first bit; ``desired`` is ``[outputs, T]`` float32, the train for the
    answer; ``label`` is the answer, int32.

    Args:
      repetitions: How often the truth table appears; more than one is of use with noise.
      neurons_per_bit: Size of a population.
      outputs: Desired spike trains.
      num_steps: Time steps ``T``.
      rate: Probability of a spike of an input neuron in a step.
      output_spikes: Spikes in each desired train. The two trains of an output share none.
      jitter: Standard deviation by which a spike of a repetition moves, in steps. What leaves the
        time is lost.
      drop: Probability that a spike is missing.
      noise: Probability, in each step of each input neuron, of one that does not belong.
      seed: Fixes patterns and noise: an integer or several.

    Attributes:
      bits: ``[len(ds), 2]`` int32.
      labels: ``[len(ds)]`` int32, the XOR of the bits.

    Raises:
      ValueError: An argument is out of range, or ``output_spikes`` do not fit into the time.

    Example:
      >>> XOR(num_steps=50).labels
      array([0, 1, 1, 0], dtype=int32)
    """

    def __init__(
        self,
        repetitions: int = 1,
        *,
        neurons_per_bit: int = 50,
        outputs: int = 1,
        num_steps: int = 100,
        rate: float = 0.05,
        output_spikes: int = 5,
        jitter: float = 0.0,
        drop: float = 0.0,
        noise: float = 0.0,
        seed: int | Sequence[int] = 0,
    ):
        count = 4 * positive_integer("repetitions", repetitions)
        neurons = positive_integer("neurons_per_bit", neurons_per_bit)
        outputs = positive_integer("outputs", outputs)
        steps = positive_integer("num_steps", num_steps)
        output_spikes = positive_integer("output_spikes", output_spikes)
        probability("rate", rate)
        if not (np.isfinite(jitter) and jitter >= 0):
            raise ValueError(f"`jitter` is {jitter}, expected steps from 0 on; choose a number.")
        start = [*entropy(seed), 1]
        pattern_rng, noise_rng = (np.random.default_rng([*start, n]) for n in (1, 2))

        number = np.arange(count)
        self.bits = np.stack([number // 2 % 2, number % 2], axis=1).astype(np.int32)
        self.labels = self.bits[:, 0] ^ self.bits[:, 1]
        patterns = pattern_rng.random((2, 2, neurons, steps)) < rate
        shown = patterns[np.arange(2), self.bits].reshape(count, 2 * neurons, steps)
        self._x = _disturb(
            shown, jitter, probability("drop", drop), probability("noise", noise), noise_rng
        )
        self._desired = _answers(outputs, steps, output_spikes, pattern_rng)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, indices: Sequence[int] | np.ndarray) -> Arrays:
        """Returns ``x`` ``[N, 2 * neurons_per_bit, T]``, desired ``[N, outputs, T]``, labels."""
        labels = self.labels[np.asarray(indices, np.intp)]
        x = self._x[np.asarray(indices, np.intp)].astype(np.float32)
        return x, self._desired[labels].astype(np.float32), labels


def _disturb(
    spikes: np.ndarray, jitter: float, drop: float, noise: float, rng: np.random.Generator
) -> np.ndarray:
    sample, neuron, step = np.nonzero(spikes)
    step = step + np.round(jitter * rng.standard_normal(step.size)).astype(np.int64)
    kept = (rng.random(step.size) >= drop) & (step >= 0) & (step < spikes.shape[-1])
    disturbed = rng.random(spikes.shape) < noise
    disturbed[sample[kept], neuron[kept], step[kept]] = True
    return disturbed


def _answers(outputs: int, steps: int, spikes: int, rng: np.random.Generator) -> np.ndarray:
    # Not in the first tenth, where no network can have heard enough, and three steps apart.
    slots = np.arange(steps // 10, steps, 3)
    if 2 * spikes > slots.size:
        raise ValueError(
            f"`output_spikes` is {spikes} for {steps} steps, expected at most {slots.size // 2}; "
            "choose fewer spikes or more steps."
        )
    trains = np.zeros((2, outputs, steps), bool)
    for output in range(outputs):
        times = rng.permutation(slots)
        for answer in range(2):
            trains[answer, output, times[answer * spikes : (answer + 1) * spikes]] = True
    return trains


def xor(*args, **kwargs) -> XOR:
    """The XOR problem as a data set; see `XOR` for the arguments."""
    return XOR(*args, **kwargs)
