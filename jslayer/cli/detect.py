"""Trains, judges and shows object detectors.

``jslayer detect train`` learns from single frames first, then from clips with an eye on the
events, and writes ``network.net``, ``checkpoint.msgpack`` (for ``--resume``), ``stats.json``,
``learning.png``, ``rates.png``, ``detections.gif`` and ``cost.txt`` into ``--out``.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jslayer import datasets, obd, utils
from jslayer._addresses import install
from jslayer.block import Graph
from jslayer.cli.detect_data import (
    CLIPS,
    FRAMES,
    MODELS,
    ROOTED,
    TESTED,
    Kept,
    data_set,
    model,
    takes_events,
)
from jslayer.cli.folder import (
    CHECKPOINT,
    drawing_lacks,
    ended,
    noted,
    record,
    require_checkpoint,
    started,
)
from jslayer.datasets.base import Dataset
from jslayer.datasets.order import index_batches
from jslayer.io import style
from jslayer.io.files import replacing
from jslayer.obd.training import (
    detection_state,
    detection_step,
    evaluate,
    operations,
    schedule,
)
from jslayer.training.checkpoint.file import content_of
from jslayer.training.finite import require_finite

SAVE_EVERY = 200
"""Steps from checkpoint to checkpoint."""

SHOWN = {"conf_threshold": 0.7, "nms_threshold": 0.3}
"""What pictures show: nine of ten boxes are right, and nine of ten objects found."""

FIXED = ("data", "model", "size", "width", "seed", "frames", "clips", "seq_len", "threshold")
"""Options that a run that goes on must share with the one before it."""


@dataclasses.dataclass
class Phase:
    """One part of the training.

    Attributes:
      name: What it learns from.
      detector: The network.
      data: The videos.
      steps: Steps of training.
      batch: Videos of a step.
      rates: Largest learning rates, of weights and of the rest; see `schedule`.
      options: Of the step.
    """

    name: str
    detector: obd.Detector
    data: Dataset
    steps: int
    batch: int
    rates: tuple[float, float | None]
    options: dict[str, Any]


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the four commands of ``detect``."""
    commands = parser.add_subparsers(required=True, metavar="command")
    trainer = commands.add_parser("train", help="train a detector and write what it learned")
    _add_data(trainer)
    trainer.add_argument("--model", choices=MODELS, default="street_yolo", help="the network")
    trainer.add_argument("--width", type=float, default=1.0, help="factor on lava-dl's channels")
    trainer.add_argument("--frames", type=int, default=2600, help="steps on single frames")
    trainer.add_argument("--clips", type=int, default=450, help="steps on clips after them")
    trainer.add_argument("--seq-len", type=int, default=8, help="frames of a clip")
    trainer.add_argument("--threshold", type=float, default=0.2, help="of the neurons, on clips")
    trainer.add_argument("--sparsity", type=float, default=1.0, help="weight of the event rates")
    trainer.add_argument("--sparsity-rate", type=float, default=0.02, help="rate that is free")
    trainer.add_argument("--lr", type=float, default=0.02, help="learning rate of weights")
    trainer.add_argument("--load", type=Path, help="network file to start from")
    trainer.add_argument("--out", type=Path, help="folder to write to; runs/DATA if not given")
    trainer.add_argument("--resume", action="store_true", help="go on from the checkpoint in --out")
    trainer.set_defaults(command=run)

    judge = commands.add_parser("evaluate", help="judge a detector's network file")
    judge.add_argument("file", type=Path, metavar="FILE", help="network file")
    _add_data(judge)
    judge.add_argument("--seq-len", type=int, default=16, help="frames of a clip")
    judge.add_argument("--hardware", action="store_true", help="run it in the hardware's integers")
    judge.set_defaults(command=_evaluate)

    video = commands.add_parser("video", help="draw what a detector finds in a video")
    video.add_argument("file", type=Path, metavar="FILE", help="network file")
    video.add_argument("source", type=Path, metavar="IN", help="video to read")
    video.add_argument("target", type=Path, metavar="OUT", help=".mp4, .gif or .html to write")
    video.add_argument("--size", type=_size, default=(96, 160), help="of the frames, HEIGHTxWIDTH")
    video.add_argument("--confidence", type=float, default=0.7, help="least objectness shown")
    video.set_defaults(command=_video)

    anchors = commands.add_parser("anchors", help="fit anchors to the boxes of a data set")
    _add_data(anchors)
    anchors.add_argument("--scales", type=int, default=1, help="scales of the detector")
    anchors.add_argument("--per-scale", type=int, default=6, help="anchors of each")
    anchors.set_defaults(command=_anchors)


