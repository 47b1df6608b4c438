"""Trains a spiking network on event data and writes what it learned.

``python -m jslayer train --data moving_bars|nmnist|oxford|xor`` writes into ``--out``:
``network.net`` (the network file), ``checkpoint.msgpack`` (for ``--resume``), ``stats.json``,
``learning.png``, ``raster.png`` (events in and out) and ``events.gif``.
"""

import argparse
import dataclasses
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jslayer import classifier, datasets, hdf5, io, utils
from jslayer.cli.folder import CHECKPOINT, ended, noted, require_checkpoint, require_writable
from jslayer.cli.name import called
from jslayer.cli.recipes import RECIPES, Recipe
from jslayer.io import style
from jslayer.io.files import replacing
from jslayer.io.json_text import parse
from jslayer.io.locks import Claim
from jslayer.ops import event_batch
from jslayer.training.finite import require_finite
from jslayer.training.step import Step

PREVIOUS = "checkpoint.previous.msgpack"


@dataclasses.dataclass
class Run:
    """A training run.

    Attributes:
      data: Name of the recipe.
      recipe: The training problem.
      seed: Fixes data, weights, dropout and the order of samples.
      epochs: Epochs in all.
      out: Folder to write to.
      state: Network and optimiser after the epochs that ``stats`` counts.
      stats: Statistics so far.
      claim: Keeps others from training into ``out``.
    """

    data: str
    recipe: Recipe
    seed: int
    epochs: int
    out: Path
    state: utils.TrainState
    stats: utils.LearningStats
    claim: Claim

    def save(self) -> None:
        """Writes the checkpoint, statistics included so that the two agree, and ``stats.json``."""
        stats = json.dumps(self.stats.to_dict())
        kept = {"data": self.data, "seed": self.seed, "stats": stats, "state": self.state}
        utils.save_checkpoint(self.out / CHECKPOINT, kept)
        self.stats.save(self.out / "stats.json")

    def load(self) -> None:
        """Takes over state and statistics from the checkpoint.

        Raises:
          ValueError: The checkpoint is damaged, or of another run.
        """
        path = self.out / CHECKPOINT
        like = {"data": self.data, "seed": self.seed, "stats": "", "state": self.state}
        kept = utils.load_checkpoint(path, like)
        for option, given in (("data", self.data), ("seed", self.seed)):
            if kept[option] != given:
                raise ValueError(
                    f"`--{option}` is {given}, but {path} is of {kept[option]}, expected the same; "
                    f"pass --{option} {kept[option]}, or another --out."
                )
        saved = parse(kept["stats"], source=f"`path` is {path}", expected="statistics in it")
        stats = utils.LearningStats.from_dict(saved)
        if stats.epochs > self.epochs:
            raise ValueError(
                f"`--epochs` is {self.epochs}, but {path} has {stats.epochs}, expected at least as "
                "many; pass more, or another --out."
            )
        self.state, self.stats = kept["state"], stats


def parser() -> argparse.ArgumentParser:
    """The command line."""
    found = argparse.ArgumentParser(prog=called("train"), description=__doc__.splitlines()[0])
    add_options(found)
    return found


def add_options(found: argparse.ArgumentParser) -> None:
    """Adds the options of the command."""
    found.add_argument("--data", required=True, choices=sorted(RECIPES), help="what to learn")
    found.add_argument("--root", type=Path, help="folder of the data (nmnist, oxford)")
    found.add_argument("--epochs", type=int, help="epochs in all; the recipe's if not given")
    found.add_argument("--out", type=Path, help="folder to write to; runs/DATA if not given")
    found.add_argument("--seed", type=int, default=0, help="fixes data, weights and dropout")
    found.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    return run(parser().parse_args(arguments))


def run(options: argparse.Namespace) -> int:
    """Trains as the options say; returns the exit code."""
    options.out = options.out or Path("runs") / options.data
    return ended(lambda: _train(options), options.out)


def _train(options: argparse.Namespace) -> None:
    prepared = prepare(options)
    try:
        train(prepared)
        finish(prepared)
    finally:
        prepared.claim.release()


def prepare(options: argparse.Namespace) -> Run:
    """Checks all that could fail after hours of training, and saves a first checkpoint.

    Raises:
      ImportError: matplotlib or Pillow is not installed.
      OSError: The data are not there, nothing can be written, another training writes there, or
        there is no checkpoint.
      ValueError: An option is out of range, or data or checkpoint do not fit.
    """
    if options.epochs is not None and options.epochs < 1:
        raise ValueError(f"`--epochs` is {options.epochs}, expected at least 1; pass more.")
    if not 0 <= options.seed < 2**32:
        raise ValueError(f"`--seed` is {options.seed}, expected 0 to {2**32 - 1}; pass another.")
    style.new_figure(1, 1)
    style.pillow_image()
    saved = options.out / CHECKPOINT
    if options.resume:
        require_checkpoint(saved)
    require_writable(options.out)
    claim = Claim(options.out, name="--out")
    try:
        return prepare_claimed(options, claim)
    except BaseException:
        claim.release()
        raise


