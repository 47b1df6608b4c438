"""Network files."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from tools.hostile.case import Case, Read


def sound(path: Path, layers: int = 2, **weight: Any) -> Path:
    """A network of dense layers, 4 neurons each, or with another weight."""
    with h5py.File(path, "w") as file:
        for number in range(layers):
            group = file.create_group(f"layer/{number}")
            group["type"] = np.array(["dense"], "S10")
            group["shape"] = [4]
            if number or not weight:
                group["weight"] = np.full((4, 4), 2, "f4")
            else:
                group["shape"][...] = weight["shape"][0]
                group.create_dataset("weight", **weight)
            neuron = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 80}
            for name, value in neuron.items():
                group[f"neuron/{name}"] = value
    return path


def changed(change: Callable[[h5py.File], None], call: str = "read") -> Callable[[Path], Read]:
    """A sound file with a change, and the function of `jslayer.hdf5` that meets it."""

    def make(folder: Path) -> Read:
        path = sound(folder / "a.net")
        with h5py.File(path, "r+") as file:
            change(file)
        return _call(call, path)

    return make


def _call(name: str, path: Path) -> Read:
    from jslayer import hdf5

    if name == "diff":
        return lambda: hdf5.diff(path, path)
    return lambda: getattr(hdf5, name)(path)


def nested_heaps(file: h5py.File) -> None:
    """A megabyte of heap headers, each inside the one before."""
    count = 2**16
    heads = np.zeros((count, 2), "<u8")
    heads[:, 0] = int.from_bytes(b"GCOL\x01\0\0\0", "little")
    heads[:, 1] = (16 * (count - np.arange(count))).astype("<u8")
    file["unused"] = heads


def bomb(folder: Path) -> Read:
    """2^28 zeros in 289 kB."""
    row = zlib.compress(bytes(2**20), 9)
    path = folder / "a.net"
    options = {"shape": (1, 2**28), "dtype": "i1", "chunks": (1, 2**20), "compression": 9}
    sound(path, 1, **options)
    with h5py.File(path, "r+") as file:
        for number in range(2**8):
            file["layer/0/weight"].id.write_direct_chunk((0, number * 2**20), row)
    return _call("read", path)


def hard_links(folder: Path) -> Read:
    """4,095 names of one layer of 4096 x 4096 int8, in 400 kB."""
    path = folder / "a.net"
    options = {"shape": (4096, 4096), "dtype": "i1", "chunks": (256, 4096), "compression": 9}
    sound(path, 1, **options)
    row = zlib.compress(bytes(2**20), 9)
    with h5py.File(path, "r+") as file:
        for number in range(16):
            file["layer/0/weight"].id.write_direct_chunk((256 * number, 0), row)
        for number in range(1, 4095):
            file[f"layer/{number}"] = file["layer/0"]
    return _call("read", path)


def shared_text(folder: Path) -> Read:
    """2,000 attributes that refer to one text of 8 MB."""
    path = sound(folder / "a.net")
    with h5py.File(path, "r+") as file:
        attributes = file["layer/0"].attrs
        attributes["long"] = "y" * 8_000_007
        for number in range(2000):
            attributes[f"a{number:04}"] = "x"
    content = bytearray(path.read_bytes())
    length, start = struct.pack("<I", 8_000_007), content.index(b"long\0")
    step = content.index(length, start) - start
    reference, at = content[start + step : start + step + 16], -1
    for number in range(2000):
        name = f"a{number:04}\0".encode()
        while (at := content.find(name, at + 1)) >= 0:
            content[at + step : at + step + 16] = reference
    path.write_bytes(content)
    return _call("read", path)


def lattice(file: h5py.File) -> None:
    """15 levels of 8 names, each of all the groups below: 8^15 ways."""
    below = file["layer"]
    for level in range(15):
        above = file.create_group(f"level{level}")
        for name in range(8):
            above[str(name)] = below
        below = above


def swollen_chunk(file: h5py.File) -> None:
    """A chunk of 64 bytes that becomes 256 MB."""
    del file["layer/0/weight"]
    options = {"chunks": (4, 4), "compression": 9}
    made = file.create_dataset("layer/0/weight", (4, 4), "f4", **options)
    made.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**28), 9))


def claim(file: h5py.File) -> None:
    """A million million numbers that are not there."""
    del file["layer/0/weight"]
    file.create_dataset("layer/0/weight", (10**6, 10**6), "f4", chunks=True)


def long_type(file: h5py.File) -> None:
    """A type of 50 MB."""
    del file["layer/0/type"]
    file["layer/0/type"] = "y" * 50_000_000


def terminal(file: h5py.File) -> None:
    """A name that would write to the terminal."""
    file.move("layer/1", "layer/\x1b]0;owned\x07" + "\x1b[31m" * 200)


def empty(name: str) -> Callable[[h5py.File], None]:
    """An attribute that holds nothing."""

    def change(file: h5py.File) -> None:
        file["layer/1"].attrs[name] = h5py.Empty("f4") if name == "note" else np.zeros(0)

    return change


def newer(folder: Path, **options: Any) -> Read:
    """The same in a newer format."""
    with (
        h5py.File(sound(folder / "a.net")) as old,
        h5py.File(folder / "b.net", "w", **options) as new,
    ):
        old.copy("layer", new)
    return _call("read", folder / "b.net")


def locked(folder: Path) -> Read:
    """A file that another program has open for writing."""
    path = sound(folder / "a.net")
    call = _call("read", path)

    def read() -> object:
        with h5py.File(path, "r+"):
            return call()

    return read


def cut(folder: Path) -> Read:
    """The first half of a file."""
    path = sound(folder / "a.net")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return _call("read", path)


def _command(content: Callable[[Path], None]) -> Callable[[Path], Read]:
    """The command ``run`` with data."""

    def make(folder: Path) -> Read:
        from jslayer.cli.main import _parser

        network, data = sound(folder / "a.net"), folder / "x.npy"
        content(data)
        words = ["run", network, "--input", data, "--output", folder / "y.npy"]
        options = _parser().parse_args([str(word) for word in words])
        return lambda: options.command(options)

    return make


def _archive(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, x=np.ones((1, 4, 5)))


CASES = {
    "heap headers within heap headers, 1 MB": Case(changed(nested_heaps), seconds=2),
    "2^28 zeros deflated to 289 kB": Case(bomb, is_quick=False),
    "4,095 names of one layer": Case(hard_links, is_quick=False),
    "2,000 attributes of one text of 8 MB": Case(shared_text, is_quick=False),
    "diff of a lattice of names": Case(changed(lattice, "diff"), "read", seconds=2),
    "a chunk of 64 bytes that inflates to 256 MB": Case(changed(swollen_chunk), is_quick=False),
    "a claim of 10^12 numbers": Case(changed(claim)),
    "a type of 50 MB": Case(changed(long_type), is_quick=False),
    "a name for the terminal": Case(changed(terminal)),
    "an empty attribute, read": Case(changed(empty("note"))),
    "an empty attribute block, load": Case(changed(empty("block"), "load")),
    'libver="latest"': Case(lambda folder: newer(folder, libver="latest")),
    "groups of a newer format": Case(lambda folder: newer(folder, track_order=True)),
    "locked by a writer": Case(locked),
    "half a file": Case(cut),
    "run, batch 0": Case(_command(lambda path: np.save(path, np.zeros((0, 4, 5)))), "ValueError"),
    "run, a structured dtype": Case(
        _command(lambda path: np.save(path, np.zeros((1, 4, 5), [("a", "f4")]))), "ValueError"
    ),
    "run, an archive named .npy": Case(_command(_archive), "ValueError"),
}
"""By name."""
