"""Object detection: a training step beside its convolutions, streaming, suppression, hardware.

``yolo_kp`` at 448 x 448 pixels learns from 8 frames; ``street_yolo`` finds objects frame by frame.
Frames are random: nothing is downloaded. Run ``python -m benchmarks.detection`` or
``python benchmarks/detection.py``. With ``--hardware FILE``, a trained network file of
``python -m jslayer detect train`` or its folder, it measures something else: the average precision
of the network and of its file in the integers of the hardware, on the same drawn streets.
"""

import argparse
import dataclasses
import functools
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import floors, timing
from jslayer import obd
from jslayer.block import folded
from jslayer.block.layers import Layer
from jslayer.obd.training import JUDGED, detection_state, detection_step, evaluate, schedule

CLASSES = 11
OBJECTS, PADDED = 12, 64


@dataclasses.dataclass(frozen=True)
class Size:
    """How large it is."""

    image: tuple[int, int] = (448, 448)
    width: float = 1.0
    steps: int = 8
    street: tuple[int, int] = (96, 160)
    channels: tuple[int, ...] = (16, 32, 64, 96, 96, 96)
    streamed: int = 60
    suppressed: tuple[int, int] = (1000, 300)
    clips: int = 60
    clip_steps: int = 16


TINY = Size((64, 64), 1 / 16, 2, (32, 48), (4,) * 6, 3, (4, 20), 2, 3)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    timing.add_options(parser)
    parser.add_argument("--hardware", type=Path, help="network file of a street detector to judge")
    chosen = timing.parsed(parser, argv)
    size = TINY if chosen.tiny else Size()
    if chosen.hardware:
        report = timing.Report("Average precision of a network and of its file in integers")
        hardware(report, chosen.hardware, size)
    else:
        report = timing.Report("Object detection, float32")
        training(report, size, chosen.rounds)
        streaming(report, size, chosen.rounds)
        suppression(report, size, chosen.rounds)
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


def frames(image: tuple[int, int], steps: int, *, channels: int = 3) -> np.ndarray:
    """A random picture that moves a pixel a step ``[1, C, H, W, T]``, uint8."""
    random = np.random.default_rng(0)
    picture = random.integers(0, 256, (1, channels, *image), np.uint8)
    return np.stack([np.roll(picture, step, axis=3) for step in range(steps)], -1)


