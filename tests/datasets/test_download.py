"""Downloads from a server on this machine: cuts, resuming, checksums; and safe unpacking."""

import contextlib
import errno
import hashlib
import http.server
import io
import os
import re
import stat
import threading
import time
import zipfile

import numpy as np
import pytest

from jslayer import io as events_io
from jslayer.datasets import NMNIST, download, download_nmnist, unzip
from jslayer.datasets.partial import partial_of

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Server:
    """Serves ``content``; notes the ranges asked for; ``cuts`` lists where replies break off."""

    def __init__(self, content):
        self.content, self.cuts, self.ranges, self.resumes, self.status = content, [], [], True, 200
        self.busy, self.drips, self.length = [], 0, True
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
                whole = outer.content
                if outer.busy or outer.status != 200:
                    self.send_error(outer.busy.pop(0) if outer.busy else outer.status)
                elif start >= len(whole) and asked and outer.resumes:
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(whole)}")
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                else:
                    start = start if outer.resumes else 0
                    self.send_response(206 if start else 200)
                    if start:
                        span = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
                        self.send_header("Content-Range", span)
                    if outer.length:
                        said = len(whole) - start if outer.length is True else outer.length
                        self.send_header("Content-Length", str(said))
                    self.end_headers()
                    with contextlib.suppress(ConnectionError):
                        for byte in range(outer.drips):
                            self.wfile.write(whole[byte : byte + 1])
                            time.sleep(0.05)
                    start += outer.drips
                    end = outer.cuts.pop(0) if outer.cuts else len(whole)
                    with contextlib.suppress(ConnectionError):  # who had enough hangs up
                        self.wfile.write(whole[start:end])

            def log_message(self, *arguments):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/file"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}
        )
        self._thread.start()

    def close(self):
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    started = Server(CONTENT)
    yield started
    started.close()


@pytest.mark.parametrize("checksum", [None, SHA, MD5, SHA.upper().replace("SHA256", "sha256")])
def test_a_file_is_fetched_and_checked(server, tmp_path, checksum):
    path = download(server.url, tmp_path / "new" / "a.zip", checksum=checksum, progress=False)
    assert path.read_bytes() == CONTENT
    assert [p.name for p in path.parent.iterdir()] == ["a.zip"]
    assert download(server.url, path, checksum=checksum, progress=False) == path
    assert len(server.ranges) == 1  # what is there is not fetched again


def test_a_cut_connection_is_taken_up_where_it_broke(server, tmp_path):
    server.cuts = [100_000, 200_000]
    path = download(server.url, tmp_path / "a", checksum=SHA, progress=False)
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=100000-", "bytes=200000-"]


def test_a_later_call_goes_on(server, tmp_path):
    server.cuts = [50_000]
    with pytest.raises(ConnectionError, match=r"50000 bytes came in 1 attempts.*call again"):
        download(server.url, tmp_path / "a", checksum=SHA, progress=False, attempts=1)
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "a.part").read_bytes() == CONTENT[:50_000]
    path = download(server.url, tmp_path / "a", checksum=SHA, progress=False)
    assert server.ranges == [None, "bytes=50000-"] and path.read_bytes() == CONTENT


def test_without_a_checksum_nothing_old_is_mixed_in(server, tmp_path):
    (tmp_path / "a.part").write_bytes(b"of another file")
    assert download(server.url, tmp_path / "a", progress=False).read_bytes() == CONTENT
    assert server.ranges == [None]


def test_a_server_that_cannot_resume_starts_over(server, tmp_path):
    server.resumes, server.cuts = False, [100_000]
    path = download(server.url, tmp_path / "a", checksum=SHA, progress=False)
    assert path.read_bytes() == CONTENT


def test_what_came_whole_before_is_only_checked(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT)
    path = download(server.url, tmp_path / "a", checksum=SHA, progress=False)
    assert path.read_bytes() == CONTENT and server.ranges == ["bytes=300000-"]


def test_a_partial_file_that_is_too_long_is_thrown_away(server, tmp_path):
    (tmp_path / "a.part").write_bytes(CONTENT + b"more")
    path = download(server.url, tmp_path / "a", checksum=SHA, progress=False)
    assert path.read_bytes() == CONTENT


def test_other_content_is_refused_and_not_kept(server, tmp_path):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(ValueError, match=r"`checksum` is sha256:.* has sha256:.*expected the same"):
        download(server.url, tmp_path / "a", checksum=SHA, progress=False)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(ValueError, match="delete the file"):
        download(server.url, tmp_path / "a", checksum=SHA, progress=False)


def test_refusals_and_bad_arguments_are_named(server, tmp_path):
    server.status = 404
    with pytest.raises(ConnectionError, match="answers with 404 Not Found"):
        download(server.url, tmp_path / "a", progress=False)
    assert len(server.ranges) == 1
    with pytest.raises(ValueError, match="`url` is 'file:///etc/hosts', expected http://"):
        download("file:///etc/hosts", tmp_path / "a")
    for checksum in ("9f86", "crc:12", "md5:xyz"):
        with pytest.raises(ValueError, match=f"`checksum` is '{checksum}'"):
            download(server.url, tmp_path / "a", checksum=checksum)
    server.close()
    with pytest.raises(ConnectionError, match="0 bytes came in 2 attempts"):
        download(server.url, tmp_path / "a", progress=False, attempts=2)
    assert list(tmp_path.iterdir()) == []


