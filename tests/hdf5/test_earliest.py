"""What is checked before the hdf5 library sees a file: its format, and what it may become."""

import re
import struct
import time
import zlib

import h5py
import numpy as np
import pytest

from jslayer import hdf5
from jslayer.hdf5.diff import diff
from jslayer.hdf5.read.earliest.file import objects
from tests.hdf5.files import conv, dense, written

LAYERS = [dense(4, 3), dense(2, 4)]


def refused(path, sentence, read=hdf5.read, **options):
    """One clear error, at once, of a few hundred printable characters."""
    start = time.perf_counter()
    with pytest.raises(hdf5.NetworkFileError, match=sentence) as caught:
        read(path, **options)
    message = str(caught.value).replace(str(path), "")
    assert message.isprintable() and len(message) < 700
    assert time.perf_counter() - start < 5


def copied(source, target, **options):
    with h5py.File(source) as old, h5py.File(target, "w", **options) as new:
        for name in old:
            old.copy(name, new)
    return target


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"libver": "latest"}, "superblock of version 3"),
        ({"libver": "v108"}, "superblock of version 2"),
        ({"track_order": True}, "object header"),
        ({"fs_strategy": "page"}, "superblock of version 2"),
    ],
)
def test_newer_formats_are_refused_and_can_be_rewritten_as_the_message_says(
    options, what, tmp_path
):
    path = copied(written(tmp_path / "a.net", LAYERS), tmp_path / "b.net", **options)
    refused(path, rf"is of a newer hdf5 format \({what} at byte \d+\), expected the earliest; copy")
    again = copied(path, tmp_path / "c.net", libver="earliest", track_order=False)
    assert diff(tmp_path / "a.net", again) == []
    assert len(hdf5.read(again).layers) == 2


