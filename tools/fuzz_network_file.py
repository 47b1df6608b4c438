"""Mutates network files and reads them: each must read, or be refused with one clear error.

Mutations change bytes, the blocks of the format, or what the file says; an eighth starts from files
of the newer formats. They are made and read in a worker process, since a damaged file may
crash the hdf5 library itself; what the worker says, and how it dies, is counted. Every mutation has
a number, from which it can be made again.

    python -m tools.fuzz_network_file --mutations 20000
    python -m tools.fuzz_network_file --only 1234        makes one again, and shows its traceback
"""

import argparse
import collections
import contextlib
import dataclasses
import functools
import io
import json
import os
import random
import re
import resource
import selectors
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
ALLOWED = ("read", "NetworkFileError", "FileNotFoundError", "IsADirectoryError", "PermissionError")


LONGEST_MESSAGE = 800
"""Characters of an error, without the name of the file."""

MOST_MEMORY = 2**29
"""Bytes by which reading may make the process grow."""

ATTRIBUTES = (
    *("w_scale", "block", "delay_shift", "readout", "cum_error", "per_channel", "in_shape"),
    *("output_bias", "neuron_bias", "num_winners", "self_excitation", "drive_bias", "real_bias"),
    *("imag_bias", "real_weight_exp", "imag_weight_exp", "previous", "outputs", "other"),
)


@functools.cache
def newer_samples() -> list[bytes]:
    """The same in newer formats: all of it, or the groups alone."""
    options: list[dict[str, Any]] = [
        {"libver": "latest"},
        {"libver": "v108"},
        {"track_order": True},
    ]
    return [copied(content, **more) for content in samples() for more in options]


def copied(content: bytes, **options: Any) -> bytes:
    """A file with the same content, made with other options."""
    made = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as old, h5py.File(made, "w", **options) as new:
        for name in old:
            old.copy(name, new)
    return made.getvalue()


@functools.cache
def samples() -> list[bytes]:
    """Small valid files, which together hold every type of layer and of neuron."""
    rng = np.random.default_rng(0)
    even = lambda *shape: (2.0 * rng.integers(-20, 20, shape)).astype(np.float32)
    cuba = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 80, "refDelay": 1}
    cuba["gradedSpike"] = np.bool_(False)
    alif = cuba | {"type": "ALIF", "thDecay": 400, "refDecay": 500, "vThStep": 10}
    turn = {"sinDecay": 2000, "cosDecay": 3000, "vThMant": 60}
    rf, rf_iz = {"type": "RF_PHASE", **turn}, {"type": "RF_IZHIKEVICH", **turn}
    adrf = {"type": "ADRF_PHASE", "thDecay": 4, "refDecay": 5, "vThStep": 6, **turn}
    sdnn = {"type": "SDNN", "activation": "relu", "vThMant": 6}
    window = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}

    def convolution(kind, shape, weight, neuron, **more):
        named = {f"neuron/{name}": value for name, value in neuron.items()}
        sizes = {"kernelSize": (2, 2), **window}
        if kind in ("conv", "convT"):
            sizes["groups"] = 1
        return {"type": kind, "shape": shape, **weight, **sizes, **named, **more}

    def dense(out, into, neuron, kind="dense", **more):
        named = {f"neuron/{name}": value for name, value in neuron.items()}
        return {"type": kind, "shape": (out,), "weight": even(out, into), **named, **more}

    def parts(*shape):
        return {"weight/real": even(*shape), "weight/imag": even(*shape)}

    image = {"type": "input", "shape": (2, 5, 5), "weight": np.float32([40]), "bias": [36.0]}
    image |= {f"neuron/{name}": value for name, value in sdnn.items()}
    networks = [
        [
            dense(6, 4, cuba, inFeatures=4, outFeatures=6, delay=np.float32([0, 1, 2, 3, 4, 5])),
            dense(5, 6, alif, "dense_rec", weight_rec=even(5, 5)),
            dense(3, 5, cuba | {"iDecay": [1, 2, 3], "vDecay": [4, 5, 6]}, bias=even(3)),
        ],
        [
            image,
            convolution("conv", (3, 4, 4), {"weight": even(3, 2, 2, 2)}, sdnn, bias=even(3)),
            convolution("pool", (3, 3, 3), {"weight": even(1, 1, 2, 2)}, sdnn, padding=(0, 0)),
            convolution("convT", (2, 4, 4), {"weight": even(3, 2, 2, 2)}, sdnn),
            convolution("unpool", (2, 5, 5), {"weight": even(1, 1, 2, 2)}, sdnn),
            {"type": "flatten", "shape": (50, 1, 1)},
            dense(2, 50, sdnn | {"sigma_output": np.bool_(True)}),
        ],
        [
            convolution("conv", (2, 3, 3), parts(2, 1, 2, 2), rf),
            {"type": "concat", "shape": (4, 3, 3), "layers": [0]},
            {"type": "flatten", "shape": (36, 1, 1)},
            {**dense(4, 36, adrf), **parts(4, 36)},
            {**dense(4, 4, rf_iz), **parts(4, 4)},
            {"type": "average", "shape": (2, 1, 1)},
        ],
    ]
    networks[2][3].pop("weight"), networks[2][4].pop("weight")
    return [_written(layers) for layers in networks]


