"""What may go wrong with a folder of Orbax checkpoints, in our own words."""

import contextlib
import logging
import operator
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jslayer.io.replace import naming
from jslayer.io.text import shown
from jslayer.training.checkpoint.errors import CheckpointError


class Damage(Exception):
    """Why a checkpoint cannot be read."""


def step_number(step: Any) -> int:
    """A step as an integer, also from an array of one; other numbers would make lost folders.

    Raises:
      TypeError: it is no integer.
      ValueError: it is negative.
    """
    try:
        if isinstance(step, bool):
            raise TypeError
        number = operator.index(step)
    except TypeError as error:
        raise TypeError(
            f"`step` is {shown(repr(step))}, expected an integer; convert it with `int(step)`."
        ) from error
    if number < 0:
        raise ValueError(
            f"`step` is {number}, expected a whole number from 0; count the steps of the training."
        )
    return number


@contextlib.contextmanager
def without_log() -> Iterator[None]:
    """Keeps Orbax from logging at length what is raised or passed over anyhow."""
    log = logging.getLogger("absl")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Errors of the system, as Orbax words them, as the `OSError` that they are, with the name."""
    try:
        with without_log(), naming(path):
            yield
    except Exception as error:
        code = re.search(r"os_error_code='(\d+)'", str(error))
        remove_leftovers(path.parent)
        if isinstance(error, OSError) or code is None:
            raise
        raise OSError(int(code[1]), os.strerror(int(code[1])), str(path)) from error


@contextlib.contextmanager
def reading(folder: Path, step: int, is_sound: bool) -> Iterator[None]:
    """Whatever Orbax raises, as `Damage`, unless the checksums say that there is none."""
    try:
        with without_log():
            yield
    except (MemoryError, PermissionError):
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {shown(error, 100)}"
        if not is_sound:
            raise Damage(reason) from error
        raise CheckpointError(
            f"`folder` is {folder}, whose checkpoint {step} is whole by its checksums but cannot "
            f"be read ({reason}), expected one that this version of Orbax and these devices can "
            "hold; see the cause above."
        ) from error


def remove_leftovers(folder: Path) -> None:
    """Removes what saves have left behind that were killed or failed."""
    for path in folder.glob("*.orbax-checkpoint-tmp*"):
        shutil.rmtree(path, ignore_errors=True)


def rename_damaged(path: Path) -> None:
    """Renames a folder to ``<name>.damaged``, or with a number where that exists."""
    target, number = path.with_name(f"{path.name}.damaged"), 0
    while target.exists():
        number += 1
        target = path.with_name(f"{path.name}.damaged.{number}")
    path.rename(target)
