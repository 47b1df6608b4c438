"""Fetching a file: resumed where it was cut, checked, and never half there."""

import hashlib
import http.client
import re
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from jslayer.io.files import PathLike

from .base import positive_integer

_CHUNK = 2**16
_ALGORITHMS = ("md5", "sha1", "sha256", "sha512")


def download(
    url: str,
    path: PathLike,
    *,
    checksum: str | None = None,
    progress: bool = True,
    attempts: int = 3,
    timeout_s: float = 30.0,
) -> Path:
    """Downloads a file by HTTP.

    What has come lies in ``<path>.part`` until it is whole and its checksum is right. After a cut
    connection the rest is asked for, now and, if there is a checksum to tell that the file is
    still the same one, also by a later call. A finished file is not downloaded again.

    Args:
      url: Address, ``http`` or ``https``.
      path: Where the file goes; its folder is made if need be.
      checksum: ``"sha256:..."``, ``"md5:..."``, ``"sha1:..."`` or ``"sha512:..."``, hexadecimal.
      progress: Show a bar on standard error.
      attempts: Connections that may be cut before giving up.
      timeout_s: Longest silence of the server, in seconds.

    Returns:
      ``path``.

    Raises:
      ConnectionError: The server could not be reached, refused, or cut every connection.
      ValueError: An argument is bad, or the content does not have the checksum.
    """
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"`url` is {url!r}, expected http:// or https://; give such an address.")
    _parse(checksum)
    path, attempts = Path(path), positive_integer("attempts", attempts)
    if path.exists():
        _verify(path, checksum, "delete the file to download it again")
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    if checksum is None:  # then nothing would tell a mix of two files
        partial.unlink(missing_ok=True)
    reason: Exception | None = None
    for _ in range(attempts):
        try:
            _fetch(url, partial, path.name, progress, timeout_s)
            break
        except urllib.error.HTTPError as error:
            error.close()
            raise ConnectionError(
                f"`url` is {url}, which the server answers with {error.code} {error.reason}, "
                "expected the file; check the address."
            ) from error
        except (OSError, http.client.HTTPException) as error:
            reason = error
    else:
        have = partial.stat().st_size if partial.exists() else 0
        raise ConnectionError(
            f"`url` is {url}, of which {have} bytes came in {attempts} attempts, expected the "
            f"whole file ({reason}); call again to go on."
        ) from reason
    try:
        _verify(partial, checksum, "check the address, or try again")
    except ValueError:
        partial.unlink()
        raise
    partial.replace(path)
    return path


def _fetch(url: str, partial: Path, name: str, progress: bool, timeout_s: float) -> None:
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Accept-Encoding": "identity"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        response = urllib.request.urlopen(request, timeout=timeout_s)
    except urllib.error.HTTPError as error:
        if error.code != 416 or not have:
            raise
        error.close()
        if error.headers.get("Content-Range") == f"bytes */{have}":
            return  # all had come before
        partial.unlink()
        raise ConnectionResetError("the server's file is shorter than what had come") from None
    with response:
        start = 0
        if response.status == 206:
            span = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
            start = int(span[1]) if span else -1
            if start != have:
                partial.unlink()
                raise ConnectionResetError(f"the server sends from byte {start}, not {have}")
        length = response.headers.get("Content-Length")
        total = None if length is None else start + int(length)
        _copy(response, partial, start, total, name, progress)


def _copy(
    response: Any, partial: Path, start: int, total: int | None, name: str, progress: bool
) -> None:
    from jslayer.training.progress import Progress  # late: a large package, of use here alone

    have = start
    with open(partial, "ab" if start else "wb") as file:
        stream = {} if progress else {"stream": _Nowhere()}
        mebibytes = None if total is None else -(-total // 2**20)
        with Progress(mebibytes, f"{name} (MiB)", **stream) as bar:
            bar.update(have // 2**20)
            while chunk := response.read(_CHUNK):
                file.write(chunk)
                bar.update((have + len(chunk)) // 2**20 - have // 2**20)
                have += len(chunk)
            if have == total:
                bar.update(mebibytes - have // 2**20)
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


def _verify(path: Path, checksum: str | None, advice: str) -> None:
    if checksum is None:
        return
    algorithm, digest = _parse(checksum)
    with open(path, "rb") as file:
        found = hashlib.file_digest(
            file, lambda: hashlib.new(algorithm, usedforsecurity=False)
        ).hexdigest()
    if found != digest:
        raise ValueError(
            f"`checksum` is {checksum}, but {path} has {algorithm}:{found}, expected the same; "
            f"{advice}."
        )
