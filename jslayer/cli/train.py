"""Trains a spiking network on event data and writes what it learned.

``jslayer train --data NAME`` writes into ``--out``: ``network.net`` (the network file),
``checkpoint.msgpack`` (for ``--resume``), ``stats.json`` (statistics, options, seed, versions),
``learning.png``, and ``raster.png`` and ``events.gif`` (events in and out), or ``drive.png``.
``jslayer train --list`` says what there is to learn.
"""

import argparse
import dataclasses
import hashlib
import json
import math
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from jslayer import classifier, datasets, hdf5, io, training, utils
from jslayer.cli import balance, processes
from jslayer.cli.folder import (
    CHECKPOINT,
    drawing_lacks,
    ended,
    hush,
    noted,
    record,
    require_checkpoint,
    started,
)
from jslayer.cli.name import called
from jslayer.cli.processes import say
from jslayer.cli.recipes import ABOUT, RECIPES, About, Recipe, Settings
from jslayer.io import style
from jslayer.io.files import replacing
from jslayer.io.json_text import parse
from jslayer.io.locks import Claim
from jslayer.neuron.starting import STARTING
from jslayer.ops import event_batch
from jslayer.training.finite import require_finite
from jslayer.training.processes import agree, count, first_says, jointly, number
from jslayer.training.step import Step