def prepare_claimed(options: argparse.Namespace, claim: Claim) -> Run:
    """The part of `prepare` that reads and writes in the folder."""
    saved = options.out / CHECKPOINT
    recipe = RECIPES[options.data](options.root, options.seed)
    x = recipe.training.batch([0])[0]
    run = Run(
        data=options.data,
        recipe=recipe,
        seed=options.seed,
        epochs=recipe.epochs if options.epochs is None else options.epochs,
        out=options.out,
        state=utils.create_state(recipe.network, x, recipe.optimizer, seed=options.seed),
        stats=utils.LearningStats(),
        claim=claim,
    )
    if options.resume:
        run.load()
        print(f"going on from {saved} after {run.stats.epochs} epochs", flush=True)
    elif saved.is_file():
        # Hours of training must not be lost because --resume was forgotten.
        with replacing(options.out / PREVIOUS) as file:
            file.write(saved.read_bytes())
        print(f"starting anew; what {saved} held is now in {PREVIOUS}", flush=True)
    run.save()
    return run


def train(run: Run) -> None:
    """Trains up to ``run.epochs``; saves and prints a line every ``log_every`` epochs."""
    recipe, stats = run.recipe, run.stats
    step = utils.train_step(recipe.loss, count_correct=recipe.count_correct)
    evaluate = utils.eval_step(recipe.loss, count_correct=recipe.count_correct)
    before, start = stats.epochs, time.perf_counter()
    while stats.epochs < run.epochs:
        log_every = recipe.log_every
        last = min(run.epochs, stats.epochs - stats.epochs % log_every + log_every)
        train_until(run, last, step)
        if recipe.testing is not None:
            for batch in datasets.batches(recipe.testing, recipe.batch_size, shuffle=False):
                _, metrics = evaluate(run.state, batch[0], recipe.target(batch))
                stats.testing.update(metrics["loss"], metrics.get("correct"), len(batch[0]))
        stats.end_epoch()
        run.save()
        print(f"epoch {last}/{run.epochs}  {stats}", flush=True)
    print(f"trained {run.epochs - before} epochs in {time.perf_counter() - start:.1f} s")


def train_until(run: Run, last: int, step: Step) -> None:
    """Trains until the end of epoch ``last``, counted from 1, which stays open for its test.

    Raises:
      NotFiniteError: a step met NaN or infinity, so that the state must not be saved.
    """
    recipe, stats, first = run.recipe, run.stats, run.stats.epochs
    samples = (last - first) * len(recipe.training)
    ahead: dict[str, Any] = {}
    with utils.Progress(samples, f"epoch {last}/{run.epochs}", stat=stats.training) as bar:
        for epoch in range(first, last):
            if epoch > first:
                stats.end_epoch()
            order = (run.seed, epoch)
            for batch in datasets.batches(recipe.training, recipe.batch_size, seed=order):
                run.state, metrics = step(run.state, batch[0], recipe.target(batch))
                # These stay on the device until somebody looks.
                stats.training.update(metrics["loss"], metrics.get("correct"), len(batch[0]))
                # One step runs while the next is prepared; the bar counts what is done.
                require_finite(run.state, ahead)
                ahead = metrics
                bar.update(len(batch[0]))
    require_finite(run.state, ahead)


def finish(run: Run) -> None:
    """Writes the pictures and the network file, and lists what a run wrote."""
    run.stats.plot(run.out / "learning.png")
    draw_events(run)
    with noted():
        hdf5.export(run.out / "network.net", run.recipe.network, run.state.variables)
    names = ("network.net", CHECKPOINT, "stats.json", "learning.png", "raster.png", "events.gif")
    for name in names:
        print(f"wrote {run.out / name}")


def draw_events(run: Run) -> None:
    """Draws the first sample and what the network makes of it, and plays the sample back."""
    recipe = run.recipe
    data = recipe.training if recipe.testing is None else recipe.testing
    batch = data.batch(range(min(recipe.batch_size, len(data))))
    y = jax.device_get(jax.jit(recipe.network.apply)(run.state.variables, batch[0]))
    x = np.asarray(event_batch.dense(batch[0][:1]))[0]
    if recipe.desired is None:
        label, answer = recipe.target(batch)[0], classifier.Rate.predict(y)[0]
        panels = {f"input of class {label}": x, f"output, most for class {answer}": y[0]}
    else:
        panels = {"input": x, "output": y[0], "desired": recipe.desired(batch)[0]}
    figure = style.new_figure(4.5 * len(panels), 3.6, dpi=150)
    columns = figure.subplots(1, len(panels))
    for axes, (title, events) in zip(columns, panels.items(), strict=True):
        io.raster(events, title=title, axes=axes)
        # All neurons and all of the time, those without events too.
        *_, steps = events.shape
        rows = math.prod(events.shape[-3:-1] if events.ndim == 4 else events.shape[:-1])
        axes.set_xlim(-0.01 * steps, 1.01 * steps)
        axes.set_ylim(-0.5 - 0.02 * rows, rows - 0.5 + 0.02 * rows)
        axes.yaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
    with replacing(run.out / "raster.png") as file:
        figure.savefig(file, format="png")
    io.animate(x, run.out / "events.gif")


if __name__ == "__main__":
    sys.exit(main())
