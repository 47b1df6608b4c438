"""What processes that train together tell each other: whether they agree, and what failed."""

import contextlib
import itertools
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import jax
from jax._src import distributed as runtime

from jslayer.io.text import shown

WAIT_S = 1800
"""How long processes wait for one another where they compare something."""

READ_S = 10
"""How long process 0, when it fails, waits for the others to read why."""

_TEXT, _FAULT = "=", "!"  # how a text of the store begins
_numbers = itertools.count()  # of what is exchanged, in the same order on all processes

_together = False


class OtherProcessError(RuntimeError):
    """Another process of this training has stopped; the message says which, and why."""


def number() -> int:
    """Number of this process; 0 without others. Begins no device."""
    return runtime.global_state.process_id if jax.distributed.is_initialized() else 0


def count() -> int:
    """How many processes there are. Begins no device."""
    return runtime.global_state.num_processes if jax.distributed.is_initialized() else 1


def begin_together() -> None:
    """Says that the processes train one network, not each its own."""
    global _together
    _together = True


def together() -> bool:
    """Whether several processes train one network, as `jslayer.training.distributed` begins."""
    return _together and count() > 1


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

    if fault := _judged(json.dumps(dict(about), sort_keys=True), judge):
        raise ValueError(fault)


@contextlib.contextmanager
def jointly() -> Iterator[None]:
    """A block that all processes get through, or none: where one fails, all raise.

    Raises:
      OtherProcessError: It failed in another process only.
    """
    if count() == 1:
        yield
        return
    try:
        yield
    except OtherProcessError:  # all know it already
        raise
    except Exception as error:
        _fail(f"process {number()} of {count()} stopped: {' '.join(str(error).split())}")
        raise
    _judged("", lambda texts: "")


def first_says(make: Callable[[], Any]) -> Any:
    """What ``make`` returns in process 0, something that JSON can express, in all processes.

    Raises:
      OtherProcessError: ``make`` failed in process 0, which raises what it raised.
    """
    if count() == 1:
        return make()
    made = None
    with jointly():
        if number() == 0:
            made = make()
    return json.loads(_judged(json.dumps(made), lambda texts: texts[0]))


def _judged(text: str, judge: Callable[[list[str]], str]) -> str:
    """What process 0 makes of one text of each process; waits for all.

    By the store of JAX's coordinator: it needs neither devices nor programs, which are just what
    may differ.

    Raises:
      OtherProcessError: One of them failed instead of coming here.
    """
    client, key, wait_ms = _store(), _next_key(), 1000 * WAIT_S
    if number():
        client.key_value_set(f"{key}/{number()}", f"{_TEXT}{text}")
        verdict = client.blocking_key_value_get(f"{key}/verdict", wait_ms)
        client.key_value_set(f"{key}/{number()}/seen", "")
    else:
        others = [client.blocking_key_value_get(f"{key}/{p}", wait_ms) for p in range(1, count())]
        faults = [found for found in others if found.startswith(_FAULT)]
        texts = [text, *(found[1:] for found in others)]
        verdict = faults[0] if faults else f"{_TEXT}{judge(texts)}"
        client.key_value_set(f"{key}/verdict", verdict)
        # who leaves now takes the store along
        for p in range(1, count()):
            client.blocking_key_value_get(f"{key}/{p}/seen", wait_ms)
        client.key_value_delete(key)
    if verdict.startswith(_FAULT):
        raise OtherProcessError(verdict[1:])
    return verdict[1:]


def _fail(said: str) -> None:
    """Lets the others, who wait in `_judged` or will, know why this process does not come."""
    client, key = _store(), _next_key()
    with contextlib.suppress(Exception):
        client.key_value_set(f"{key}/{number() or 'verdict'}", f"{_FAULT}{said}")
        if number():
            client.key_value_set(f"{key}/{number()}/seen", "")
        else:  # who leaves takes the store along
            stop = time.monotonic() + READ_S
            for p in range(1, count()):
                left_ms = max(1, int(1000 * (stop - time.monotonic())))
                client.blocking_key_value_get(f"{key}/{p}/seen", left_ms)


def _store() -> Any:
    return runtime.global_state.client


def _next_key() -> str:
    return f"jslayer/{next(_numbers)}"