def _add_data(parser: argparse.ArgumentParser) -> None:
    known = ("street", *sorted(ROOTED))
    parser.add_argument("--data", choices=known, default="street", help="street is drawn")
    parser.add_argument("--root", type=Path, help="folder of data that are not drawn")
    parser.add_argument("--size", type=_size, default=(96, 160), help="of frames, HEIGHTxWIDTH")
    parser.add_argument("--seed", type=int, default=0, help="fixes data and weights")
    parser.add_argument("--tested", type=int, default=TESTED, help="clips to judge by")


def _size(text: str) -> tuple[int, int]:
    height, _, width = text.partition("x")
    try:
        return int(height), int(width)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no size, expected HEIGHTxWIDTH") from None


def run(options: argparse.Namespace) -> int:
    """Trains as the options say; returns the exit code."""
    options.out = options.out or Path("runs") / options.data
    return ended(lambda: _train(options), options.out)


def _train(options: argparse.Namespace) -> None:
    _check(options)
    phases, saved = _phases(options), options.out / CHECKPOINT
    if options.resume:
        require_checkpoint(saved)
    with started(options.out) as claim:
        _train_claimed(options, phases, saved)
    claim.release()


def _train_claimed(options: argparse.Namespace, phases: list[Phase], saved: Path) -> None:
    """The part of the training that reads and writes in the folder."""
    settings = json.dumps({name: getattr(options, name) for name in FIXED})
    log: list[dict[str, Any]] = []
    variables = obd.load_detector(options.load)[1] if options.load else None
    reached = _place(saved, settings) if options.resume else (0, 0)
    for number, phase in enumerate(phases):
        if number < reached[0]:
            continue
        frames = phase.data.batch([0])[0]
        optimizer = schedule(phase.rates[0], phase.steps, others=phase.rates[1])
        state = detection_state(
            phase.detector, frames, optimizer, seed=options.seed, variables=variables
        )
        done = reached[1] if number == reached[0] else 0
        if done:
            kept = utils.load_checkpoint(saved, _checkpoint(settings, 0, 0, [], state))
            state, log = kept["state"], json.loads(kept["log"])
            print(f"going on from {saved} at step {done} of {phase.name}", flush=True)
        step = detection_step(phase.detector, **phase.options)
        metrics: dict[str, Any] = {}
        with (
            utils.Progress(phase.steps - done, phase.name) as bar,
            contextlib.closing(_batches(phase, options.seed, done)) as batches,
        ):
            for k, batch in zip(range(done + 1, phase.steps + 1), batches, strict=False):
                before = metrics
                state, metrics = step(state, *batch)
                # one step runs while the next batch is drawn
                require_finite(state, before)
                bar.update(1)
                if k % 50 == 0 or k == phase.steps:
                    log.append(_entry(phase, k, metrics))
                if k % SAVE_EVERY == 0 or k == phase.steps:
                    require_finite(state, metrics)
                    tree = _checkpoint(settings, number, k, log, state)
                    utils.save_checkpoint(saved, tree)
        variables = jax.device_get(state.variables)
    _finish(options, phases, variables, log)


def _check(options: argparse.Namespace) -> None:
    for name in ("frames", "clips"):
        if getattr(options, name) < 0:
            raise ValueError(f"`--{name}` is {getattr(options, name)}, expected 0 or more steps.")
    if not options.frames + options.clips:
        raise ValueError("`--frames` and `--clips` are 0, expected a step; pass more.")
    if not options.clips and options.frames and options.seq_len < 2:
        raise ValueError("`--seq-len` is below 2, expected frames of a clip; pass more.")
    if lacks := drawing_lacks():
        print(f"note: no pictures will be drawn. {lacks}", file=sys.stderr)
    if not _can_judge():
        what = f"{install('detection')}, then `detect evaluate`"
        print(f"note: the detector will not be judged, which needs {what}.", file=sys.stderr)


def _can_judge() -> bool:
    return importlib.util.find_spec("pycocotools") is not None


