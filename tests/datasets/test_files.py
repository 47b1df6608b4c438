"""N-MNIST and Oxford, from small files written here and from the shared data."""

import os
from pathlib import Path

import numpy as np
import pytest

from jslayer import io
from jslayer.datasets import NMNIST, Oxford, batches

SHARED = Path(os.environ.get("JSLAYER_SHARED", Path(__file__).parents[2].parent / "shared"))
REAL = SHARED / "data"
needs_data = pytest.mark.skipif(
    not REAL.is_dir(), reason=f"shared data are absent: no {REAL}; set JSLAYER_SHARED"
)


@pytest.fixture
def digits(tmp_path):
    """Three recordings: a pixel each, at x = label, y = 33, ON, 10 ms."""
    for part, label, name in [
        ("Train", 7, "b"),
        ("Train", 7, "a"),
        ("Train", 0, "c"),
        ("Test", 9, "d"),
    ]:
        folder = tmp_path / "nmnist" / part / str(label)
        folder.mkdir(parents=True, exist_ok=True)
        event = io.Event([label, label], [33, 33], [1, 1], [10.0, 10.2])
        io.encode_2d_spikes(folder / f"{name}.bin", event)
    (tmp_path / "nmnist" / "Train" / "0" / "notes.txt").write_text("not a recording")
    return tmp_path / "nmnist"


def test_recordings_are_sorted_by_label_and_name(digits):
    dataset = NMNIST(digits, num_steps=20)
    assert len(dataset) == 3
    assert [path.stem for path in dataset.files] == ["c", "a", "b"]
    x, label = dataset[1]
    assert x.shape == (2, 34, 34, 20) and x.dtype == np.float32
    assert label == 7 and label.dtype == np.int32
    assert x.sum() == 1 and x[1, 33, 7, 10] == 1
    assert [int(label) for _, label in dataset] == [0, 7, 7]
    assert dataset[-1][1] == 7
    with pytest.raises(IndexError, match="`index` is 3, expected -3 to 2"):
        dataset[3]


def test_recordings_come_as_lists_of_events_where_asked(digits):
    x, label = NMNIST(digits, num_steps=20, as_events=True, capacity=(4, 128)).batch([1, 0])
    assert x.shape == (2, 2, 34, 34, 20) and x.capacity == (4, 128)
    assert label.tolist() == [7, 0]
    np.testing.assert_array_equal(x.to_dense(), NMNIST(digits, num_steps=20).batch([1, 0])[0])


def test_the_test_part_is_another_folder_and_bins_may_be_longer(digits):
    dataset = NMNIST(digits, train=False, num_steps=3, sampling_time=5.0)
    x, label = dataset[0]
    assert len(dataset) == 1 and label == 9
    np.testing.assert_allclose(x[1, 33, 9], [0, 0, 0.2])


def test_the_root_may_come_from_the_environment(digits, monkeypatch):
    monkeypatch.setenv("JSLAYER_DATA", str(digits.parent))
    assert len(NMNIST()) == 3
    with pytest.raises(FileNotFoundError, match=r"oxford, which is no folder.*input.bs1"):
        Oxford()
    monkeypatch.delenv("JSLAYER_DATA")
    with pytest.raises(FileNotFoundError, match=r"JSLAYER_DATA is not set.*Train/<label>/<id>.bin"):
        NMNIST()


def test_bad_folders_and_arguments_are_refused(digits, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no recording, expected Train/"):
        NMNIST(tmp_path)
    with pytest.raises(ValueError, match="`num_steps` is 0"):
        NMNIST(digits, num_steps=0)
    with pytest.raises(TypeError, match=r"`num_steps` is 2\.5"):
        NMNIST(digits, num_steps=2.5)
    with pytest.raises(ValueError, match="`sampling_time` is 0"):
        NMNIST(digits, sampling_time=0)
    dataset = NMNIST(digits)
    io.encode_2d_spikes(dataset.files[0], io.Event([40], [0], [0], [0.0]))
    with pytest.raises(ValueError, match="pixel at 40, expected 0 to 33"):
        dataset[0]
    dataset.files[0].write_bytes(b"1234")
    with pytest.raises(ValueError, match="multiple of 5"):
        dataset[0]


def oxford_files(folder, neuron=5):
    io.encode_1d_spikes(folder / "input.bs1", io.Event([neuron], None, [1], [1.7]))
    io.encode_1d_spikes(folder / "output.bs1", io.Event([9, 8], None, [1, 1], [3.7, 9.0]))


def test_oxford_rounds_input_times_and_cuts_desired_times(tmp_path):
    oxford_files(tmp_path)
    dataset = Oxford(tmp_path, num_steps=6)
    x, desired = dataset[0]
    assert len(dataset) == 1 and x.shape == desired.shape == (200, 6)
    assert x.dtype == desired.dtype == np.float32
    assert x.sum() == 1 and x[5, 2] == 1
    assert desired.sum() == 1 and desired[9, 3] == 1


def test_oxford_refuses_other_files(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing exists"):
        Oxford(tmp_path)
    oxford_files(tmp_path, neuron=200)
    with pytest.raises(ValueError, match="neuron 200, expected 0 to 199"):
        Oxford(tmp_path)


@needs_data
def test_the_shared_digits_have_the_stated_size():
    train, test = NMNIST(REAL / "nmnist"), NMNIST(REAL / "nmnist", train=False)
    assert (len(train), len(test)) == (800, 100)
    assert set(test.labels.tolist()) == set(range(10))
    x, labels = next(batches(train, 8, seed=0))
    assert x.shape == (8, 2, 34, 34, 300) and labels.shape == (8,)
    assert set(np.unique(x)) == {0.0, 1.0}
    assert (x.sum((1, 2, 3, 4)) > 1000).all() and (x.sum((2, 3, 4)) > 0).all()


@needs_data
def test_the_shared_oxford_data_equal_what_the_trained_network_was_given():
    x, desired = Oxford(REAL / "oxford")[0]
    events = io.read(REAL / "networks" / "oxford" / "input.npy")
    given = events.to_tensor(dim=(1, 200, 2000))[0]
    # Half milliseconds round either way after the two products of the NumPy reader.
    differ = np.unique(np.nonzero(x != given)[1])
    assert differ.size <= 2 * 20
    halves = np.round(events.t * 2) % 2 == 1
    near = np.floor(events.t[halves])
    assert set(differ) <= set(near) | set(near + 1)
    assert desired.sum() > 10_000