def test_a_bar_shows_how_far_it_is(server, tmp_path, capsys):
    server.content = bytes(3 * 2**20 + 5)
    download(server.url, tmp_path / "a.zip")
    assert "a.zip (MiB)" in (shown := capsys.readouterr().err) and "100% 4/4" in shown
    download(server.url, tmp_path / "b.zip", progress=False)
    assert capsys.readouterr().err == ""


def test_files_beyond_the_limit_are_refused_before_or_while_they_come(server, tmp_path):
    for server.length in (True, None):
        with pytest.raises(
            ValueError, match=r"gives \d+ bytes or more, expected at most 200000; ra"
        ):
            download(server.url, tmp_path / "a", checksum=SHA, progress=False, max_bytes=200_000)
        assert list(tmp_path.iterdir()) == [] and len(server.ranges) == 1
        server.ranges.clear()
    assert download(server.url, tmp_path / "a", checksum=SHA, progress=False).exists()
    for server.length in ("-5", "x" * 1000, 10**30):
        with pytest.raises(ConnectionError, match=r"0 bytes came .*states the length") as caught:
            download(server.url, tmp_path / "b", progress=False)
        assert len(str(caught.value)) < 400


def test_a_server_that_only_drips_is_left_in_time(server, tmp_path):
    server.drips = 100
    start = time.perf_counter()
    with pytest.raises(ConnectionError, match=r"came in 1 attempts and the time that `limit_s` g"):
        download(server.url, tmp_path / "a", checksum=SHA, progress=False, limit_s=0.4)
    assert time.perf_counter() - start < 4
    server.drips = 0
    assert download(server.url, tmp_path / "a", checksum=SHA, progress=False).exists()
    assert server.ranges[1] is not None  # what had dripped was kept


def test_a_busy_server_is_asked_again_after_a_pause(server, tmp_path, monkeypatch):
    pauses = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    server.busy = [503, 500]
    assert download(server.url, tmp_path / "a", checksum=SHA, progress=False).exists()
    assert pauses == [1, 2]
    server.busy = [503, 502, 504]
    with pytest.raises(ConnectionError, match=r"0 bytes came in 3 attempts.*504"):
        download(server.url, tmp_path / "b", progress=False)


def test_a_partial_file_that_is_a_link_is_not_followed(server, tmp_path):
    precious = tmp_path / "precious"
    for link in (os.symlink, os.link):
        precious.write_bytes(CONTENT[:10])
        link(precious, tmp_path / "a.part")
        download(server.url, tmp_path / "a", checksum=SHA, progress=False)
        assert precious.read_bytes() == CONTENT[:10] and not (tmp_path / "a").is_symlink()
        (tmp_path / "a").unlink()
    (tmp_path / "b.part").mkdir()
    with pytest.raises(IsADirectoryError, match=r"b\.part is a folder"):
        download(server.url, tmp_path / "b", progress=False)


def test_two_downloads_to_one_path_do_not_mix(server, tmp_path):
    with partial_of(tmp_path / "a") as partial:
        partial.append(b"half")
        with pytest.raises(BlockingIOError, match="which somebody else downloads just now"):
            download(server.url, tmp_path / "a", progress=False)
        assert partial.size == 4


def test_a_full_disk_is_no_reason_to_connect_again(server, tmp_path, monkeypatch):
    @contextlib.contextmanager
    def full(path):
        raise OSError(errno.ENOSPC, "No space left on device", str(path))
        yield

    monkeypatch.setattr("jslayer.datasets.partial.naming", full)
    with pytest.raises(OSError, match="No space left on device"):
        download(server.url, tmp_path / "a", progress=False)
    assert len(server.ranges) == 1 and list(tmp_path.iterdir()) == []


def archive(files, path, method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as opened:
        for name, content in files.items():
            opened.writestr(name, content)
    return path


def test_a_folder_appears_whole(tmp_path):
    source = archive({"A/1.txt": "one", "A/b/2.txt": "two", "C/3.txt": "three"}, tmp_path / "z")
    folder = unzip(source, tmp_path / "all")
    assert sorted(p.name for p in folder.rglob("*.txt")) == ["1.txt", "2.txt", "3.txt"]
    part = unzip(source, tmp_path / "deep" / "part", below="A")
    assert (part / "b" / "2.txt").read_text() == "two" and not (part / "3.txt").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["all", "deep", "z"]
    assert stat.S_IMODE(part.stat().st_mode) == 0o755
    with pytest.raises(FileExistsError, match="where something exists"):
        unzip(source, folder)
    with pytest.raises(FileNotFoundError, match="`below` is 'D'"):
        unzip(source, tmp_path / "d", below="D")


def link():
    entry = zipfile.ZipInfo("link")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "a/../../evil.txt", "/etc/evil.txt", "C:/evil.txt", "..\\evil.txt", link()],
)
def test_entries_that_leave_the_folder_are_refused(name, tmp_path):
    source = archive({"good.txt": "good", name: "evil"}, tmp_path / "z")
    with pytest.raises(ValueError, match="expected plain files inside of the folder"):
        unzip(source, tmp_path / "inner" / "out")
    assert not list(tmp_path.rglob("*evil*")) and not (tmp_path / "inner" / "out").exists()
    assert list((tmp_path / "inner").iterdir()) == []


