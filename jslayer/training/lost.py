"""How a process of a training on several ends when something goes wrong in one of them.

A process that fails must not wait for the others, who wait for it; and whoever loses another must
end too, with a sentence. JAX ends a process that lost another without running any more Python, so
that a helper says it: a shell that reads from a pipe until its process has ended.
"""

import atexit
import contextlib
import os
import subprocess
import sys
import traceback
from types import TracebackType

LOST = 3
"""Exit code of a process that ended as it lost another."""

_FOREIGN = ("ValueError", "RuntimeError", "JaxRuntimeError", "XlaRuntimeError")
_MARKS = (
    *("Gloo", "NCCL", "nccl", "coordination", "Coordination", "heartbeat"),
    *("Connection reset by peer", "Connection closed by peer", "Socket closed"),
)
"""What errors of collectives and of JAX's distributed runtime say of themselves."""


def is_loss(error: BaseException) -> bool:
    """Whether an error of JAX says that another process, or the way to it, is gone."""
    foreign = type(error).__name__ in _FOREIGN
    return foreign and any(mark in str(error) for mark in _MARKS)


def sentence(process: int, processes: int, *, cause: str = "") -> str:
    """What a process says that ends as another is gone, or for another ``cause``."""
    return (
        f"process {process} of {processes} ended: {cause}another process died or could not be "
        "reached any more; the first message of all processes says which. Start all of them "
        "again, from the last checkpoint."
    )


class Guard:
    """Ends this process soon where it or another fails; says why.

    Args:
      process: Number of this process.
      processes: How many there are.
    """

    def __init__(self, process: int, processes: int):
        self.sentence = sentence(process, processes)
        self._failed = False
        # who is killed cannot say so, and the helper cannot tell
        unknown = sentence(process, processes, cause="it was killed, or ")
        self._helper = _helper(f"error: {unknown}")
        self._before = sys.excepthook
        sys.excepthook = self._hook
        # after JAX's own, so that it runs before JAX waits for the others
        atexit.register(self._at_exit)

    def leave(self, code: int) -> None:
        """Ends the process at once: files are written whole or not at all, so nothing is lost."""
        self.dismiss()
        with contextlib.suppress(Exception):
            sys.stdout.flush()
        with contextlib.suppress(Exception):
            sys.stderr.flush()
        os._exit(code)

    def dismiss(self) -> None:
        """Lets the helper end without a word."""
        helper, self._helper = self._helper, None
        if helper is not None and helper.stdin is not None:
            with contextlib.suppress(OSError):
                helper.stdin.write(b"well\n")
                helper.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                helper.wait(1)

    def _hook(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        self._failed = True
        if is_loss(error):
            traceback.print_exception(kind, error, trace)
            print(f"error: {self.sentence}", file=sys.stderr, flush=True)
            self.leave(LOST)
        self._before(kind, error, trace)

    def _at_exit(self) -> None:
        if self._failed:
            self.leave(1)
        self.dismiss()


def _helper(said: str) -> subprocess.Popen[bytes] | None:
    """Starts what says a sentence once this process is gone; ``None`` where there is no shell."""
    # signals are meant for the process, whose end it waits for
    script = "trap '' INT TERM HUP; read -r word || printf '%s\\n' \"$1\" >&2"
    try:
        return subprocess.Popen(
            ["/bin/sh", "-c", script, "sh", said], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
    except OSError:
        return None
