"""What commands that train have in common: the folder they write to, and how they end."""

import contextlib
import os
import platform
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

from jslayer import __version__
from jslayer.cli import processes
from jslayer.io import style
from jslayer.io.locks import Claim

CHECKPOINT = "checkpoint.msgpack"


def ended(training: Callable[[], None], out: Path) -> int:
    """Runs a training; what stops it is told in a sentence.

    Args:
      training: To be called.
      out: Folder to which it writes.

    Returns:
      The exit code.
    """
    try:
        training()
    except KeyboardInterrupt:
        saved = out / CHECKPOINT
        hint = f"go on from {saved} with --resume" if saved.exists() else "nothing is saved yet"
        print(f"\nstopped; {hint}", file=sys.stderr)
        return 130
    except Exception as error:
        if processes.is_lost(error):
            return processes.tell_lost(error)
        if not isinstance(error, OSError | ValueError | ImportError | FloatingPointError):
            raise
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        if isinstance(error, FloatingPointError) and (out / CHECKPOINT).exists():
            print(f"{out / CHECKPOINT} keeps the last good state; see --resume", file=sys.stderr)
        return 2
    return 0


def require_checkpoint(saved: Path) -> None:
    """Raises ``FileNotFoundError`` where ``--resume`` has nothing to go on from."""
    if not saved.is_file():
        raise FileNotFoundError(
            f"`--resume` finds no checkpoint {saved}, expected that of a run before; "
            "pass its --out, or leave --resume out to start anew."
        )


@contextlib.contextmanager
def started(folder: Path) -> Iterator[Claim]:
    """Makes ``folder`` where needed and keeps others from training into it.

    What fails inside before it wrote anything leaves no empty folder behind.

    Args:
      folder: Where a training writes.

    Yields:
      The claim, to be released at the end of the training; released here after an error.

    Raises:
      BlockingIOError: Another training writes there.
      OSError: Nothing can be written there.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    claim = None
    try:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            raise OSError(
                f"`--out` is {folder}, where nothing can be written ({error.strerror}), expected "
                "a folder; pass another."
            ) from error
        claim = Claim(folder, name="--out")
        yield claim
    except BaseException:
        if claim is not None:
            claim.release()
        for path in missing:  # innermost first
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def drawing_lacks() -> str:
    """What is to be installed before anything can be drawn; empty where all is there."""
    try:
        style.new_figure(1, 1)
        style.pillow_image()
    except ImportError as error:
        return str(error)
    return ""


def record(recipe: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """What a file of results says about where they come from.

    Args:
      recipe: Name of the data.
      options: What a user could have turned, the seed among them.

    Returns:
      Those, and the versions of what computed.
    """
    versions = {"python": platform.python_version(), "jslayer": __version__}
    for name in ("jax", "jaxlib", "flax", "optax", "numpy"):
        versions[name] = metadata.version(name)
    return {"recipe": recipe, "options": dict(options), "versions": versions}


def hush() -> None:
    """Lets nothing be written at exit where whoever read the output has seen enough."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Prints, at its end, what was warned of inside, a line each."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        yield
    for note in notes:
        print(f"note: {note.message}", file=sys.stderr)
