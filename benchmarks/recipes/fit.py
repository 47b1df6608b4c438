"""Training of one recipe, and what came of it."""

import collections
import resource
import time
from collections.abc import Callable, Mapping
from typing import Any

import jax
import numpy as np

from jslayer import datasets, training
from jslayer.cli.recipes import Recipe


class Clock:
    """Processor and wall time since it was made; the former counts all threads of the process."""

    def __init__(self):
        self._start = time.process_time(), time.perf_counter()

    def read(self) -> dict[str, float]:
        """Seconds, as a row keeps them, and the largest memory of the process so far."""
        processor, wall = self._start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB on Linux
        return {
            "processor_s": round(time.process_time() - processor, 1),
            "wall_s": round(time.perf_counter() - wall, 1),
            "peak_mib": round(peak / 1024),
        }


def fit(
    recipe: Recipe,
    seed: int,
    *,
    watched: Callable[[training.TrainState], Mapping[str, float]] = lambda state: {},
) -> tuple[training.TrainState, dict[str, Any]]:
    """Trains a recipe and judges it after every ``log_every`` epochs.

    Args:
      recipe: What to train.
      seed: Fixes weights and the order of samples.
      watched: Further numbers of which a curve is kept.

    Returns:
      The state after the last step, and a row: ``loss`` of a test sample and, where answers are
      right or wrong, ``accuracy``; their curves; and times, compilation included.
    """
    clock = Clock()
    sample = recipe.training.batch(range(recipe.batch_size))[0]
    state = training.create_state(recipe.network, sample, recipe.optimizer, seed=seed)
    step = training.train_step(recipe.loss, count_correct=recipe.count_correct)
    evaluate = training.eval_step(recipe.loss, count_correct=recipe.count_correct)
    testing = recipe.training if recipe.testing is None else recipe.testing
    curves: dict[str, list[float]] = collections.defaultdict(list)
    for epoch in range(recipe.epochs):
        losses, data = [], recipe.data(epoch)
        for batch in datasets.batches(data, recipe.batch_size, seed=(seed, epoch), drop_last=True):
            state, metrics = step(state, batch[0], recipe.target(batch))
            losses.append(metrics["loss"])
        last = epoch + 1
        if last % recipe.log_every and last < recipe.epochs:
            continue
        found = judge(state, evaluate, recipe, testing)
        train_loss = float(np.mean(jax.device_get(losses))) / recipe.batch_size
        now = {"epoch": last, "train_loss": train_loss, **found, **watched(state)}
        for name, value in now.items():
            curves[name].append(round(value, 5))
        print(f"  epoch {last}", {k: round(v, 4) for k, v in found.items()}, flush=True)
    return state, {**found, "curves": dict(curves), **clock.read()}


def judge(state: Any, evaluate: Any, recipe: Recipe, data: datasets.Dataset) -> dict[str, float]:
    """Loss of a sample and, where there is one, accuracy."""
    loss = correct = 0.0
    for batch in datasets.batches(data, recipe.batch_size, shuffle=False):
        _, metrics = evaluate(state, batch[0], recipe.target(batch))
        loss += float(metrics["loss"])
        correct += float(metrics.get("correct", 0.0))
    found = {"loss": loss / len(data)}
    return found if recipe.count_correct is None else {**found, "accuracy": correct / len(data)}