def test_a_newer_group_in_an_old_file_is_refused(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    with h5py.File(path, "r+") as file:
        file.create_group("other", track_order=True)
    refused(path, "`other` is of a newer hdf5 format")


def test_plain_files_of_every_kind_pass(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    with h5py.File(path, "r+") as file:
        other = file.create_group("other")
        for number in range(40):
            other.create_group(f"{number}")
            other.attrs[f"a{number}"] = "text" if number % 2 else np.arange(number + 1)
        other["table"] = np.zeros(3, [("a", "f4"), ("b", "i8", (2, 2)), ("c", "S5")])
        other["flags"] = np.array([True, False])
        other["texts"] = np.array(["a", "b"], object)
        other["rows"] = np.array([[1], [2, 3]], object)[:0].astype(h5py.vlen_dtype("i4"))
        other["link"] = h5py.SoftLink("/layer")
        other["complex"] = np.zeros(2, "c8")
        other["one"] = np.zeros((), "V3")
        other.create_dataset("many", data=np.zeros((900, 3)), chunks=(2, 3), compression="gzip")
        other.create_dataset("sums", data=np.ones((9, 3)), chunks=(2, 3), fletcher32=True)
    with open(path, "rb") as file:
        assert len(objects(file, str(path))) > 60
    assert len(hdf5.read(path).layers) == 2


@pytest.mark.parametrize("signature", [b"TREE", b"SNOD", b"HEAP", b"GCOL"])
def test_blocks_that_are_not_what_they_should_be_are_named(signature, tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    content = path.read_bytes()
    at = content.index(signature)
    path.write_bytes(content[:at] + b"????" + content[at + 4 :])
    refused(path, "has a broken (tree|list of names|heap of names|place of a text) at byte|place")


def test_a_tree_that_leads_back_to_itself_ends(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    content = bytearray(path.read_bytes())
    tree = content.index(b"TREE")
    content[tree + 5] = 1
    struct.pack_into("<Q", content, tree + 32, tree)
    path.write_bytes(content)
    refused(path, "has a broken tree, met before, at byte")


def test_a_heap_of_names_whose_gaps_go_in_circles_is_refused(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    content = bytearray(path.read_bytes())
    heap = content.index(b"HEAP")
    size, _, names = struct.unpack_from("<QQQ", content, heap + 8)
    struct.pack_into("<Q", content, heap + 16, size - 16)
    struct.pack_into("<QQ", content, names + size - 16, size - 16, 16)
    path.write_bytes(content)
    refused(path, "has a broken heap of names")


def test_nested_heaps_of_texts_take_no_time(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    heads = np.zeros((2**16, 2), "<u8")
    heads[:, 0] = int.from_bytes(b"GCOL\x01\0\0\0", "little")
    heads[:, 1] = (heads.nbytes - 16 * np.arange(2**16)).astype("<u8")
    with h5py.File(path, "r+") as file:
        file["unused"] = heads
    refused(path, "has a broken heap of texts at byte")


def test_a_bomb_is_refused_before_it_expands_and_read_when_asked_for(tmp_path):
    path = written(tmp_path / "a.net", [dense(1, 2**25, weight=None, inFeatures=None)])
    with h5py.File(path, "r+") as file:
        options = {"chunks": (1, 2**20), "compression": 9, "dtype": "f4"}
        file.create_dataset("layer/0/weight", data=np.zeros((1, 2**25 + 2**20), "f4"), **options)
    sentence = r"`layer/0/weight` would expand a file of \d+ bytes to 138\d+ or more, expected at"
    for read in (hdf5.read, hdf5.load, hdf5.inference, lambda a: diff(a, a)):
        refused(path, sentence, read)
    small = written(tmp_path / "b.net", LAYERS)
    refused(small, "would expand a file of .* `max_bytes` if you trust", max_bytes=100)
    assert len(hdf5.read(small, max_bytes=2**20).layers) == 2
    assert len(diff(small, small, max_bytes=2**20)) == 0
    with pytest.raises(ValueError, match="`max_bytes` is 0"):
        hdf5.read(small, max_bytes=0)


def test_a_chunk_that_becomes_more_than_a_chunk_is_refused(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    content = np.full((4, 3), 2, "f4")
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        made = file.create_dataset("layer/0/weight", (4, 3), "f4", chunks=(4, 3), compression=9)
        made.id.write_direct_chunk((0, 0), zlib.compress(content.tobytes() + bytes(2**24)))
    refused(path, r"`layer/0/weight` has a chunk \(0\) that does not become 48 bytes")


def test_channels_that_a_shape_alone_claims_count_too(tmp_path):
    weight = np.full((1, 1, 2, 2), 2, np.float32)
    layers = [conv((2**27, 1, 1), weight, kind="pool", delay=np.float32(3))]
    refused(written(tmp_path / "a.net", layers), "`layer/0/shape` would expand a file", hdf5.load)


def test_one_layer_under_many_names_counts_each_time(tmp_path):
    path = written(tmp_path / "a.net", [dense(2048, 2048)])
    with h5py.File(path, "r+") as file:
        for number in range(1, 64):
            file[f"layer/{number}"] = file["layer/0"]
    refused(path, r"`layer/16/weight` would expand a file of")
    with h5py.File(path, "r+") as file:
        for number in range(8, 64):
            del file[f"layer/{number}"]
    weights = [layer.weight for layer in hdf5.read(path).layers]
    assert all(weight is weights[0] for weight in weights[1:])  # read once


def test_one_text_of_many_attributes_counts_each_time(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    with h5py.File(path, "r+") as file:
        file["layer/0"].attrs["long"] = "y" * 70_000
        for number in range(20):
            file["layer/0"].attrs[f"a{number:03}"] = "x"
    content = bytearray(path.read_bytes())
    length = struct.pack("<I", 70_000)
    start = content.index(b"long\0")
    step = content.index(length, start) - start
    reference = content[start + step : start + step + 16]
    for number in range(20):
        for found in re.finditer(f"a{number:03}\0".encode(), content):  # one is in use
            at = found.start() + step
            content[at : at + 16] = reference
    path.write_bytes(content)
    assert hdf5.read(path).layers[0].attributes["a007"] == "y" * 70_000
    refused(path, "`layer/0@a014` would expand a file of", max_bytes=2**20)


@pytest.mark.parametrize("long", ["y" * 2**22, "\x1b[31m" * 1000, "\n" * 500])
def test_texts_are_cut_and_escaped(long, tmp_path):
    path = written(tmp_path / "a.net", [dense(4, 3) | {"type": long}])
    refused(path, r"`layer/0/type` is '(y|\\\\?x1b|\\\\?n).*\.\.\.")
    path = written(tmp_path / "b.net", [dense(4, 3), dense(2, 4, neuron__type=long)])
    refused(path, r"`layer/1/neuron/type` is")
    path = written(tmp_path / "c.net", LAYERS)
    with h5py.File(path, "r+") as file:
        file["layer"].move("1", long[:1000])
    refused(path, "`layer` has .* but not 1")
    with h5py.File(path, "r+") as file:
        file["layer/0"].attrs["w_scale"] = long
    assert all(len(line) < 300 and line.isprintable() for line in diff(path, tmp_path / "b.net"))


def test_a_file_that_is_being_written_is_not_called_damaged(tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    with h5py.File(path, "r+"):
        refused(path, "the file is being written by another program, expected one that nobody")
    assert len(hdf5.read(path).layers) == 2


@pytest.mark.parametrize("value", [h5py.Empty("f4"), np.zeros(0), np.zeros((0, 3))])
@pytest.mark.parametrize("name", ["block", "note"])
@pytest.mark.parametrize("read", [hdf5.read, hdf5.load])
def test_empty_attributes_are_named(value, name, read, tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    with h5py.File(path, "r+") as file:
        file["layer/1"].attrs[name] = value
    refused(path, f"`layer/1` has the attribute {name}, which is empty, expected a number or", read)


@pytest.mark.parametrize("value", [3, [1, 2], True])
def test_a_block_that_is_no_text_is_named(value, tmp_path):
    path = written(tmp_path / "a.net", LAYERS)
    with h5py.File(path, "r+") as file:
        file["layer/1"].attrs["block"] = value
    refused(path, "`layer/1` has the attribute block .*, expected a text", hdf5.load)


def test_a_file_that_is_replaced_between_look_and_opening_is_refused(tmp_path, monkeypatch):
    path = written(tmp_path / "a.net", LAYERS)
    other = copied(path, tmp_path / "b.net", libver="latest")
    opened = h5py.File

    def replaced(name, mode):
        other.rename(path)
        return opened(name, mode)

    monkeypatch.setattr(h5py, "File", replaced)
    refused(path, "the file was replaced while it was opened, expected one that stays; read it")