PREVIOUS = "checkpoint.previous.msgpack"
TURNED = ("learning_rate", "batch_size", "neuron")
"""Options that a run that goes on must share with the one before it, beside data and seed."""
DETECTION = About(
    task="boxes around cars, trucks, persons, cyclists and signs",
    needs="a command of its own, `detect train`; extra detection to judge",
    expect="see `detect train --help`",
    settings=Settings(epochs=0, learning_rate=0.02, batch_size=16, neuron="sigma_delta"),
    own_neurons=True,
)
CURVED = {**ABOUT, "balance": balance.ABOUT}
"""What is learned in epochs."""
LISTED = {**CURVED, "detection": DETECTION}


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
      claim: Keeps others from training into ``out``; ``None`` in all processes but the first.
      options: What else a user could have turned.
      sharding: Who reads which samples, and where they go; ``None``: all to one device.
      draws: Whether pictures can be drawn.
    """

    data: str
    recipe: Recipe
    seed: int
    epochs: int
    out: Path
    state: utils.TrainState
    stats: utils.LearningStats
    claim: Claim | None
    options: dict[str, Any] = dataclasses.field(default_factory=dict)
    sharding: training.BatchSharding | None = None
    draws: bool = True

    @property
    def about(self) -> dict[str, Any]:
        """What ``stats.json`` says about the run."""
        return record(self.data, {"seed": self.seed, "epochs": self.epochs, **self.options})

    def save(self) -> None:
        """Writes the checkpoint, statistics included so that the two agree, and ``stats.json``."""
        stats = json.dumps(self.stats.to_dict() | {"about": self.about})
        kept = {"data": self.data, "seed": self.seed, "stats": stats, "state": self.state}
        utils.save_checkpoint(self.out / CHECKPOINT, kept)
        self.stats.save(self.out / "stats.json", about=self.about)

    def load(self) -> None:
        """Takes over state and statistics from the checkpoint.

        Raises:
          ValueError: The checkpoint is damaged, or of another run.
        """
        path = self.out / CHECKPOINT
        like = {"data": self.data, "seed": self.seed, "stats": "", "state": self.state}
        kept = utils.load_checkpoint(path, like)
        saved = parse(kept["stats"], source=f"`path` is {path}", expected="statistics in it")
        # runs of the first version did not say
        before = {**self.options, **saved.get("about", {}).get("options", {})}
        before |= {"data": kept["data"], "seed": kept["seed"]}
        for name in ("data", "seed", *TURNED):
            given = {"data": self.data, "seed": self.seed, **self.options}.get(name)
            if name in before and before[name] != given:
                option = name.replace("_", "-")
                raise ValueError(
                    f"`--{option}` is {given}, but {path} is of {before[name]}, expected the "
                    f"same; pass --{option} {before[name]}, or another --out."
                )
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

    def values(name: str) -> str:
        own = ", ".join(f"{data} {getattr(a.settings, name):g}" for data, a in CURVED.items())
        return f"(default: {own})"

    found.add_argument("--list", action=_List, nargs=0, help="say what there is to learn, and end")
    names = sorted({*RECIPES, *LISTED})
    found.add_argument("--data", required=True, choices=names, help="what to learn; see --list")
    found.add_argument("--root", type=Path, help="folder of the data, where --list says so")
    found.add_argument("--epochs", type=int, help=f"epochs in all {values('epochs')}")
    found.add_argument(
        "--learning-rate", type=float, help=f"of the optimiser {values('learning_rate')}"
    )
    found.add_argument("--batch-size", type=int, help=f"samples a step {values('batch_size')}")
    found.add_argument(
        "--neuron",
        choices=STARTING,
        help="family of neurons, with numbers that work for it (default: cuba, with the recipe's)",
    )
    found.add_argument("--devices", type=int, help="how many share a batch (1)")
    found.add_argument("--out", type=Path, help="folder to write to (runs/DATA)")
    found.add_argument("--seed", type=int, default=0, help="fixes data, weights and dropout (0)")
    found.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    processes.add_options(found)


class _List(argparse.Action):
    """Prints the recipes and ends, as ``--help`` does."""

    def __call__(self, parser, *_):
        """Prints and ends."""
        try:
            print(listed(), flush=True)
        except BrokenPipeError:
            hush()
        parser.exit()


def listed() -> str:
    """What there is to learn, what each needs, and what to expect."""
    lines = []
    for data, about in LISTED.items():
        lines += [data, f"  learns:  {about.task}", f"  needs:   {about.needs}"]
        lines += [f"  expect:  {about.expect}"]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    return run(parser().parse_args(arguments))


def run(options: argparse.Namespace) -> int:
    """Trains as the options say; returns the exit code."""
    options.out = options.out or Path("runs") / options.data
    return processes.left(ended(lambda: _train(options), options.out))


def _train(options: argparse.Namespace) -> None:
    check_options(options)
    processes.several(options)
    if options.data == "detection":
        start = called("train").removesuffix("train").strip()
        raise ValueError(
            f"`--data` is detection, expected one of {', '.join(CURVED)}; detectors have a "
            f"command of their own, {start} detect train."
        )
    if options.data == "balance":
        balance.run(options)
        return
    prepared = prepare(options)
    try:
        train(prepared)
        finish(prepared)
    finally:
        if prepared.claim is not None:
            prepared.claim.release()


def check_options(options: argparse.Namespace) -> None:
    """Raises ``ValueError`` for a number out of range, before anything is read or written."""
    for name in ("epochs", "batch_size", "devices"):
        value = getattr(options, name)
        if value is not None and value < 1:
            option = name.replace("_", "-")
            raise ValueError(f"`--{option}` is {value}, expected at least 1; pass more.")
    rate = options.learning_rate
    if rate is not None and not 0 < rate < math.inf:
        raise ValueError(f"`--learning-rate` is {rate}, expected more than 0; pass such as 0.001.")
    if not 0 <= options.seed < 2**32:
        raise ValueError(f"`--seed` is {options.seed}, expected 0 to {2**32 - 1}; pass another.")
    if options.neuron is not None and LISTED[options.data].own_neurons:
        raise ValueError(
            f"`--neuron` is {options.neuron}, but the neurons of {options.data} are its own; leave "
            "it out."
        )


def settings_of(options: argparse.Namespace) -> Settings | None:
    """The recipe's values with what a user gave in their place; ``None`` where nothing is given."""
    names = ("epochs", *TURNED)
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    return dataclasses.replace(ABOUT[options.data].settings, **given) if given else None