def _phases(options: argparse.Namespace) -> list[Phase]:
    events = takes_events(options.model)
    data = lambda steps, count, seed: data_set(
        options, "train", steps, count=count, seed=seed, events=events
    )
    found = []
    if options.frames:
        frames = data(1, FRAMES, options.seed)
        detector = model(options, tuple(frames.classes), learn=False)
        rates = options.lr, None
        found.append(Phase("frames", detector, frames, options.frames, 16, rates, {}))
    if options.clips:
        clips = data(options.seq_len, CLIPS, (options.seed, 1))
        detector = model(options, tuple(clips.classes), learn=True)
        more = {"sparsity": options.sparsity, "free_rate": options.sparsity_rate}
        rates = 0.15 * options.lr, 0.05 * options.lr
        found.append(Phase("clips", detector, clips, options.clips, 4, rates, more))
    return found


def _batches(phase: Phase, seed: int, done: int) -> Iterator[tuple[np.ndarray, ...]]:
    """The batches of a phase from step ``done`` on, without end, drawn ahead by a thread."""
    data = Kept(phase.data)
    size = min(phase.batch, len(data))
    options: dict[str, Any] = {"seed": seed, "drop_last": True, "workers": 1, "prefetch": 4}
    loader = datasets.Loader(data, size, **options)
    loader.seek(*divmod(done, len(loader)))
    while True:
        yield from loader


def _entry(phase: Phase, step: int, metrics: Any) -> dict[str, Any]:
    """A line of the log."""
    return {
        "phase": phase.name,
        "step": step,
        "loss": float(metrics["loss"]),
        "parts": np.asarray(metrics["parts"], float).tolist(),
        "rates": np.asarray(metrics["rates"], float).tolist(),
    }


def _checkpoint(settings: str, phase: int, step: int, log: Any, state: Any) -> dict[str, Any]:
    place = json.dumps([phase, step])
    return {"settings": settings, "place": place, "log": json.dumps(log), "state": state}


def _place(saved: Path, settings: str) -> tuple[int, int]:
    """Where a checkpoint stands: number of the phase and of the step."""
    try:
        found, _ = content_of(saved)
        said, (phase, step) = json.loads(found["settings"]), json.loads(found["place"])
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{saved} is damaged, expected a checkpoint of this command.") from error
    for name, value in json.loads(settings).items():
        if said.get(name) != value:
            raise ValueError(
                f"`--{name.replace('_', '-')}` is {value}, but {saved} is of {said.get(name)}, "
                "expected the same; pass it, or another --out."
            )
    return int(phase), int(step)


def _finish(
    options: argparse.Namespace, phases: list[Phase], variables: Any, log: list[dict[str, Any]]
) -> None:
    """Judges the network and writes file, numbers and pictures."""
    out, detector = options.out, phases[-1].detector
    with noted():
        detector.export(out / "network.net", variables)
    names = ["network.net", CHECKPOINT, "stats.json"]
    result, cost, sample = {}, {}, None
    if _can_judge():
        result, cost, sample = _judged(options, detector, variables)
        text = _table(result) + ("\n\n" + _costs(cost) if cost else "")
        with replacing(out / "cost.txt") as file:
            file.write(text.encode() + b"\n")
        print(text)
        names.append("cost.txt")
    about = record(options.data, {name: getattr(options, name) for name in FIXED})
    stats = {**about, "log": log}
    with replacing(out / "stats.json") as file:
        file.write(json.dumps({**stats, "result": result, "operations": cost}).encode())
    if not drawing_lacks():
        names += _draw(out, detector, variables, log, sample)
    for name in names:
        print(f"wrote {out / name}")


def _draw(
    out: Path, detector: obd.Detector, variables: Any, log: list[dict[str, Any]], sample: Any
) -> list[str]:
    """Draws curves and, of a test clip, what the detector finds; returns the names of the files."""
    _plot(out / "learning.png", log, "parts", obd.PARTS, "loss per frame")
    names = [f"block {k}" for k in range(len(log[-1]["rates"]))] if log else []
    _plot(out / "rates.png", log, "rates", names, "event rate")
    if sample is None:
        return ["learning.png", "rates.png"]
    frames, rows, kind = sample
    found = detector.detect(variables, frames[None], **SHOWN)
    drawn = {"classes": detector.classes, "truth": rows, "kind": kind}
    pictures = obd.detection_frames(frames, *(np.asarray(part[0]) for part in found), **drawn)
    obd.save_video(pictures, out / "detections.gif")
    return ["learning.png", "rates.png", "detections.gif"]


