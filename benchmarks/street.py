"""Accuracy against operations of trained street detectors, over cameras and noise.

Train some first, one seed each, then judge them together:

    for seed in 0 1 2; do python -m jslayer detect train --seed $seed --out runs/street$seed; done
    python -m benchmarks.street runs/street0 runs/street1 runs/street2

All are judged on the same 60 test clips of 16 frames: frame by frame, as the ordinary network of
the same weights; as sigma-delta networks; and as the file in the integers of the hardware. Then on
30 clips of each camera. Operations are those of a frame after the first of a clip.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

if not __package__:  # run by its path
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import timing
from jslayer import obd
from jslayer.obd.training import evaluate, operations

CAMERAS = {"parked": 0.0, "slow, 3 m/s": 3.0, "fast, 12 m/s": 12.0}
NOISE = {"": 0.0, ", noise 1 %": 0.01}


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+", type=Path, help="network files or their folders")
    parser.add_argument("--clips", type=int, default=60, help="test clips; half for each camera")
    parser.add_argument("--out", default=None, help="write OUT.md and OUT.json too")
    chosen = parser.parse_args(argv)
    files = [file / "network.net" if file.is_dir() else file for file in chosen.files]
    report = timing.Report("Drawn streets: accuracy and synaptic operations a frame")
    whole = batches(chosen.clips)
    report.add_rows(
        f"{chosen.clips} test clips of 16 frames, {len(files)} trained networks: mean (least)",
        [
            summary("frame by frame", [judged(file, whole, alone=True) for file in files]),
            summary("sigma-delta", [judged(file, whole) for file in files]),
            summary("sigma-delta, integers", [judged(file, whole, file=file) for file in files]),
        ],
    )
    rows = []
    for camera, speed in CAMERAS.items():
        for words, noise in NOISE.items():
            data = batches(max(chosen.clips // 2, 1), seed=5, speed=speed, noise=noise)
            for name, alone in (("frame by frame", True), ("sigma-delta", False)):
                found = [judged(file, data, alone=alone) for file in files]
                rows.append(summary(f"{camera}{words}: {name}", found))
    report.add_rows(f"by camera, {max(chosen.clips // 2, 1)} clips each", rows)
    if chosen.out:
        print(f"Written: {report.write(chosen.out)}")


def batches(clips: int, **options: Any) -> list[Any]:
    """Test clips, four at a time."""
    data = obd.SyntheticStreet(clips, split="test", num_steps=16, dtype=np.uint8, **options)
    return [data.batch(range(k, min(k + 4, clips))) for k in range(0, clips, 4)]


def judged(
    path: Path, data: Sequence[Any], *, alone: bool = False, file: Path | None = None
) -> Mapping[str, float]:
    """What COCO says of one network, and its operations."""
    detector, variables = obd.load_detector(path)
    found = evaluate(detector, variables, data, one_by_one=alone, file=file)
    cost = operations(detector, variables, (batch[0] for batch in data))
    spent = cost["dense"] if alone else cost["steady"]
    return {
        **{name: float(found[name]) for name in ("AP", "AP50")},
        "operations": spent,
        "dense": cost["dense"] / spent,
        "nonzero": cost["nonzero"] / spent,
    }


def summary(name: str, found: Sequence[Mapping[str, float]]) -> dict[str, Any]:
    """The mean over networks, and the least of what shall be large."""
    mean = lambda key: float(np.mean([one[key] for one in found]))
    least = lambda key: min(one[key] for one in found)
    return {
        "case": name,
        **{key: f"{mean(key):.3f} ({least(key):.3f})" for key in ("AP", "AP50")},
        "operations a frame": f"{mean('operations'):,.0f}",
        "fewer than dense": f"{mean('dense'):.1f}x ({least('dense'):.1f}x)",
        "than dense without zeros": f"{mean('nonzero'):.1f}x",
    }


if __name__ == "__main__":
    main()