def prepare(options: argparse.Namespace) -> Run:
    """Checks all that could fail after hours of training, and saves a first checkpoint.

    Raises:
      OSError: The data are not there, nothing can be written, another training writes there, or
        there is no checkpoint.
      ValueError: An option is out of range, or data or checkpoint do not fit.
    """
    check_options(options)
    sharding = processes.begin(options)
    with jointly():
        if number():
            return prepare_claimed(options, None, sharding=sharding)
        if lacks := drawing_lacks():
            print(f"note: no pictures will be drawn. {lacks}", file=sys.stderr)
        if options.resume:
            require_checkpoint(options.out / CHECKPOINT)
        with started(options.out) as claim:
            return prepare_claimed(options, claim, draws=not lacks, sharding=sharding)


def prepare_claimed(
    options: argparse.Namespace,
    claim: Claim | None,
    *,
    draws: bool = True,
    sharding: training.BatchSharding | None = None,
) -> Run:
    """The part of `prepare` that reads and, in the first process, writes in the folder."""
    saved = options.out / CHECKPOINT
    settings = settings_of(options)
    changed = () if settings is None else (settings,)
    recipe = RECIPES[options.data](options.root, options.seed, *changed)
    x = recipe.training.batch([0])[0]
    used = settings or ABOUT[options.data].settings
    run = Run(
        data=options.data,
        recipe=recipe,
        seed=options.seed,
        epochs=recipe.epochs if options.epochs is None else options.epochs,
        out=options.out,
        state=utils.create_state(recipe.network, x, recipe.optimizer, seed=options.seed),
        stats=utils.LearningStats(),
        claim=claim,
        options={name: getattr(used, name) for name in TURNED},
        sharding=sharding,
        draws=draws,
    )
    if count() > 1:
        compare(run, settings=used, resume=options.resume, sample=x)
    if options.resume:
        resume(run)
        say(f"going on from {saved} after {run.stats.epochs} epochs")
    elif number() == 0 and saved.is_file():
        # Hours of training must not be lost because --resume was forgotten.
        with replacing(options.out / PREVIOUS) as file:
            file.write(saved.read_bytes())
        say(f"starting anew; what {saved} held is now in {PREVIOUS}")
    if run.sharding is not None:
        run.state = utils.replicate(run.state, run.sharding.mesh)
    run.save()
    return run


def compare(run: Run, *, settings: Settings, resume: bool, sample: Any) -> None:
    """Raises ``ValueError`` where processes were started with different options or data."""
    options = {name: repr(value) for name, value in dataclasses.asdict(settings).items()}
    more = {"data": run.data, "seed": run.seed, "epochs": run.epochs, "resume": resume}
    agree("options", {**options, **more})
    testing = run.recipe.testing
    content = b"".join(np.asarray(leaf).tobytes() for leaf in jax.tree.leaves(sample))
    about = {
        "number of samples": len(run.recipe.training),
        "number of test samples": None if testing is None else len(testing),
        "shape of a sample": str(jax.tree.map(np.shape, sample)),
        "checksum of the first sample": hashlib.sha256(content).hexdigest()[:16],
    }
    agree("data", about)


def resume(run: Run) -> None:
    """Takes over the checkpoint, which the first process alone reads: others may not see it."""
    if count() == 1:
        run.load()
        return
    with jointly():
        if number() == 0:
            run.load()
    run.stats = utils.LearningStats.from_dict(first_says(run.stats.to_dict))
    run.state = multihost_utils.broadcast_one_to_all(run.state)


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
            for batch in datasets.batches(
                recipe.testing, recipe.batch_size, shuffle=False, sharding=run.sharding
            ):
                _, metrics = evaluate(run.state, batch[0], recipe.target(batch))
                stats.testing.update(metrics["loss"], metrics.get("correct"), len(batch[0]))
        stats.end_epoch()
        run.save()
        say(f"epoch {last}/{run.epochs}  {stats}")
    say(f"trained {run.epochs - before} epochs in {time.perf_counter() - start:.1f} s")


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
            for batch in datasets.batches(
                recipe.data(epoch), recipe.batch_size, seed=order, sharding=run.sharding
            ):
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
    if number():
        return
    if count() > 1:
        run.state = jax.device_get(run.state)  # the others compute no more
    names = ["network.net", CHECKPOINT, "stats.json"]
    if run.draws:
        run.stats.plot(run.out / "learning.png")
        names += ["learning.png", *(draw_drive if run.recipe.is_drive else draw_events)(run)]
    with noted():
        hdf5.export(run.out / "network.net", run.recipe.network, run.state.variables)
    for name in names:
        print(f"wrote {run.out / name}")
    if not run.draws:
        print("no pictures; install what the note at first says, and run again with --resume")


