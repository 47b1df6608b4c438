"""Changes of whole videos: pixels and boxes move together, and all frames alike."""

from functools import partial

import numpy as np
import pytest

from jslayer.datasets import Loader
from jslayer.obd import SyntheticStreet, augment


def sample():
    """A bright rectangle on dark ground, in three frames, and a row that is no object."""
    frames = np.full((3, 24, 40, 3), 0.2, np.float32)
    frames[:, 6:12, 8:24] = 0.9
    rows = np.zeros((3, 2, 6), np.float32)
    rows[:, 0] = [16 / 40, 9 / 24, 16 / 40, 6 / 24, 1, 4]
    return frames, rows, np.int8([[1, 0]] * 3), "handed on"


def box_of(frames):
    row, column = np.nonzero(frames[0, ..., 0] > 0.55)
    x, width = (column.min() + column.max() + 1) / 80, (np.ptp(column) + 1) / 40
    return [x, (row.min() + row.max() + 1) / 48, width, (np.ptp(row) + 1) / 24]


def test_a_mirrored_video_has_mirrored_boxes():
    given = sample()
    for options in ({"x": 1.0}, {"x": 0.0, "y": 1.0}, {"x": 1.0, "y": 1.0}):
        frames, rows, kind, rest = augment.flip(given, **options, seed=0)
        np.testing.assert_allclose(rows[0, 0, :4], box_of(frames), atol=1e-6)
        assert not rows[:, 1].any() and kind is given[2] and rest == "handed on"
    assert augment.flip(given, x=0.0, seed=0)[1][0, 0].tolist() == given[1][0, 0].tolist()


@pytest.mark.parametrize("seed", range(8))
def test_a_window_shows_boxes_where_they_are_in_it(seed):
    frames, rows, kind, _ = augment.crop_and_scale(sample(), least=0.7, seed=seed)
    assert frames.shape == (3, 24, 40, 3) and frames.dtype == np.float32
    np.testing.assert_allclose(rows[0, 0, :4], box_of(frames), atol=1.1 / 24)
    assert kind[0, 0] in (1, -1) and not rows[:, 1].any()


def test_what_leaves_the_window_is_ignored_or_gone():
    frames, rows, kind, rest = sample()
    rows[:, 0, :4], rows[:, 1, :4] = [0.1, 0.1, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]
    kind = np.int8([[1, 1]] * 3)
    kinds = {
        tuple(augment.crop_and_scale((frames, rows, kind, rest), least=0.3, seed=s)[2][0])
        for s in range(40)
    }
    assert {k for k, _ in kinds} >= {0, 1} and {k for _, k in kinds} >= {-1, 1}


def test_one_draw_holds_for_all_frames_and_the_seed_fixes_it():
    given = sample()
    for change in (augment.colour, augment.blur, augment.crop_and_scale):
        before = given[0].copy()
        frames = change(given, seed=3)[0]
        for t in (1, 2):
            np.testing.assert_array_equal(frames[..., t], frames[..., 0])
        np.testing.assert_array_equal(change(given, seed=3)[0], frames)
        assert np.abs(change(given, seed=4)[0] - frames).max() > 1e-3
        np.testing.assert_array_equal(given[0], before)
        assert frames.min() >= 0 and frames.max() <= 1


def test_a_blurred_video_is_smoother_and_as_bright():
    frames = sample()[0]
    smooth = augment.blur(sample(), width=2.0, seed=1)[0]
    assert abs(smooth.mean() - frames.mean()) < 0.01
    assert np.abs(np.diff(smooth, axis=1)).max() < np.abs(np.diff(frames, axis=1)).max()


def test_changes_in_a_row_go_into_a_loader():
    steps = [augment.flip, partial(augment.colour, brightness=0.1), augment.crop_and_scale]
    change = augment.compose(steps)
    street = SyntheticStreet(4, num_steps=2, size=(24, 40))
    batches = [list(Loader(street, 2, transform=change, workers=w, seed=5)) for w in (0, 2)]
    for one, two in zip(*batches, strict=True):
        for ours, theirs in zip(one, two, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_options_out_of_range_are_refused():
    for call, words in (
        (partial(augment.flip, x=2.0), "`x` is"),
        (partial(augment.crop_and_scale, least=0.0), "`least` is 0.0"),
        (partial(augment.colour, contrast=-1.0), "`contrast` is"),
        (partial(augment.blur, width=-1.0), "`width` is -1.0"),
    ):
        with pytest.raises(ValueError, match=words):
            call(sample(), seed=0)
