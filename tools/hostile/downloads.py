"""Servers and archives."""

import functools
import http.server
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.hostile.case import Case, Read


def served(answer: Callable[[Any], None], **options: Any) -> Callable[[Path], Read]:
    """A server of one kind, and a download from it."""

    def make(folder: Path) -> Read:
        from jslayer.datasets import download

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                try:
                    answer(self)
                except ConnectionError:
                    pass  # who had enough hangs up

            def log_message(self, *arguments: Any) -> None:
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/file"
        return lambda: download(url, folder / "a", progress=False, **options)

    return make


def endless(request: Any) -> None:
    """Eight gigabytes without a stated length."""
    request.send_response(200)
    request.end_headers()
    for _ in range(2**13):
        request.wfile.write(bytes(2**20))


def drip(request: Any) -> None:
    """A byte now and then."""
    request.send_response(200)
    request.send_header("Content-Length", "1000")
    request.end_headers()
    for _ in range(1000):
        request.wfile.write(b"x")
        time.sleep(0.1)


def dripped_headers(request: Any) -> None:
    """The same before there is any content."""
    request.wfile.write(b"HTTP/1.0 200 OK\r\n")
    for _ in range(1000):
        request.wfile.write(b"X: y\r\n")
        time.sleep(0.1)


def busy(request: Any) -> None:
    """Never today."""
    request.send_error(503, "\x1b[31m" + "busy " * 1000)


def archived(fill: Callable[[zipfile.ZipFile], None], flips: int = 0) -> Callable[[Path], Read]:
    """An archive, perhaps with a damaged middle."""

    def make(folder: Path) -> Read:
        from jslayer.datasets import unzip

        path = folder / "a.zip"
        with zipfile.ZipFile(path, "w") as archive:
            fill(archive)
        content = bytearray(path.read_bytes())
        for number in range(flips):
            content[60 + 7 * number] ^= 0x5A
        path.write_bytes(content)
        return functools.partial(unzip, path, folder / "out", max_bytes=2**27)

    return make


def packed(method: int) -> Callable[[zipfile.ZipFile], None]:
    """Content by one method."""
    return lambda archive: archive.writestr("a", bytes(range(256)) * 99, method)


def large(method: int) -> Callable[[zipfile.ZipFile], None]:
    """256 MB of zeros."""

    def fill(archive: zipfile.ZipFile) -> None:
        with archive.open(zipfile.ZipInfo("a"), "w") as file:
            del file
        entry = zipfile.ZipInfo("b")
        entry.compress_type = method
        with archive.open(entry, "w") as file:
            for _ in range(2**8):
                file.write(bytes(2**20))

    return fill


def _named(*names: str) -> Callable[[zipfile.ZipFile], None]:
    def fill(archive: zipfile.ZipFile) -> None:
        for name in names:
            archive.writestr(name, "content")

    return fill


CASES = {
    "a download without end": Case(served(endless, max_bytes=2**24), "ValueError"),
    "a server that drips": Case(served(drip, limit_s=0.5), "ConnectionError"),
    "a server that drips headers": Case(served(dripped_headers, limit_s=0.5), "ConnectionError"),
    "a server that is busy, 2 times": Case(served(busy, attempts=2), "ConnectionError"),
    "a damaged archive, LZMA": Case(archived(packed(zipfile.ZIP_LZMA), 9), "ValueError"),
    "a damaged archive, BZIP2": Case(archived(packed(zipfile.ZIP_BZIP2), 9), "ValueError"),
    "a damaged archive, deflated": Case(archived(packed(zipfile.ZIP_DEFLATED), 9), "ValueError"),
    "256 MB in an archive, BZIP2": Case(
        archived(large(zipfile.ZIP_BZIP2)), "ValueError", is_quick=False
    ),
    "256 MB in an archive, LZMA": Case(
        archived(large(zipfile.ZIP_LZMA)), "ValueError", is_quick=False
    ),
    "a file and a folder of one name": Case(archived(_named("a", "a/b")), "ValueError"),
    "a name of 300 letters": Case(archived(_named("x" * 300)), "ValueError"),
    "a name that leaves the folder": Case(archived(_named("../\x1b[31m")), "ValueError"),
}
"""By name."""
