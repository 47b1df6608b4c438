"""Event files, recordings and pictures."""

import os
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tools.hostile.case import Case, Read


def written(name: str, content: bytes) -> Callable[[Path], Read]:
    """A file of any content."""

    def make(folder: Path) -> Read:
        from jslayer import io

        path = folder / name
        path.write_bytes(content)
        return lambda: io.read(path)

    return make


def header(shape: str, descr: str = "'<f8'") -> bytes:
    """What stands before an array in NumPy's format."""
    text = f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}}}\n".encode()
    return b"\x93NUMPY\x01\0" + struct.pack("<H", len(text)) + text


def archive(folder: Path, *bombs: str) -> Path:
    """Events of which some arrays are 512 MB of zeros."""
    path = folder / "a.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        for name in {"x", "c", "t", *bombs}:
            with made.open(f"{name}.npy", "w", force_zip64=True) as file:
                if name not in bombs:
                    file.write(header("(2,)") + bytes(16))
                    continue
                file.write(header(f"({2**26},)"))
                for _ in range(2**9):
                    file.write(bytes(2**20))
    return path


def packed(*bombs: str) -> Callable[[Path], Read]:
    """An archive with bombs in it."""

    def make(folder: Path) -> Read:
        from jslayer import io

        path = archive(folder, *bombs)
        return lambda: io.read(path)

    return make


def far_event(folder: Path) -> Read:
    """Five bytes that ask for 8.8 GB."""
    read = written("a.bs2", b"\xff" * 5)(folder)
    return lambda: read().to_tensor()


def pipe(suffix: str) -> Callable[[Path], Read]:
    """A pipe that nobody writes into."""

    def make(folder: Path) -> Read:
        from jslayer import io

        os.mkfifo(folder / f"a{suffix}")
        return lambda: io.read(folder / f"a{suffix}")

    return make


def recording(seed: int) -> Callable[[Path], Read]:
    """A recording with 8 changed bytes, most of which damage it; some end the decoder."""

    def make(folder: Path) -> Read:
        import faery

        from jslayer import io

        draw, path = np.random.default_rng(seed), folder / "a.aedat4"
        array = np.zeros(500, faery.EVENTS_DTYPE)
        array["t"] = np.sort(draw.integers(0, 30_000, 500))
        array["x"], array["y"] = draw.integers(0, 34, (2, 500))
        faery.events_stream_from_array(array, dimensions=(34, 34)).to_file(path)
        content = bytearray(path.read_bytes())
        for at in draw.integers(1500, len(content) - 1, 8):
            content[at] = draw.integers(256)
        path.write_bytes(content)
        return lambda: io.read(path)

    return make


def drive(line: str, picture: bytes | None = None) -> Callable[[Path], Read]:
    """A recorded drive."""

    def make(folder: Path) -> Read:
        from jslayer.datasets import PilotNet

        (folder / "data.txt").write_text(f"{line}\n" * 4)
        if picture is not None:
            (folder / "0.jpg").write_bytes(picture)
        return lambda: PilotNet(folder, sequence=2, visualize=True)[0]

    return make


_COLUMNS = np.zeros((2, 4))
_TIMES = {"years": 3e13, "backwards": -5.0, "not a number": np.nan}


def _timed(time_ms: float) -> bytes:
    array = _COLUMNS.copy()
    array[1, 3] = time_ms
    return header("(2, 4)") + array.tobytes()


def binned(content: bytes) -> Callable[[Path], Read]:
    """Events into a tensor of the asked shape."""

    def make(folder: Path) -> Read:
        read = written("a.npy", content)(folder)
        return lambda: read().to_tensor(dim=(1, 2, 2, 10))

    return make


CASES = {
    "an array of 512 MB in an .npz": Case(packed("x"), "ValueError", is_quick=False),
    "one of another name": Case(packed("other"), "read", megabytes=50, is_quick=False),
    "an array of objects": Case(
        written("a.npy", header("(2, 4)", "'|O'") + bytes(64)), "ValueError"
    ),
    "a claim of 10^12 events": Case(written("a.npy", header("(10**12, 4)")), "ValueError"),
    "a claim of 10^12 events, in words": Case(
        written("a.npy", header("(1000000000000, 4)") + bytes(64)), "ValueError"
    ),
    "an event that asks for 8.8 GB": Case(far_event, "ValueError"),
    "half an event, .bs2": Case(written("a.bs2", bytes(7)), "ValueError"),
    "half an event, .dat": Case(
        written("a.dat", b"% Version 2\n\x0c\x08" + bytes(12)), "ValueError"
    ),
    "a header without end, .raw": Case(written("a.raw", b"% \n" * 2**20), "ValueError"),
    "times of years": Case(binned(_timed(_TIMES["years"])), "read", megabytes=50),
    "times that run backwards": Case(binned(_timed(_TIMES["backwards"])), "read", megabytes=50),
    "times that are none": Case(binned(_timed(_TIMES["not a number"])), "ValueError"),
    "places of 10^300": Case(
        written("a.npy", header("(2, 4)") + (_COLUMNS + 1e300).tobytes()), "ValueError"
    ),
    **{
        f"a pipe, {suffix}": Case(pipe(suffix), "ValueError") for suffix in (".bs1", ".npy", ".raw")
    },
    **{
        f"a damaged recording, {seed}": Case(recording(seed), "ValueError", is_quick=False)
        for seed in range(4)
    },
    "an angle of 1e999": Case(drive("0.jpg 1e999"), "ValueError"),
    "a broken picture": Case(drive("0.jpg 1.0", b"\xff\xd8\xff\xe0broken"), "ValueError"),
    "a picture that is a program": Case(
        drive("0.jpg 1.0", b"%!PS-Adobe-3.0 EPSF-3.0\n"), "ValueError"
    ),
}
"""By name."""