def _written(layers: list[dict[str, Any]]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        file.attrs["writer"] = "fuzz"
        for number, layer in enumerate(layers):
            for name, value in layer.items():
                value = np.array([value], "S10") if name == "type" else value
                file[f"layer/{number}/{name}"] = value
            file[f"layer/{number}"].attrs["w_scale"] = 64
    return content.getvalue()


def mutated(number: int, files: list[bytes], path: Path) -> str:
    """Writes mutation ``number`` of a sample to ``path``; returns what was done."""
    draw = random.Random(number)
    newer = number % 8 == 0
    content = bytearray(draw.choice(newer_samples() if newer else files))
    if number % 4 == 0 or number % 8 == 1:
        kind = _damage(draw, content, path)
        return f"newer:{kind}" if newer else kind
    if number % 2:
        return _misled(draw, content, path)
    path.write_bytes(content)
    names = []
    for _ in range(draw.choice((1, 1, 1, 2, 3))):
        with h5py.File(path, "r+") as file:
            change = draw.choice(CHANGES)
            names.append(change.__name__)
            change(draw, file, draw.choice(_places(file)))
    return "+".join(names)


def _misled(draw: random.Random, content: bytearray, path: Path) -> str:
    """Changes addresses, sizes and kinds where the format has them."""
    end = len(content)
    words = struct.unpack_from(f"<{end // 8}Q", content)
    addresses = [8 * i for i, word in enumerate(words) if 0 < word < end]
    marks = [m.start() for m in re.finditer(b"TREE|SNOD|HEAP|GCOL|\1\0..\1\0\0\0", content)]
    kind = draw.choice(("address", "address", "near", "header", "header", "message"))
    for _ in range(draw.choice((1, 1, 1, 2, 4))):
        at = draw.choice(addresses)
        if kind == "address":
            value = draw.choice([words[draw.choice(addresses) // 8], draw.choice(marks), end, 0])
            struct.pack_into("<Q", content, at, value)
        elif kind == "near":
            change = draw.choice((-16, -8, -1, 1, 8, 16, 2**32, 2**63, -(2**63)))
            struct.pack_into("<Q", content, at, (words[at // 8] + change) % 2**64)
        else:
            at = draw.choice(marks) + (draw.randrange(24) if kind == "header" else 0)
            if kind == "message":
                at += 16 + 8 * draw.randrange(12) + draw.randrange(4)
            value = draw.choice((0, 1, 2, 3, 4, 5, 8, 16, 21, 127, 128, 255, draw.randrange(256)))
            if at < end:
                content[at] = value
    path.write_bytes(content)
    return kind


def _damage(draw: random.Random, content: bytearray, path: Path) -> str:
    """Changes bytes without knowing what they mean."""
    kind = draw.choice(("flip", "flip", "byte", "byte", "burst", "cut", "swap", "number"))
    end = len(content)
    # metadata lie all over such small files, most of them near the start
    spot = lambda: draw.randrange(end if draw.random() < 0.5 else min(end, 4096))
    for _ in range(draw.choice((1, 1, 2, 4, 16))):
        at = spot()
        if kind == "flip":
            content[at] ^= 1 << draw.randrange(8)
        elif kind == "byte":
            content[at] = draw.choice((0, 1, 127, 128, 255, draw.randrange(256)))
        elif kind == "burst":
            for place in range(at, min(end, at + draw.randrange(1, 64))):
                content[place] = draw.randrange(256)
        elif kind == "swap":
            other, size = spot(), draw.randrange(1, 64)
            content[at : at + size] = content[other : other + size]
        elif kind == "number":
            size = draw.choice((2, 4, 8))
            value = draw.choice((0, 1, 2 ** (8 * size) - 1, 2 ** (8 * size - 1), end, at, 96))
            content[at : at + size] = (value % 2 ** (8 * size)).to_bytes(size, "little")
    if kind == "cut":
        del content[draw.randrange(end) :]
    path.write_bytes(content)
    return kind


def _places(file: h5py.File) -> list[str]:
    found: list[str] = ["layer"]
    file["layer"].visititems(lambda name, _: found.append(f"layer/{name}"))
    return found


def _value(file: h5py.File, place: str) -> Any:
    node = file.get(place)
    return node[()] if isinstance(node, h5py.Dataset) and node.shape is not None else None


def delete(draw: random.Random, file: h5py.File, place: str) -> None:
    """Takes it away."""
    del file[place]


def _instead(file: h5py.File, place: str, value: Any, **options: Any) -> None:
    del file[place]
    file.create_dataset(place, data=value, **options)


def retype(draw: random.Random, file: h5py.File, place: str) -> None:
    """Another type for the same numbers."""
    value = _value(file, place)
    if value is None or np.asarray(value).dtype.kind not in "fiub":
        return
    kinds = ("S5", "i1", "u8", "f8", "f2", "c8", "bool", ">f4", "i2", "O", "V4", "M8", "g", "void")
    kind = draw.choice(kinds)
    array = np.asarray(value)
    if kind == "O":
        _instead(file, place, array.astype(str).astype(object), dtype=h5py.string_dtype())
    elif kind == "V4":
        _instead(file, place, np.zeros(array.shape, [("a", "f4"), ("b", "i8")]))
    elif kind == "M8":
        _instead(file, place, np.zeros(array.shape, "V8"))
    elif kind == "void":
        _instead(file, place, h5py.Empty("f4"))
    else:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _instead(file, place, array.astype(kind))


def reshape(draw: random.Random, file: h5py.File, place: str) -> None:
    """Another shape for the same numbers, or another number of them."""
    value = _value(file, place)
    if value is None:
        return
    array = np.asarray(value)
    forms = (array.reshape(-1), array[None], array[..., None], array.reshape(-1)[:1])
    more = (np.concatenate([array.reshape(-1)] * 2), array.reshape(-1)[:0], array.T)
    _instead(file, place, draw.choice(forms + more))


def number(draw: random.Random, file: h5py.File, place: str) -> None:
    """A number that should not be."""
    value = _value(file, place)
    if value is None or np.asarray(value).dtype.kind not in "fiu":
        return
    array = np.atleast_1d(np.array(value, np.float64))
    odd = (np.nan, np.inf, -np.inf, 0.5, -1, 0, 1, 2**31, -(2**31), 2**40, 1e300, -1e300, 255, 257)
    array.reshape(-1)[draw.randrange(array.size) if array.size else 0 :][:1] = draw.choice(odd)
    _instead(file, place, array.reshape(np.shape(value)))


def huge(draw: random.Random, file: h5py.File, place: str) -> None:
    """A claim of many entries without data."""
    if place == "layer":
        return
    shape = draw.choice(((10**12,), (10**6, 10**6), (2**31, 2, 2), (10**5, 10**5, 3, 3), (2**20,)))
    del file[place]
    options = draw.choice(({}, {"chunks": True}, {"chunks": True, "compression": "gzip"}))
    try:
        file.create_dataset(place, shape, draw.choice(("f4", "i8", "S10")), **options)
    except (ValueError, OSError):
        return


def text(draw: random.Random, file: h5py.File, place: str) -> None:
    """A text in its place."""
    words = ("dense", "conv", "input", "CUBA", "SDNN", "RF_PHASE", "", "\u00e9", "x" * 5000, "\0a")
    word = draw.choice(words)
    raw = draw.random() < 0.3
    value = np.array([b"\xff\xfe" + word.encode()[:20]]) if raw else word
    if "\0" in word and not raw:
        value = np.array([word.encode()], "S10")
    _instead(file, place, value)


def group(draw: random.Random, file: h5py.File, place: str) -> None:
    """A group where a dataset is due, or a dataset where a group is."""
    was = isinstance(file.get(place), h5py.Group)
    del file[place]
    if was:
        file[place] = 1.0
    else:
        file.create_group(place)


def link(draw: random.Random, file: h5py.File, place: str) -> None:
    """A link in its place: dangling, to itself, around, out of the file, or a named type."""
    del file[place]
    kind = draw.randrange(7)
    if kind == 0:
        file[place] = h5py.SoftLink("/nowhere")
    elif kind == 1:
        file[place] = h5py.SoftLink(f"/{place}")
    elif kind == 2:
        file[place] = h5py.ExternalLink("other.h5", "/layer")
    elif kind == 3:
        file[place] = h5py.ExternalLink("a_pipe_or_device", "/")
    elif kind == 4:
        file[place] = np.dtype("f8")
    elif kind == 5:
        file[place] = file["/"]
    elif "/" in place:
        file[place] = file[place.rsplit("/", 1)[0]]


def reference(draw: random.Random, file: h5py.File, place: str) -> None:
    """A reference to an object, or a virtual or external dataset."""
    kind = draw.randrange(4)
    if kind == 0:
        _instead(file, place, file["/"].ref, dtype=h5py.ref_dtype)
    elif kind == 1:
        source = h5py.VirtualSource("other.h5", "x", shape=(4,))
        layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
        layout[:] = source
        del file[place]
        file.create_virtual_dataset(place, layout)
    elif kind == 2:
        del file[place]
        file.create_dataset(place, (4,), "f4", external=[("other.bin", 0, 16)])
    else:
        _instead(file, place, np.array([[1, 2], [3]], object), dtype=h5py.vlen_dtype("i4"))


def rename(draw: random.Random, file: h5py.File, place: str) -> None:
    """Another name."""
    names = ("layer/7", "layer/-1", "layer/00", "layer/x", "layer/1e1", "layer/0/neuron", "other")
    target = draw.choice(names)
    if target not in file and not target.startswith(f"{place}/") and place not in ("layer",):
        file.move(place, target)


def attribute(draw: random.Random, file: h5py.File, place: str) -> None:
    """An attribute that should not be."""
    odd = (0, -1, 1.5, True, "64", [64, 64], 2**40, b"\xff", np.nan, np.inf, 1e300, [np.nan, 1e300])
    more = (h5py.Empty("i4"), np.zeros(0), "KWTA", "ConvOutput", "Affine", "x" * 5000, "\x1b[31m")
    node = file if draw.random() < 0.1 else file[place]
    if draw.random() < 0.7 and re.match(r"layer/\d+", place):
        node = file[re.match(r"layer/\d+", place)[0]]
    for _ in range(draw.choice((1, 1, 3))):
        node.attrs[draw.choice(ATTRIBUTES)] = draw.choice(odd + more)


CHANGES: tuple[Callable[[random.Random, h5py.File, str], None], ...] = (
    *(delete, retype, retype, reshape, number, number, huge, text, group, link, reference),
    *(rename, attribute, attribute),
)


def judged(path: Path) -> str:
    """Reads a file as users do; the name of what happened."""
    from jslayer import hdf5
    from jslayer.hdf5.describe import describe

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        hdf5.diff(path, path)
        file = hdf5.read(path)
        describe(file)
        hdf5.inference(file)
        hdf5.load(file)
        found = "read"
    except Exception as error:
        found, text = type(error).__name__, str(error).replace(str(path), "")
        if len(text) > LONGEST_MESSAGE or not text.isprintable():
            return "flood"
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    return "memory" if grown > MOST_MEMORY else found


def work(numbers: Iterator[int], folder: Path) -> None:
    """The worker: says what it begins, then what happened."""
    warnings.simplefilter("ignore")
    files = samples()
    path = folder / "mutated.net"
    for count in numbers:
        print("begin", count, flush=True)
        try:
            kind = mutated(count, files, path)
        except Exception as error:
            # the mutation itself may be impossible
            print("done", count, "impossible", type(error).__name__, flush=True)
            continue
        print("done", count, kind, judged(path), flush=True)


@dataclasses.dataclass
class Tally:
    """What happened.

    Attributes:
      verdicts: Number of mutations by what happened.
      bad: Mutations that ended in another exception, a crash or a hang.
    """

    verdicts: collections.Counter = dataclasses.field(default_factory=collections.Counter)
    bad: list[str] = dataclasses.field(default_factory=list)


def fuzz(first: int, mutations: int, timeout_s: float = 30.0) -> Tally:
    """Runs mutations ``first`` to ``first + mutations - 1`` in a worker, and counts.

    Args:
      first: Number of the first mutation.
      mutations: How many.
      timeout_s: Longest time of one mutation; then it counts as a hang.

    Returns:
      The tally.
    """
    tally, at, end = Tally(), first, first + mutations
    # whoever has seen enough interrupts it, and gets what was counted
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(KeyboardInterrupt):
        while at < end:
            at = _watched(at, end, folder, timeout_s, tally)
    return tally


def _watched(at: int, end: int, folder: str, timeout_s: float, tally: Tally) -> int:
    """One life of a worker; returns the number that comes next."""
    arguments = [sys.executable, __file__, "--worker", folder, "--first", str(at)]
    environment = os.environ | {"JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    command = [*arguments, "--mutations", str(end - at)]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "env": environment}
    begun, rest = at, b""
    with subprocess.Popen(command, **quiet) as worker, selectors.DefaultSelector() as ready:
        ready.register(worker.stdout, selectors.EVENT_READ)
        while True:
            patience = timeout_s if begun > at else 4 * timeout_s  # the first waits for imports
            if not ready.select(patience):
                worker.kill()
                tally.verdicts["hang"] += 1
                tally.bad.append(f"{begun}: hang")
                return begun + 1
            chunk = os.read(worker.stdout.fileno(), 65536)
            if not chunk:
                break
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                begun = _counted(line.decode(), begun, tally)
        code = worker.wait()
    if code == 0:
        return end
    tally.verdicts["crash"] += 1
    tally.bad.append(f"{begun}: crash with status {code}")
    return begun + 1


def _counted(line: str, begun: int, tally: Tally) -> int:
    word, number, *words = line.split(" ")
    if word == "begin":
        return int(number)
    if words[0] == "impossible":
        tally.verdicts["impossible"] += 1
    else:
        tally.verdicts[words[1]] += 1
        if words[1] not in ALLOWED:
            tally.bad.append(f"{number}: {words[0]}: {words[1]}")
    return begun


def main() -> int:
    """Runs mutations and prints what happened; 1 where something bad did."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutations", type=int, default=20000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="number of the first")
    parser.add_argument("--only", type=int, help="make this one again and show its traceback")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker is not None:
        work(iter(range(options.first, options.first + options.mutations)), options.worker)
        return 0
    if options.only is not None:
        return _again(options.only)
    start = time.perf_counter()
    tally = fuzz(options.first, options.mutations)
    print(json.dumps(tally.verdicts, indent=2, sort_keys=True))
    count = sum(tally.verdicts.values())
    print(f"{count} mutations in {time.perf_counter() - start:.0f} s")
    for line in tally.bad:
        print("BAD", line)
    return 1 if tally.bad else 0


def _again(number: int) -> int:
    from jslayer import hdf5

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "mutated.net")
        print(mutated(number, samples(), path), flush=True)
        try:
            print(hdf5.diff(path, path))
            print(hdf5.inference(hdf5.read(path)))
            print(hdf5.load(path)[0])
        except Exception:
            traceback.print_exc()
    return 0


if __name__ == "__main__":
    sys.exit(main())
