"""What commands that train have in common: the folder they write to, and how they end."""

import contextlib
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

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
    except (OSError, ValueError, ImportError, FloatingPointError) as error:
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


def require_writable(folder: Path) -> None:
    """Makes ``folder`` where needed and tries to write into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise OSError(
            f"`--out` is {folder}, where nothing can be written ({error.strerror}), expected a "
            "folder; pass another."
        ) from error


@contextlib.contextmanager
def noted() -> Iterator[None]:
    """Prints, at its end, what was warned of inside, a line each."""
    with warnings.catch_warnings(record=True) as notes:
        warnings.simplefilter("always", UserWarning)
        yield
    for note in notes:
        print(f"note: {note.message}", file=sys.stderr)