def _judged(
    options: argparse.Namespace, detector: obd.Detector, variables: Any, file: Path | None = None
) -> tuple[dict[str, Any], dict[str, float], Any]:
    """AP on the test clips, operations of a chain of frames, and the first clip."""
    steps, events = max(options.seq_len, 2), not detector.mean
    data = Kept(data_set(options, "test", steps, count=options.tested, seed=0, events=events))
    count = min(len(data), options.tested)
    numbers = index_batches(count, 4, seed=0, shuffle=False, drop_last=False)
    batches = lambda: (data.batch(chosen) for chosen in numbers)
    result = evaluate(detector, variables, batches(), file=file)
    chain = not events and not isinstance(detector.network, Graph)
    cost = operations(detector, variables, (batch[0] for batch in batches())) if chain else {}
    return result, cost, data[0]


def _table(result: dict[str, Any]) -> str:
    lines = [f"{'':12}  {'AP':>6}  {'AP50':>6}  {'AP75':>6}"]
    rows = {"all": result, **result["by_class"]}
    for name, row in rows.items():
        numbers = "  ".join(f"{row[key]:6.3f}" for key in ("AP", "AP50", "AP75"))
        lines.append(f"{name:12}  {numbers}")
    return "\n".join(lines)


def _costs(cost: dict[str, float]) -> str:
    dense, steady = cost["dense"], max(cost["steady"], 1.0)
    return "\n".join(
        [
            f"products of a frame as a dense network    {dense:14,.0f}",
            f"  of its values that are not zero         {cost['nonzero']:14,.0f}",
            f"synaptic operations of the first frame    {cost['first']:14,.0f}",
            f"  of each later frame                     {cost['steady']:14,.0f}"
            f"  ({dense / steady:.1f}x fewer than dense, {cost['nonzero'] / steady:.1f}x than"
            " its non-zeros)",
        ]
    )


def _plot(path: Path, log: Any, key: str, names: Any, label: str) -> None:
    figure = style.new_figure(6, 3.6, dpi=150)
    axes = figure.subplots()
    values = np.array([entry[key] for entry in log]).reshape(len(log), -1)
    for name, line in zip(names, values.T, strict=True):
        axes.plot(range(1, len(line) + 1), line, label=name)
    axes.set_xlabel("50 steps")
    axes.set_ylabel(label)
    style.tidy(axes)
    style.legend(axes)
    with replacing(path) as file:
        figure.savefig(file, format="png")


def _evaluate(options: argparse.Namespace) -> int:
    detector, variables = obd.load_detector(options.file)
    file = options.file if options.hardware else None
    result, cost, _ = _judged(options, detector, variables, file)
    print(_table(result))
    if cost:
        print(f"\n{_costs(cost)}")
    return 0


def _video(options: argparse.Namespace) -> int:
    detector, variables = obd.load_detector(options.file, persistent_state=True)
    videos = obd.dataset.VideoFiles(options.source, size=options.size, seq_len=1, dtype=np.uint8)
    given = {**SHOWN, "conf_threshold": options.confidence, "max_detections": 50}
    stream = detector.stream(**given)
    state, frames, rows, found = None, [], [], []
    for number in range(len(videos)):
        frame = videos[number][0][None, ..., 0]
        state = stream.start(variables, frame) if state is None else state
        (row, there), state = stream.step(variables, state, frame)
        frames.append(frame[0])
        rows.append(np.asarray(row[0]))
        found.append(np.asarray(there[0]))
    parts = np.stack(frames, -1), np.stack(rows), np.stack(found)
    pictures = obd.detection_frames(*parts, classes=detector.classes)
    obd.save_video(pictures, options.target)
    print(f"wrote {options.target}")
    return 0


def _anchors(options: argparse.Namespace) -> int:
    data = data_set(options, "train", 1, count=500, seed=options.seed, events=False)
    sizes: list[np.ndarray] = []
    for number in range(min(len(data), 2000)):
        _, rows, kind, *_ = data[number]
        sizes.append(rows[kind == 1][:, 2:4])
    found = obd.fit_anchors(np.concatenate(sizes), options.scales, options.per_scale)
    print(json.dumps(found.round(4).astype(float).tolist()))
    return 0
