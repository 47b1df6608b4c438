"""Fetching a file: resumed where it was cut, checked, and never half there."""

import hashlib
import http.client
import io
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from jslayer.io.files import PathLike
from jslayer.io.text import shown
from jslayer.ops import check

from .base import positive_integer
from .connection import Deadline, connected
from .partial import Partial, Unwritable, partial_of

_CHUNK = 2**16
_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")
_BUSY = (408, 425, 429, *range(500, 600))
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


def download(
    url: str,
    path: PathLike,
    *,
    checksum: str | None = None,
    progress: bool = True,
    attempts: int = 3,
    timeout_s: float = 30.0,
    limit_s: float = 4 * 3600.0,
    max_bytes: int = 2**32,
) -> Path:
    """Downloads a file by HTTP.

    What has come lies in ``<path>.part`` until it is whole and its checksum is right. After a cut
    connection the rest is asked for, now and, if there is a checksum to tell that the file is
    still the same one, also by a later call. A server that is busy or broken (5xx) is asked again,
    each time after a longer pause. A finished file is not downloaded again.

    Args:
      url: Address, ``http`` or ``https``.
      path: Where the file goes; its folder is made if need be.
      checksum: ``"sha256:..."``, ``"md5:..."``, ``"sha1:..."`` or ``"sha512:..."``, hexadecimal.
      progress: Show a bar on standard error.
      attempts: Connections that may be cut before giving up.
      timeout_s: Longest silence of the server, in seconds.
      limit_s: Longest time of all of it, in seconds.
      max_bytes: Largest file.

    Returns:
      ``path``.

    Raises:
      ConnectionError: The server could not be reached, refused, cut every connection, or was too
        slow.
      ValueError: An argument is bad, the file is larger than ``max_bytes``, or the content does
        not have the checksum.
      BlockingIOError: Somebody else downloads to the same path.
      OSError: The file cannot be written.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(
            f"`url` is {shown(repr(url))}, expected http:// or https://; give such an address."
        )
    _parse(checksum)
    path, attempts = Path(path), positive_integer("attempts", attempts)
    max_bytes = positive_integer("max_bytes", max_bytes)
    check.positive("timeout_s", timeout_s)
    check.positive("limit_s", limit_s)
    if path.exists():
        with open(path, "rb") as file:
            _verify(path, file, checksum, "delete the file to download it again")
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with partial_of(path) as partial:
        if checksum is None:  # then nothing would tell a mix of two files
            partial.cut()
        with Deadline(limit_s) as deadline:
            fetch = _Fetch(url, partial, path.name, progress, timeout_s, deadline, max_bytes)
            fetch.all(attempts)
        try:
            _verify(partial.path, partial.content(), checksum, "check the address, or try again")
        except ValueError:
            partial.cut()
            raise
        partial.finish(path)
    return path


class _Fetch:
    """One download, connection by connection."""

    def __init__(
        self,
        url: str,
        partial: Partial,
        name: str,
        progress: bool,
        timeout_s: float,
        deadline: Deadline,
        max_bytes: int,
    ):
        self.url, self.partial, self.name, self.progress = url, partial, name, progress
        self.timeout_s, self.deadline, self.max_bytes = timeout_s, deadline, max_bytes

    def all(self, attempts: int) -> None:
        """Connects until all has come."""
        reason: Exception | None = None
        for number in range(attempts):
            try:
                return self._connect()
            except Unwritable as error:
                raise error.error from None
            except urllib.error.HTTPError as error:
                error.close()
                reason = error
                if error.code not in _BUSY:
                    raise ConnectionError(
                        f"`url` is {self.url}, which the server answers with {error.code} "
                        f"{shown(error.reason)}, expected the file; check the address."
                    ) from error
                if number + 1 < attempts:
                    self._wait(error, number)
            except (OSError, http.client.HTTPException) as error:
                reason = error
            if self.deadline.left <= 0:
                break
        late = " and the time that `limit_s` gives" if self.deadline.left <= 0 else ""
        raise ConnectionError(
            f"`url` is {self.url}, of which {self.partial.size} bytes came in {number + 1} "
            f"attempts{late}, expected the whole file ({shown(reason)}); call again to go on."
        ) from reason

    def _wait(self, error: urllib.error.HTTPError, number: int) -> None:
        said = error.headers.get("Retry-After", "")
        pause = max(_FIRST_WAIT_S * 2**number, float(said) if re.fullmatch(r"\d{1,6}", said) else 0)
        time.sleep(max(0.0, min(pause, _LONGEST_WAIT_S, self.deadline.left)))

    def _connect(self) -> None:
        have = self.partial.size
        request = urllib.request.Request(self.url, headers={"Accept-Encoding": "identity"})
        if have:
            request.add_header("Range", f"bytes={have}-")
        try:
            with connected(request, self.timeout_s, self.deadline) as response:
                self._take(response, have)
        except urllib.error.HTTPError as error:
            if error.code != 416 or not have:
                raise
            error.close()
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return  # all had come before
            self.partial.cut()
            raise ConnectionResetError("the server's file is shorter than what had come") from None

    def _take(self, response: http.client.HTTPResponse, have: int) -> None:
        start = 0
        if response.status == 206:
            span = re.match(r"bytes (\d{1,18})-", response.headers.get("Content-Range", ""))
            start = int(span[1]) if span else -1
            if start != have:
                self.partial.cut()
                raise ConnectionResetError(f"the server sends from byte {start}, not {have}")
        self.partial.cut(start)
        length = response.headers.get("Content-Length")
        if length is not None and not re.fullmatch(r"\d{1,18}", length):
            raise ConnectionResetError(f"the server states the length {shown(length)}")
        total = None if length is None else start + int(length)
        self._check_size(total or 0)
        self._copy(response, start, total)

    def _check_size(self, size: int) -> None:
        if size > self.max_bytes:
            self.partial.cut()
            raise ValueError(
                f"`url` is {self.url}, which gives {size} bytes or more, expected at most "
                f"{self.max_bytes}; raise `max_bytes` if you trust it."
            )

    def _copy(self, response: http.client.HTTPResponse, start: int, total: int | None) -> None:
        from jslayer.training.progress import Progress  # late: a large package, of use here alone

        have = start
        stream: dict[str, Any] = {} if self.progress else {"stream": _Nowhere()}
        mebibytes = None if total is None else -(-total // 2**20)
        with Progress(mebibytes, f"{self.name} (MiB)", **stream) as bar:
            bar.update(have // 2**20)
            while chunk := response.read1(_CHUNK):
                self._check_size(have + len(chunk))
                self.partial.append(chunk)
                bar.update((have + len(chunk)) // 2**20 - have // 2**20)
                have += len(chunk)
            if mebibytes is not None and have == total:
                bar.update(mebibytes - have // 2**20)
        if self.deadline.left <= 0 and (total is None or have < total):
            raise ConnectionResetError(f"too slow, {have} bytes in all")
        if total is not None and have < total:
            raise ConnectionResetError(f"cut after {have} of {total} bytes")


class _Nowhere:
    """A stream that shows nothing."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return False

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        pass


def _parse(checksum: str | None) -> tuple[str, str]:
    algorithm, _, digest = (checksum or "md5:0").partition(":")
    if algorithm not in _ALGORITHMS or not re.fullmatch("[0-9a-fA-F]+", digest):
        raise ValueError(
            f"`checksum` is {checksum!r}, expected one of {', '.join(_ALGORITHMS)}, a colon and "
            "hexadecimal digits; write for example 'sha256:9f86..'."
        )
    return algorithm, digest.lower()


def _verify(path: Path, file: io.BufferedIOBase, checksum: str | None, advice: str) -> None:
    if checksum is None:
        return
    algorithm, digest = _parse(checksum)
    found = hashlib.file_digest(
        file, lambda: hashlib.new(algorithm, usedforsecurity=False)
    ).hexdigest()
    if found != digest:
        raise ValueError(
            f"`checksum` is {checksum}, but {path} has {algorithm}:{found}, expected the same; "
            f"{advice}."
        )
