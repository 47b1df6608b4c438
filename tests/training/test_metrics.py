"""Metrics on their way to files: names, numbers, the table and the event file."""

import struct
from datetime import datetime

import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.training import CSVWriter, TensorBoardWriter, read_csv, tensorboard
from jslayer.training.metrics import flatten, numbers

METRICS = {"loss": jnp.float32(0.1), "event_rates": {"blocks_0": np.float64(0.25), "b": 1}}


def test_nested_metrics_are_named_by_their_path():
    assert list(flatten({"train": METRICS})) == [
        "train/loss",
        "train/event_rates/blocks_0",
        "train/event_rates/b",
    ]
    assert numbers(METRICS) == {
        "loss": float(np.float32(0.1)),
        "event_rates/blocks_0": 0.25,
        "event_rates/b": 1.0,
    }
    with pytest.raises(
        TypeError, match=r"`values` has a of dtype .* and shape .*, expected one real"
    ):
        numbers({"a": jnp.ones(2)})
    with pytest.raises(TypeError, match=r"`values` has a of dtype <U1"):
        numbers({"a": "x"})


def test_a_table_gives_back_what_was_written_and_goes_on(tmp_path):
    path = tmp_path / "metrics.csv"
    with CSVWriter(path) as write:
        write(1, METRICS)
        write(2, {"loss": np.nan})
    with CSVWriter(path) as write:
        write(3, {"loss": -1e-30, "new, with comma": 2})
    found = read_csv(path)
    np.testing.assert_array_equal(found["loss"][0], [1, 2, 3])
    np.testing.assert_array_equal(found["loss"][1], [np.float32(0.1), np.nan, -1e-30])
    np.testing.assert_array_equal(found["new, with comma"], [[3], [2]])
    assert path.read_text().count("step,name,value") == 1


def test_half_a_row_of_a_killed_run_is_dropped(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("step,name,value\n1,loss,0.5\n2,lo")
    with CSVWriter(path) as write:
        write(2, {"loss": 0.25})
    np.testing.assert_array_equal(read_csv(path)["loss"], [[1, 2], [0.5, 0.25]])


def test_only_every_so_many_steps_are_written(tmp_path):
    with CSVWriter(tmp_path / "m.csv", every=10) as write:
        for step in range(1, 31):
            write(step, {"loss": step})
    np.testing.assert_array_equal(read_csv(tmp_path / "m.csv")["loss"][0], [10, 20, 30])
    with pytest.raises(ValueError, match="`every` is 0, expected a whole number"):
        CSVWriter(tmp_path / "m.csv", every=0)


def test_another_file_is_not_appended_to(tmp_path):
    (tmp_path / "notes").write_text("hello")
    with pytest.raises(ValueError, match=r"`path` is .*, which starts with 'hello', expected"):
        CSVWriter(tmp_path / "notes")
    with pytest.raises(FileNotFoundError, match="whose folder does not exist"):
        CSVWriter(tmp_path / "absent" / "m.csv")


# The event file, read by the definition of its format, not by the code that wrote it.


def bitwise_crc32c(data):
    register = 0xFFFFFFFF
    for byte in data:
        for bit in range(8):
            mix = (register ^ (byte >> bit)) & 1
            register = (register >> 1) ^ (0x82F63B78 * mix)
    return register ^ 0xFFFFFFFF


def check_masked(stored, data):
    unmasked = (stored - 0xA282EAD8) % 2**32
    assert ((unmasked << 15) | (unmasked >> 17)) % 2**32 == bitwise_crc32c(data)


def records(content):
    while content:
        (length,), (length_crc,) = (
            struct.unpack("<Q", content[:8]),
            struct.unpack("<I", content[8:12]),
        )
        check_masked(length_crc, content[:8])
        data, rest = content[12 : 12 + length], content[12 + length :]
        assert len(data) == length
        check_masked(struct.unpack("<I", rest[:4])[0], data)
        yield data
        content = rest[4:]


def fields(data):
    """Number and content of each field of a protocol buffer message."""

    def varint():
        nonlocal data
        value = shift = 0
        while True:
            byte, data = data[0], data[1:]
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    found = []
    while data:
        key = varint()
        kind = key & 7
        if kind == 0:
            content = varint()
        else:
            size = {1: 8, 5: 4}[kind] if kind != 2 else varint()
            content, data = data[:size], data[size:]
        found.append((key >> 3, content))
    return found


@pytest.mark.parametrize(
    ("data", "crc"),
    [(b"123456789", 0xE3069283), (b"\x00" * 32, 0x8A9136AA), (b"\xff" * 32, 0x62A8AB43), (b"", 0)],
)
def test_the_checksum_is_that_of_the_standard(data, crc):
    # the values of RFC 3720, appendix B.4, and the usual check value
    assert tensorboard.crc32c(data) == crc == bitwise_crc32c(data)


def test_an_event_file_holds_steps_names_and_numbers(tmp_path):
    before = datetime.now().timestamp()
    with TensorBoardWriter(tmp_path / "log", every=2) as write:
        write(1, {"skipped": 1})
        write(300, METRICS)
        write(2**40, {"größe": 1e300, "odd": np.nan})
    first, *events = [dict(fields(data)) for data in records(write.path.read_bytes())]
    assert first[3] == b"brain.Event:2"
    assert [event[2] for event in events] == [300, 2**40]
    for event in (first, *events):
        (wall_time,) = struct.unpack("<d", event[1])
        assert before - 1 <= wall_time <= datetime.now().timestamp() + 1
    found = []
    for event in events:
        for number, content in fields(event[5]):
            assert number == 1
            value = dict(fields(content))
            found.append((value[1].decode(), struct.unpack("<f", value[2])[0]))
    assert found[:3] == [
        ("loss", float(np.float32(0.1))),
        ("event_rates/blocks_0", 0.25),
        ("event_rates/b", 1.0),
    ]
    assert found[3] == ("größe", np.inf)
    assert found[4][0] == "odd"
    assert np.isnan(found[4][1])


def test_every_writer_has_a_file_of_its_own_that_tensorboard_finds(tmp_path):
    with TensorBoardWriter(tmp_path) as one, TensorBoardWriter(tmp_path) as other:
        one(1, {"loss": 1})
        other(2, {"loss": 2})
        assert one.path != other.path
    assert all("tfevents" in path.name for path in tmp_path.iterdir())


def test_messages_are_those_that_protocol_buffers_read(tmp_path):
    struct_pb2 = pytest.importorskip("google.protobuf.struct_pb2")
    # another schema with the same wire types, a text and a double, written by the library
    message = struct_pb2.Value(string_value="x" * 300).SerializeToString()
    assert tensorboard._bytes(3, b"x" * 300) == message
    assert tensorboard._double(2, 0.1) == struct_pb2.Value(number_value=0.1).SerializeToString()
