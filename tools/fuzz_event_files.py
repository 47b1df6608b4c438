"""Mutates event files and reads them: each must read, or be refused with one clear error.

    python -m tools.fuzz_event_files --mutations 20000

Every five hundredth is a recording of a camera, whose decoder runs in a process of its own.
"""

import argparse
import collections
import importlib.util
import io as bytes_io
import json
import random
import resource
import signal
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np

SUFFIXES = (".bs1", ".bs2", ".bin", ".npy", ".npz", ".dat", ".bsn")
LONGEST_MESSAGE = 800
LONGEST_S = 10
MOST_MEMORY = 2**29
ODD = (0.0, -1.0, 1e300, -1e300, np.nan, np.inf, 2.0**62, 2.0**31, 1e15, 0.5)


def sample(suffix: str, folder: Path) -> bytes:
    """A small valid file."""
    from jslayer import io

    path = folder / f"sample{suffix}"
    if suffix == ".bsn":
        return bytes(range(100))
    if suffix == ".aedat4":
        import faery

        array = np.zeros(50, faery.EVENTS_DTYPE)
        array["t"] = np.arange(50) * 100
        faery.events_stream_from_array(array, dimensions=(34, 34)).to_file(path)
    else:
        y = None if suffix == ".bs1" else [4, 5, 6]
        io.write(path, io.Event([1, 2, 3], y, [0, 1, 0], [0.0, 1.0, 7.0]))
    return path.read_bytes()


def mutated(draw: random.Random, content: bytes, suffix: str) -> bytes:
    """Changes bytes, or in files of NumPy what they say."""
    if suffix in (".npy", ".npz") and draw.random() < 0.5:
        return _meaning(draw, suffix)
    changed = bytearray(content)
    kind = draw.choice(("byte", "byte", "flip", "burst", "cut", "more", "number"))
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        at = draw.randrange(len(changed))
        if kind == "byte":
            changed[at] = draw.choice((0, 1, 127, 128, 255, draw.randrange(256)))
        elif kind == "flip":
            changed[at] ^= 1 << draw.randrange(8)
        elif kind == "burst":
            changed[at : at + 8] = draw.randbytes(8)
        elif kind == "number":
            value = draw.choice((0, 2**64 - 1, 2**63, 2**32 - 1, len(changed)))
            changed[at : at + 8] = value.to_bytes(8, "little")
    if kind == "cut":
        del changed[draw.randrange(len(changed)) :]
    return bytes(changed + draw.randbytes(draw.randrange(20) if kind == "more" else 0))


def _meaning(draw: random.Random, suffix: str) -> bytes:
    kinds = ("f8", "f4", "f2", "i1", "i8", "u8", "?", "c8", "S3", "M8[s]", "V4", "f4,i4", "O")
    shape = draw.choice(((3, 4), (3, 3), (0, 4), (3,), (4, 3, 1), (), (3, 5)))
    made = bytes_io.BytesIO()
    arrays = {}
    for name in draw.sample("xyctpz", draw.randrange(3, 7)):
        own = shape if suffix == ".npy" else draw.choice(((3,), (3,), (3,), (2,), (3, 1), ()))
        value: Any = np.zeros(own)
        if value.size and draw.random() < 0.5:
            value.reshape(-1)[draw.randrange(value.size)] = draw.choice(ODD)
        with np.errstate(all="ignore"):
            kind = draw.choice(kinds) if draw.random() < 0.4 else "f8"
            try:
                arrays[name] = value.astype(kind)
            except (TypeError, ValueError, OverflowError):
                arrays[name] = np.zeros(own, kind)
    if suffix == ".npz":
        draw.choice((np.savez, np.savez_compressed))(made, **arrays)
    else:
        np.save(made, next(iter(arrays.values())), allow_pickle=True)
    return made.getvalue()


def judged(path: Path) -> str:
    """Reads a file as users do; the name of what happened."""
    from jslayer import io

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.alarm(LONGEST_S)
    try:
        if path.suffix == ".bsn":
            io.read_spike_counts(path)
        else:
            event = io.read(path)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)  # of events that fall off
                event.to_tensor(dim=(2, 8, 10) if event.y is None else (2, 8, 8, 10))
            event.to_tensor(max_bytes=2**20)
        found = "read"
    except Exception as error:
        found, text = type(error).__name__, str(error).replace(str(path), "")
        if len(text) > LONGEST_MESSAGE or not text.isprintable():
            found = "flood"
    finally:
        signal.alarm(0)
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return "memory" if grown > MOST_MEMORY else found


def fuzz(first: int, mutations: int) -> tuple[collections.Counter, list[str]]:
    """Runs mutations ``first`` to ``first + mutations - 1``.

    Returns:
      Numbers of mutations by what happened, and those that ended in another way than they may.
    """
    counts: collections.Counter = collections.Counter()
    bad: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        samples = {suffix: sample(suffix, folder) for suffix in SUFFIXES}
        if importlib.util.find_spec("faery"):
            samples[".aedat4"] = sample(".aedat4", folder)
        for number in range(first, first + mutations):
            draw = random.Random(number)
            suffix = SUFFIXES[number % len(SUFFIXES)]
            if number % 500 == 0 and ".aedat4" in samples:
                suffix = ".aedat4"
            path = folder / f"mutated{suffix}"
            path.write_bytes(mutated(draw, samples[suffix], suffix))
            found = judged(path)
            counts[found] += 1
            if found not in ("read", "ValueError"):
                bad.append(f"{number}: {suffix}: {found}")
    return counts, bad


def main() -> int:
    """Runs mutations and prints what happened; 1 where something bad did."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutations", type=int, default=20000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    options = parser.parse_args()
    start = time.perf_counter()
    counts, bad = fuzz(options.first, options.mutations)
    print(json.dumps(counts, indent=2, sort_keys=True))
    print(f"{options.mutations} mutations in {time.perf_counter() - start:.0f} s")
    for line in bad[:50]:
        print("BAD", line)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
