"""Downloads from a server on this machine: cuts, resuming, checksums; and safe unpacking."""

import hashlib
import http.server
import io
import re
import stat
import threading
import zipfile

import numpy as np
import pytest

from jslayer import io as events_io
from jslayer.datasets import NMNIST, download, download_nmnist, unzip

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA = "sha256:" + hashlib.sha256(CONTENT).hexdigest()
MD5 = "md5:" + hashlib.md5(CONTENT).hexdigest()


class Server:
    """Serves ``content``; notes the ranges asked for; ``cuts`` lists where replies break off."""

    def __init__(self, content):
        self.content, self.cuts, self.ranges, self.resumes, self.status = content, [], [], True, 200
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                start = int(re.fullmatch(r"bytes=(\d+)-", asked)[1]) if asked else 0
                whole = outer.content
                if outer.status != 200:
                    self.send_error(outer.status)
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
                    self.send_header("Content-Length", str(len(whole) - start))
                    self.end_headers()
                    end = outer.cuts.pop(0) if outer.cuts else len(whole)
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


def archive(files, path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as opened:
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