def objects(steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Random boxes ``[1, T, M, 6]`` and their kinds, some of them to be ignored."""
    random = np.random.default_rng(1)
    rows = np.zeros((1, steps, PADDED, 6), np.float32)
    there = rows[:, :, :OBJECTS]
    there[..., :2] = random.uniform(0.1, 0.9, (*there.shape[:-1], 2))
    there[..., 2:4] = random.uniform(0.05, 0.5, (*there.shape[:-1], 2))
    there[..., 4], there[..., 5] = 1, random.integers(0, CLASSES, there.shape[:-1])
    kind = np.zeros(rows.shape[:-1], np.int8)
    kind[:, :, :OBJECTS] = random.choice([1, 1, 1, -1], there.shape[:-1])
    return rows, kind


def convolutions(
    detector: obd.Detector, image: tuple[int, int], steps: int, *, backward: bool
) -> Callable[[], Any]:
    """A call that does the convolutions of a chain, one behind the other, and nothing else.

    Forward and, for a training step, to the weight and to the input of every layer, but of the
    first, whose input is data.
    """
    blocks = [block for block in detector.network.blocks if isinstance(block, Layer)]
    x, weights = floors.random(0, steps, *image, 3), []
    for seed, block in enumerate(blocks):
        kernel, channels = block.kernel_size, block.in_features
        weight = floors.random(seed, block.out_features, channels, kernel, kernel)
        weights.append(weight / np.sqrt(channels * kernel**2))

    def forward(weights, x):
        for block, weight in zip(blocks, weights, strict=True):
            x = convolve(x, weight, block.stride, block.padding, block.dilation)
        return x

    def both(weights, x, y_bar):
        y, pullback = jax.vjp(lambda weights: forward(weights, x), weights)
        return y, pullback(y_bar)

    if not backward:
        return functools.partial(jax.jit(forward), weights, x)
    y_bar = floors.random(1, *jax.eval_shape(forward, weights, x).shape)
    return functools.partial(jax.jit(both), weights, x, y_bar)


def convolve(
    x: jax.Array, weight: jax.Array, stride: int, padding: int, dilation: int
) -> jax.Array:
    """``[B, H, W, in], [out, in, kh, kw] -> [B, H', W', out]``."""
    return jax.lax.conv_general_dilated(
        x,
        weight,
        (stride, stride),
        [(padding, padding)] * 2,
        rhs_dilation=(dilation, dilation),
        dimension_numbers=("NHWC", "OIHW", "NHWC"),
        precision=jax.lax.Precision.HIGHEST,
        preferred_element_type=jnp.float32,
    )


def trained_step(detector: obd.Detector, *batch: Any) -> Callable[[], Any]:
    """A call that trains for one step; it keeps the state, whose buffers are donated."""
    state = detection_state(detector, batch[0], schedule(1e-3, 1000))
    step = detection_step(detector)

    def call():
        nonlocal state
        state, metrics = step(state, *batch)
        return state.params, metrics

    return call


def training(report: timing.Report, size: Size, rounds: int) -> None:
    """A step of `yolo_kp`, and what of it are targets, loss and, in validation, suppression."""
    detector = obd.models.yolo_kp(CLASSES, width=size.width)
    x, (rows, kind) = jnp.asarray(frames(size.image, size.steps)), objects(size.steps)
    variables = detector.init(jax.random.key(0), x)
    apply = jax.jit(lambda variables, x: detector.apply(variables, x))
    raws = [raw + floors.random(2, *raw.shape) for raw in apply(variables, x)]
    targets = jax.jit(lambda rows, kind: detector.targets(rows, kind, size.image))
    value = lambda raws, rows, kind: detector.loss(raws, rows, kind)[0]
    read = jax.jit(lambda raws: detector.read(raws, **JUDGED))
    floor = "convolutions of the step"
    rounds = max(rounds // 3, 1)
    step = trained_step(detector, x, rows, kind)
    products = convolutions(detector, size.image, size.steps, backward=True)
    found = report.add(
        f"yolo_kp, {size.image[0]} x {size.image[1]}, T = {size.steps}, batch 1, "
        f"{CLASSES} classes, {PADDED} rows of objects",
        [
            timing.Case(floor, products),
            timing.Case("training step", step, floor),
            timing.Case("targets", functools.partial(targets, rows, kind), "training step"),
            timing.Case(
                "targets and loss, forward and backward",
                functools.partial(jax.jit(jax.value_and_grad(value)), raws, rows, kind),
                "training step",
            ),
            timing.Case("suppression", functools.partial(read, raws), "training step"),
            timing.Case("network alone, forward", functools.partial(apply, variables, x)),
        ],
        rounds=rounds,
    )
    share = (found["targets"].median_ms + found["suppression"].median_ms) / found[
        "training step"
    ].median_ms
    report.say(f"Targets and suppression together are {share:.2%} of a training step.")
    alone, whole = processor_ms([products, step], rounds)
    report.add_rows(
        "processor time of all threads, on which other programs have less influence",
        [
            {"case": floor, "median, ms": alone, "over": 1.0},
            {"case": "training step", "median, ms": whole, "over": whole / alone},
        ],
    )


def processor_ms(calls: Sequence[Callable[[], Any]], rounds: int) -> list[float]:
    """Milliseconds of processors that each call uses, the median of calls in turn."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, spent in zip(calls, taken, strict=True):
            start = time.process_time()
            jax.block_until_ready(call())
            spent.append(1e3 * (time.process_time() - start))
    return [statistics.median(spent) for spent in taken]


def streaming(report: timing.Report, size: Size, rounds: int) -> None:
    """`street_yolo` frame by frame, boxes included, each waited for."""
    detector = obd.models.street_yolo(channels=size.channels)
    height, width = size.street
    x = frames(size.street, size.streamed)
    each = [jnp.asarray(x[..., step]) for step in range(size.streamed)]
    variables = detector.init(jax.random.key(0), x)
    network, at_hand = folded(detector.network, variables)
    subjects = {
        "street_yolo as trained": (detector, variables),
        "street_yolo folded": (dataclasses.replace(detector, network=network), at_hand),
    }
    runs: dict[str, Callable[[], list[float]]] = {}
    for name, (subject, given) in subjects.items():
        stream = subject.stream(**JUDGED)
        runs[name] = functools.partial(
            streamed, stream, given, jax.device_get(stream.start(given, each[0])), each
        )
    alone = convolutions(detector, size.street, 1, backward=False)
    runs["its convolutions alone"] = lambda: [timing.timed(alone) for _ in each]
    taken: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(max(rounds // 3, 1) + 1):
        for name, run in runs.items():
            seconds = run()
            taken[name] += seconds if number else []  # the first compiles
    report.add_rows(
        f"streaming, {height} x {width}, batch 1, one frame, detections included",
        [
            {
                "case": name,
                "median, ms": 1e3 * statistics.median(seconds),
                "min, ms": 1e3 * min(seconds),
                "99 % below, ms": 1e3 * sorted(seconds)[int(0.99 * (len(seconds) - 1))],
            }
            for name, seconds in taken.items()
        ],
    )


def streamed(stream: Any, variables: Any, rest: Any, each: Sequence[jax.Array]) -> list[float]:
    """Seconds of each frame, one after the other."""
    state, seconds = jax.tree.map(jnp.asarray, rest), []
    for frame in each:
        start = time.perf_counter()
        found, state = stream.step(variables, state, frame)
        jax.block_until_ready(found)
        seconds.append(time.perf_counter() - start)
    return seconds


def suppression(report: timing.Report, size: Size, rounds: int) -> None:
    """All frames in one call."""
    count, boxes = size.suppressed
    random = np.random.default_rng(3)
    rows = random.uniform(0, 1, (count, boxes, 5 + CLASSES)).astype(np.float32)
    rows[..., 2:4] *= 0.3
    nms = functools.partial(obd.nms, conf_threshold=0.05, nms_threshold=0.5)
    call = functools.partial(jax.jit(jax.vmap(nms)), jnp.asarray(rows))
    case = timing.Case(f"{count} frames x {boxes} boxes in one call", call)
    report.add("suppression", [case], rounds=rounds)


def hardware(report: timing.Report, file: Path, size: Size) -> None:
    """The network in floats, and its file in integers, read late by a step for every synapse."""
    file = file / "network.net" if file.is_dir() else file
    detector, variables = obd.load_detector(file)
    data = obd.SyntheticStreet(
        size.clips, split="test", num_steps=size.clip_steps, size=size.street, dtype=np.uint8
    )
    batches = [data.batch(range(k, min(k + 4, len(data)))) for k in range(0, len(data), 4)]
    results = {
        "network in floats": evaluate(detector, variables, batches),
        "file in integers": evaluate(detector, variables, batches, file=file),
    }
    names = ("AP", "AP50", "AP75")
    report.add_rows(
        f"{size.clips} test clips of {size.clip_steps} frames",
        [{"case": case, **{k: float(found[k]) for k in names}} for case, found in results.items()],
    )
    apart = abs(np.subtract(*(found["AP50"] for found in results.values())))
    report.say(f"AP50 differs by {apart:.4f}, at most 0.02: {'yes' if apart <= 0.02 else 'no'}.")


if __name__ == "__main__":
    main()
