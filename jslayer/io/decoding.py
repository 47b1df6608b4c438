"""Running the decoder of recordings in a process of its own, within bounds of time and memory."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .decoder import REFUSED, TOO_LARGE
from .text import shown

SECONDS, BYTES_PER_SECOND = 60.0, 2**20
"""Time for every recording, and how fast a long one is decoded at least."""


def decoded(path: Path, kind: str, dtype: Any, max_bytes: int) -> np.ndarray:
    """The events of a recording.

    Args:
      path: The recording.
      kind: As `faery` calls the format.
      dtype: Of an event.
      max_bytes: Of all events.

    Raises:
      ValueError: It cannot be decoded; names the file.
    """
    program = str(Path(__file__).with_name("decoder.py"))
    command = [sys.executable, "-P", program, os.path.abspath(path), kind, str(max_bytes)]
    seconds = SECONDS + path.stat().st_size / BYTES_PER_SECOND
    # one thread, for each maps memory that counts
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryFile() as found, tempfile.TemporaryFile() as reason:
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=found,
                stderr=reason,
                timeout=seconds,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            raise _refused(path, f"it takes longer than {seconds:.0f} s") from None
        if done.returncode:
            raise _refused(path, _reason(done.returncode, reason, max_bytes))
        found.seek(0)
        return np.frombuffer(found.read(), dtype)


def _reason(code: int, reason: Any, max_bytes: int) -> str:
    if code == TOO_LARGE:
        return f"its events take more than {max_bytes} bytes; pass a larger `max_bytes` if so"
    reason.seek(0)
    said = reason.read(2000).decode("utf-8", "replace").strip()
    if code != REFUSED:
        return f"the decoder ended with status {code}"
    return shown(said.split("\n")[-1], 200)  # a panic says more before


def _refused(path: Path, reason: str) -> ValueError:
    return ValueError(
        f"`path` is {path}, expected an event recording, which it is not ({reason}); check the "
        "suffix, or record it again."
    )