def test_bombs_are_refused(tmp_path):
    source = archive({"a": bytes(10_000), "b": bytes(10_000)}, tmp_path / "z")
    with pytest.raises(ValueError, match="2 entries and 20000 bytes, expected at most"):
        unzip(source, tmp_path / "out", max_bytes=15_000)
    with pytest.raises(ValueError, match="2 entries"):
        unzip(source, tmp_path / "out", max_files=1)
    # An archive that states small sizes and unpacks to large ones.
    raw = source.read_bytes().replace((10_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    source.write_bytes(raw)
    with pytest.raises(ValueError, match=r"damaged|more than its limit"):
        unzip(source, tmp_path / "out", max_bytes=15_000)
    assert [p.name for p in tmp_path.iterdir()] == ["z"]


def test_damaged_archives_are_refused(tmp_path):
    source = tmp_path / "z"
    source.write_bytes(b"no archive")
    with pytest.raises(ValueError, match="expected a zip archive, but it is damaged"):
        unzip(source, tmp_path / "out")
    raw = bytearray(archive({"a": CONTENT[:1000]}, source).read_bytes())
    raw[200] ^= 0xFF
    source.write_bytes(raw)
    with pytest.raises(ValueError, match="damaged"):
        unzip(source, tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["z"]


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_whatever_is_damaged_the_archive_is_named(method, tmp_path):
    source = archive({"a/b": CONTENT[:1000] * 4, "c": b"c" * 3000}, tmp_path / "z", method)
    unzip(source, tmp_path / "good")
    raw, draw = source.read_bytes(), np.random.default_rng(0)
    refused = 0
    for number in range(60):
        damaged = bytearray(raw)
        for at in draw.integers(0, len(raw), 1 + number % 3):
            damaged[at] = draw.integers(256)
        source.write_bytes(damaged)
        try:
            unzip(source, tmp_path / f"{number}")
        except ValueError as error:
            assert "`archive` is" in str(error) and str(source) in str(error)
            assert str(error).isprintable() and len(str(error)) < 500
            refused += 1
    assert refused > 6


@pytest.mark.parametrize(
    ("names", "sentence"),
    [
        (["a", "a"], "with the entry 'a' twice"),
        (["a", "a/b"], "with the entry 'a/b', which cannot become a file"),
        (["x" * 300], "with the entry 'xx.*, which cannot become a file"),
        (["\x1b[31m/../a"], r"with the entry '.x1b.31m/../a', expected plain files"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_names_that_no_file_can_have_are_the_archives_fault(names, sentence, tmp_path):
    with zipfile.ZipFile(tmp_path / "z", "w") as opened:
        for name in names:
            opened.writestr(name, "content")
    with pytest.raises(ValueError, match=sentence):
        unzip(tmp_path / "z", tmp_path / "out")
    assert [p.name for p in tmp_path.iterdir()] == ["z"]


def digits():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        for label in (3, 8):
            number = (label << 32 | 33 << 24 | 1 << 23 | 10_000).to_bytes(5, "big")
            opened.writestr(f"Train/{label}/00001.bin", number)
    return buffer.getvalue()


def test_nmnist_is_fetched_unpacked_and_read(server, tmp_path):
    server.content = digits()
    checksum = "sha256:" + hashlib.sha256(server.content).hexdigest()
    root = tmp_path / "nmnist"
    for _ in range(2):
        found = download_nmnist(root, url=server.url, checksum=checksum, progress=False)
    assert found == root and len(server.ranges) == 1
    assert [p.name for p in root.iterdir()] == ["Train"]
    dataset = NMNIST(root, num_steps=20, download=True)
    assert dataset.labels.tolist() == [3, 8] and dataset[1][0][1, 33, 8, 10] == 1
    event, label = dataset.events[-1]
    assert isinstance(event, events_io.Event) and label == 8
    with pytest.raises(ValueError, match="`checksum` is given without `url`"):
        download_nmnist(root, checksum=checksum)


def test_nmnist_lies_in_the_cache_unless_told_otherwise(server, tmp_path, monkeypatch):
    monkeypatch.delenv("JSLAYER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    server.content = digits()
    root = download_nmnist(url=server.url, progress=False)
    assert root == tmp_path / "jslayer" / "nmnist"
    assert len(NMNIST(num_steps=20)) == 2
    monkeypatch.setenv("JSLAYER_DATA", str(tmp_path / "other"))
    assert download_nmnist(url=server.url, progress=False) == tmp_path / "other" / "nmnist"
