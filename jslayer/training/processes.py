"""What processes that train together tell each other: whether they agree, and what failed."""

import contextlib
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
from jax._src import distributed as runtime

from jslayer.io.text import shown

WAIT_S = 1800
"""How long processes wait for one another where they compare something."""

_numbers = itertools.count()  # of what is exchanged, in the same order on all processes


class OtherProcessError(RuntimeError):
    """Another process of this training has stopped; the message says which, and why."""


def number() -> int:
    """Number of this process; 0 without others. Begins no device."""
    return runtime.global_state.process_id if jax.distributed.is_initialized() else 0


def count() -> int:
    """How many processes there are. Begins no device."""
    return runtime.global_state.num_processes if jax.distributed.is_initialized() else 1


def agree(name: str, about: Mapping[str, Any]) -> None:
    """Compares something on all processes; all of them call it, and all raise.

    Args:
      name: What it is.
      about: Entries, which JSON can express.

    Raises:
      ValueError: An entry differs between two processes; the message names it and both.
    """
    if count() == 1:
        return

    def judge(texts: list[str]) -> str:
        norm = json.loads(texts[0])
        for other, text in enumerate(texts[1:], 1):
            found = json.loads(text)
            for entry in {**norm, **found}:
                here, there = norm.get(entry), found.get(entry)
                if here != there:
                    return (
                        f"{name} differ between processes: {entry} is {shown(repr(there))} in "
                        f"process {other} and {shown(repr(here))} in process 0, expected the same "
                        "everywhere; start all processes alike."
                    )
        return ""

    if fault := _judged(name, json.dumps(dict(about), sort_keys=True), judge):
        raise ValueError(fault)


@contextlib.contextmanager
def jointly(name: str) -> Iterator[None]:
    """A block that all processes get through, or none: where one fails, all raise.

    Raises:
      OtherProcessError: It failed in another process only.
    """
    if count() == 1:
        yield
        return
    try:
        yield
    except Exception as error:
        text = f"process {number()} of {count()} stopped: {' '.join(str(error).split())}"
        with contextlib.suppress(Exception):
            _judged(name, text, _first_fault)
        raise
    if fault := _judged(name, "", _first_fault):
        raise OtherProcessError(fault)


def _first_fault(texts: list[str]) -> str:
    return next((text for text in texts if text), "")


def _judged(name: str, text: str, judge: Callable[[list[str]], str]) -> str:
    """What process 0 makes of one text of each process; waits for all.

    By the store of JAX's coordinator: it needs neither devices nor programs, which are just what
    may differ.
    """
    client = runtime.global_state.client
    key = f"jslayer/{next(_numbers)}/{name}"
    wait_ms = 1000 * WAIT_S
    if number():
        client.key_value_set(f"{key}/{number()}", text)
        return client.blocking_key_value_get(f"{key}/verdict", wait_ms)[1:]
    others = [client.blocking_key_value_get(f"{key}/{p}", wait_ms) for p in range(1, count())]
    verdict = judge([text, *others])
    client.key_value_set(f"{key}/verdict", f"={verdict}")
    return verdict
