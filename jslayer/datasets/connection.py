"""Connections by HTTP that end at a given time, however slowly the server sends."""

import contextlib
import http.client
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from typing import Any


class Deadline:
    """A moment at which everything that is connected is cut.

    Args:
      seconds: From now.
    """

    def __init__(self, seconds: float):
        self._end = time.monotonic() + seconds
        self._open: list[socket.socket] = []
        self._timer = threading.Timer(seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    @property
    def left(self) -> float:
        """Seconds until then."""
        return self._end - time.monotonic()

    def watch(self, connected: socket.socket) -> None:
        """Cuts this one, too."""
        self._open.append(connected)
        if self.left <= 0:
            self._cut()

    def _cut(self) -> None:
        for connected in self._open:
            with contextlib.suppress(OSError):
                connected.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def connected(
    request: urllib.request.Request, timeout_s: float, deadline: Deadline
) -> Iterator[http.client.HTTPResponse]:
    """The answer to a request, by HTTP or HTTPS, also behind redirections.

    Raises:
      urllib.error.HTTPError: The server refuses.
      OSError, http.client.HTTPException: The connection does not come about, or is cut.
    """
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.UnknownHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPRedirectHandler(),
        urllib.request.HTTPErrorProcessor(),
        _handler(urllib.request.HTTPHandler, http.client.HTTPConnection, deadline),
        _handler(urllib.request.HTTPSHandler, http.client.HTTPSConnection, deadline),
    ):
        opener.add_handler(handler)
    with opener.open(request, timeout=timeout_s) as response:
        yield response


def _handler(kind: Any, connection: Any, deadline: Deadline) -> Any:
    """A handler of urllib's whose connections end in time."""

    class Watched(connection):
        def connect(self) -> None:
            super().connect()
            deadline.watch(self.sock)

    class Handler(kind):
        def do_open(self, http_class: Any, request: Any, **options: Any) -> Any:
            return super().do_open(Watched, request, **options)

    return Handler()
