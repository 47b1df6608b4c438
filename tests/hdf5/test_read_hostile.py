"""Files that are damaged, or made to harm: one clear error, at once."""

import os
import subprocess
import sys
import time
import tracemalloc

import h5py
import numpy as np
import pytest

from jslayer import hdf5
from jslayer.hdf5.read import group
from tests.hdf5.files import dense, written


@pytest.fixture
def path(tmp_path):
    """A valid file of two layers."""
    return written(tmp_path / "a.net", [dense(4, 3), dense(2, 4)])


def changed(path, place, value=None, **options):
    """The file with something else in one place."""
    with h5py.File(path, "r+") as file:
        del file[place]
        if options:
            file.create_dataset(place, data=value, **options)
        elif value is not None:
            file[place] = value
    return path


def refused(path, sentence):
    with pytest.raises(hdf5.NetworkFileError, match=sentence) as caught:
        hdf5.read(path)
    assert str(path) in str(caught.value)


def test_errors_of_the_system_stay_what_they_are(tmp_path, path, monkeypatch):
    with pytest.raises(FileNotFoundError):
        hdf5.read(tmp_path / "none.net")
    with pytest.raises(IsADirectoryError, match=r"is the folder .*, expected a network file"):
        hdf5.read(tmp_path)

    def deny(*arguments, **options):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", deny)
    with pytest.raises(PermissionError):
        hdf5.read(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_file_that_must_not_be_read(path):
    path.chmod(0)
    with pytest.raises(PermissionError):
        hdf5.read(path)


def test_a_pipe_does_not_wait_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / "pipe", "the file is a pipe or a device, expected a regular file")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "the file is empty, expected an hdf5 file"),
        (b"\x89HDF", "the file begins with b'.x89HDF', expected an hdf5 file"),
        (b"PK\x03\x04" * 100, "the file begins with b'PK"),
        (b"\x89HDF\r\n\x1a\n", "the file has a broken superblock at byte 8"),
        (b"\x89HDF\r\n\x1a\n" + bytes(4000), "the file has a broken superblock at byte 0"),
    ],
)
def test_files_of_another_kind(content, sentence, tmp_path):
    path = tmp_path / "a.net"
    path.write_bytes(content)
    refused(path, sentence)


def test_every_truncation_is_refused(path):
    content = path.read_bytes()
    for size in range(0, len(content) - 1, 97):
        path.write_bytes(content[:size])
        refused(path, "the file|layer")


def test_a_claim_of_many_entries_is_refused_before_anything_is_read(path):
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file.create_dataset("layer/0/weight", (10**6, 10**6), "f4", chunks=(1000, 1000))
    tracemalloc.start()
    start = time.perf_counter()
    refused(path, r"`layer/0/weight` claims 1000000000000 entries, of shape \(1000000, 1000000\)")
    assert tracemalloc.get_traced_memory()[1] < 2**24
    assert time.perf_counter() - start < 5
    tracemalloc.stop()


@pytest.mark.parametrize("options", [{}, {"chunks": True}, {"chunks": True, "compression": "gzip"}])
def test_data_that_was_never_written_is_refused(path, options):
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file.create_dataset("layer/0/weight", (4096, 4096), "f4", **options)
    refused(
        path, "`layer/0/weight` claims 67108864 bytes, of shape .* and has 0, expected data for"
    )


def test_deflated_data_read_other_filters_do_not(path):
    weight = np.full((4, 3), 2, np.float32)
    changed(path, "layer/0/weight", weight, chunks=True, compression="gzip", shuffle=True)
    np.testing.assert_array_equal(hdf5.read(path).layers[0].weight, weight)
    changed(path, "layer/0/weight", weight, chunks=True, compression="lzf")
    refused(path, "`layer/0/weight` is stored with filters .*, expected plain or deflated data")


@pytest.mark.parametrize(
    ("place", "link", "sentence"),
    [
        ("layer/0/weight", h5py.SoftLink("/layer/0/weight"), "is a link .SoftLink., expected data"),
        (
            "layer/0/weight",
            h5py.SoftLink("/nowhere"),
            "is a link .SoftLink., expected data in this",
        ),
        ("layer/0", h5py.SoftLink("/layer"), "`layer/0` is a link"),
        ("layer/0", h5py.ExternalLink("b.net", "/layer/0"), "`layer` is of a newer .* .link table"),
        ("layer", h5py.SoftLink("/"), "`layer` is a link"),
        ("layer/0/weight", np.dtype("f8"), "`layer/0/weight` is a datatype, expected a dataset"),
        ("layer/0/neuron", 3.0, "`layer/0/neuron` is a dataset, expected a group"),
        ("layer/0", 3.0, "`layer/0` is a dataset, expected a group"),
    ],
)
def test_links_and_other_objects_are_refused(place, link, sentence, path):
    refused(changed(path, place, link), sentence)


