"""A folder of recordings: labels by folder, shapes measured, splits that hold every class."""

import numpy as np
import pytest

from jslayer import io
from jslayer.datasets import RecordingFolder, batches


@pytest.fixture
def root(tmp_path):
    """Classes 2 and 10 with five recordings each, in two formats; the largest 4 x 6 for 12 ms."""
    for label in (2, 10):
        (tmp_path / str(label)).mkdir()
        for number in range(5):
            x, y = [label % 5, number], [number % 4, 3]
            event = io.Event(x, y, [0, 1], [1.0, 3.0 + number + (label == 10) * 5])
            ending = ".csv" if number == 4 else ".npz"
            path = tmp_path / str(label) / f"{number}{ending}"
            if ending == ".csv":
                lines = zip(event.t * 1000, event.x, event.y, event.c, strict=True)
                path.write_text("\n".join(",".join(map(str, line)) for line in lines))
            else:
                io.write(path, event)
        (tmp_path / str(label) / "notes.txt").write_text("no recording")
    (tmp_path / ".hidden").mkdir()
    return tmp_path


def test_one_line_makes_a_data_set(root):
    data = RecordingFolder(root)
    assert data.classes == ["2", "10"]  # as numbers
    assert len(data) == 10 and data.labels.tolist() == [0] * 5 + [1] * 5
    x, label = data[9]
    assert x.shape == (2, 4, 5, 13) and label == 1
    assert x[1, 3, 4, 12] == 1 and x.sum() == 2
    x, label = next(batches(data, 10, shuffle=False))
    assert x.shape == (10, 2, 4, 5, 13) and label.dtype == np.int32


def test_a_split_holds_every_class_once(root):
    parts = [RecordingFolder(root, train=train, share=0.6) for train in (True, False)]
    assert [len(part) for part in parts] == [6, 4]
    assert [np.bincount(part.labels).tolist() for part in parts] == [[3, 3], [2, 2]]
    assert {*parts[0].files} | {*parts[1].files} == {*RecordingFolder(root).files}
    again = RecordingFolder(root, share=0.6, train=True)
    other = RecordingFolder(root, share=0.6, train=True, seed=1)
    assert again.files == parts[0].files != other.files
    assert parts[0].dim == parts[1].dim  # measured over all


def test_a_shape_that_is_given_is_not_measured(root):
    (root / "2" / "broken.npz").write_bytes(b"broken")
    data = RecordingFolder(root, dim=(2, 8, 8), num_steps=4, sampling_time=2.0)
    assert data[0][0].shape == (2, 8, 8, 4)
    with pytest.raises(ValueError, match=r"broken\.npz"):
        RecordingFolder(root)
    with pytest.raises(ValueError, match=r"broken\.npz"):
        data[5]


def test_what_makes_no_data_set_is_refused(root):
    with pytest.raises(FileNotFoundError, match="which is no folder"):
        RecordingFolder(root / "absent")
    with pytest.raises(FileNotFoundError, match="which holds no recording"):
        RecordingFolder(root / "2")
    with pytest.raises(ValueError, match="`share` is 2"):
        RecordingFolder(root, train=True, share=2)
    io.write(root / "2" / "far.npz", io.Event([0], [0], [0], [1e9]))
    with pytest.raises(ValueError, match=r"pass `dim`, `num_steps` or a longer `sampling_time`"):
        RecordingFolder(root)
    io.write(root / "2" / "far.npz", io.Event([0], None, [0], [1.0]))
    with pytest.raises(ValueError, match=r"far\.npz of 1-d events, expected 2-d ones"):
        RecordingFolder(root)


def test_ids_without_rows_have_one_axis_less(tmp_path):
    (tmp_path / "a").mkdir()
    io.write(tmp_path / "a" / "0.bs1", io.Event([3], None, [0], [2.0]))
    x, label = RecordingFolder(tmp_path)[0]
    assert x.shape == (1, 4, 3) and label == 0