def answered(run: Run) -> tuple[tuple[Any, ...], Any]:
    """The first batch of the data to judge by, and what the network makes of it."""
    recipe = run.recipe
    data = recipe.training if recipe.testing is None else recipe.testing
    batch = data.batch(range(min(recipe.batch_size, len(data))))
    return batch, jax.device_get(jax.jit(recipe.network.apply)(run.state.variables, batch[0]))


def draw_drive(run: Run) -> list[str]:
    """Draws the drive that stands for the result, the median of a batch by its error."""
    batch, y = answered(run)
    error = ((y[:, 0] - batch[1]) ** 2).mean(-1)
    chosen = int(error.argsort()[len(error) // 2])
    title = f"the median of {len(error)} test drives: squared error {error[chosen]:.4f} rad\u00b2"
    figure = datasets.drive_plot(batch[0][chosen], batch[1][chosen], y[chosen, 0], title=title)
    with replacing(run.out / "drive.png") as file:
        figure.savefig(file, format="png")
    return ["drive.png"]


def draw_voltages(voltages: np.ndarray, title: str, axes: Any) -> None:
    """Draws the voltage ``[class, T]`` of every class."""
    for place, voltage in enumerate(voltages):
        axes.plot(voltage, lw=1, color=style.MORE[place % len(style.MORE)], label=str(place))
    axes.set(xlabel="step", ylabel="voltage")
    axes.set_title(title, loc="left", fontsize=10, color=style.TEXT)
    axes.legend(frameon=False, fontsize=7, ncols=2)
    style.tidy(axes)


def draw_events(run: Run) -> list[str]:
    """Draws the first sample and what the network makes of it, and plays both back."""
    recipe = run.recipe
    batch, y = answered(run)
    names = tuple(getattr(recipe.training, "classes", ()))
    output = y[0]
    parts = {"input": np.asarray(event_batch.dense(batch[0][:1]))[0], "output": output}
    if recipe.desired is None:
        classes = (int(recipe.target(batch)[0]), int(classifier.Rate.predict(y)[0]))
        shown, told = (names[c] if c < len(names) else f"class {c}" for c in classes)
        most = "highest voltage" if recipe.is_voltage else "most spikes"
        titles = {"input": f"input: {shown}", "output": f"output: {most} for {told}"}
        parts = {titles[name]: events for name, events in parts.items()}
    else:
        parts["desired"] = recipe.desired(batch)[0]
    figure = style.new_figure(4.5 * len(parts), 3.6, dpi=150)
    columns = figure.subplots(1, len(parts))
    for axes, (title, events) in zip(columns, parts.items(), strict=True):
        if recipe.is_voltage and events is output:
            draw_voltages(events, title, axes)
            continue
        io.raster(events, title=title, axes=axes)
        # All neurons and all of the time, those without events too.
        *_, steps = events.shape
        rows = math.prod(events.shape[-3:-1] if events.ndim == 4 else events.shape[:-1])
        axes.set_xlim(-0.01 * steps, 1.01 * steps)
        style.all_neurons(axes, rows, names if events.ndim == 2 else ())
    with replacing(run.out / "raster.png") as file:
        figure.savefig(file, format="png")
    if recipe.desired is not None:
        del parts["input"]  # noise to the eye, and the answer is what a picture is for
    if recipe.is_voltage:
        parts = {title: events for title, events in parts.items() if events is not output}
    io.animate(parts, run.out / "events.gif", title=run.data, names=names)
    return ["raster.png", "events.gif"]


if __name__ == "__main__":
    sys.exit(main())