def test_a_group_where_a_dataset_is_due(path):
    with h5py.File(path, "r+") as file:
        del file["layer/0/shape"]
        file.create_group("layer/0/shape")
    refused(path, "`layer/0/shape` is a group, expected a dataset")


def test_a_group_that_holds_itself(path):
    with h5py.File(path, "r+") as file:
        del file["layer/0/neuron"]
        file["layer/0/neuron"] = file["layer/0"]  # a hard link around
    refused(path, "`layer/0/neuron/type` is 'dense', expected one of CUBA")


def test_data_of_other_files_are_refused(path, tmp_path):
    (tmp_path / "secret").write_bytes(bytes(48))
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        external = [(str(tmp_path / "secret"), 0, 48)]
        file.create_dataset("layer/0/weight", (4, 3), "f4", external=external)
    refused(path, "`layer/0/weight` has its data in another file")
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource(str(tmp_path / "b.net"), "x", (4, 3))
    with h5py.File(path, "r+") as file:
        del file["layer/0/weight"]
        file.create_virtual_dataset("layer/0/weight", layout)
    refused(path, "`layer/0/weight` has its data in another file")


@pytest.mark.parametrize(
    ("value", "options", "sentence"),
    [
        (np.zeros((4, 3), [("a", "f4"), ("b", "f4")]), {}, "has dtype .*, expected real numbers"),
        (np.zeros((4, 3), "c8"), {}, "has dtype .*, expected real numbers"),
        (np.zeros((4, 3), "S4"), {}, "has dtype .*, expected real numbers"),
        (np.zeros((4, 3), "V4"), {}, "has dtype .*, expected real numbers"),
        (np.zeros((4, 3), "f2"), {}, "has dtype float16, expected real numbers"),
        (h5py.Empty("f4"), {}, "holds nothing, expected numbers or a text"),
        (np.zeros((4, 0), "f4"), {}, r"has shape \(4, 0\), expected \(4, in\)"),
        (np.full((4, 3), 1e300), {}, "holds 1e.300, expected whole numbers"),
        (np.full((4, 3), 2**63, "u8"), {}, "holds 9223372036854775808, expected whole numbers"),
    ],
)
def test_other_types_of_numbers_are_refused(value, options, sentence, path):
    refused(changed(path, "layer/0/weight", value, **options), f"`layer/0/weight` {sentence}")


def test_a_reference_where_a_number_is_due(path):
    with h5py.File(path, "r+") as file:
        reference = file["layer"].ref
        del file["layer/0/weight"]
        file.create_dataset("layer/0/weight", data=reference, dtype=h5py.ref_dtype)
    refused(path, "`layer/0/weight` has dtype object, expected real numbers")


@pytest.mark.parametrize(
    "value", [7, np.array(["dense", "dense"], "S8"), np.array(b"\xff\xfe"), np.zeros(0, "S8")]
)
def test_types_that_are_no_text(value, path):
    refused(changed(path, "layer/0/type", value), "`layer/0/type` (has dtype|cannot be read)")


@pytest.mark.parametrize("scale", [0, -64, 0.5, "64"])
def test_scales_that_are_no_scale(scale, path):
    with h5py.File(path, "r+") as file:
        file["layer/0"].attrs["w_scale"] = scale
    refused(path, "`layer/0` has the attribute w_scale .*, expected a whole number")


def test_a_broken_heap_of_texts_is_refused_before_hdf5_walks_it_forever(path):
    content = bytearray(path.read_bytes())
    heap = content.index(b"GCOL")
    content[heap + 16 : heap + 18] = bytes(2)  # its first object: free space,
    content[heap + 24 : heap + 32] = bytes(8)  # of no size
    path.write_bytes(content)
    refused(path, f"the file has a broken heap of texts at byte {heap}")


def test_an_unforeseen_error_of_hdf5_becomes_ours(path, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("Unspecified error in\nsomething")

    monkeypatch.setattr(group.h5py.Dataset, "__getitem__", fail)
    refused(path, "`layer/0/type` cannot be read .RuntimeError: Unspecified error in something.")


def test_nothing_is_printed_by_the_library(path):
    content = bytearray(path.read_bytes())
    content[500:800] = bytes(300)
    path.write_bytes(content)
    code = (
        "import sys; from jslayer import hdf5\ntry: hdf5.read(sys.argv[1])\nexcept ValueError: pass"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == ("", "")
