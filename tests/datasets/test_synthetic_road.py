"""The drawn road: form, seeds, what changes, and whether the angle can be seen."""

import time

import numpy as np
import pytest

from jslayer.datasets import SyntheticRoad, road


@pytest.fixture(scope="module")
def drives():
    return SyntheticRoad(60).batch(range(60))


def test_samples_have_the_stated_form(drives):
    x, angle = drives
    assert x.shape == (60, 3, 33, 100, 16) and x.dtype == np.float32
    assert angle.shape == (60, 16) and angle.dtype == np.float32
    assert x.min() >= 0 and x.max() <= 1
    np.testing.assert_array_equal(np.round(x * 255).astype(np.float32) / np.float32(255), x)


def test_the_seed_fixes_the_drives_and_more_of_them_begin_the_same(drives):
    np.testing.assert_array_equal(SyntheticRoad(7)[3][0], drives[0][3])
    np.testing.assert_array_equal(SyntheticRoad(100)[59][1], drives[1][59])
    for other in (SyntheticRoad(7, seed=1), SyntheticRoad(7, train=False)):
        assert abs(other[3][1] - drives[1][3]).max() > 1e-3
    longer = SyntheticRoad(7, num_steps=40)[3]
    np.testing.assert_array_equal(longer[0][..., :16], drives[0][3])


def test_most_pixels_stay_as_they_are_from_frame_to_frame(drives):
    changed = (np.diff(drives[0], axis=-1) != 0).any(axis=1)
    assert 0.02 < changed.mean() < 0.2
    still = (np.diff(SyntheticRoad(4, speed=1e-9).batch(range(4))[0], axis=-1) != 0).mean()
    assert still == 0
    noisy = SyntheticRoad(2, noise=0.02).batch([0, 1])[0]
    assert (np.diff(noisy, axis=-1) != 0).any(axis=1).mean() > 0.9
    assert abs((noisy - drives[0][:2]).std() - 0.02) < 0.004


def test_the_angle_varies_smoothly_and_to_both_sides(drives):
    angle = drives[1]
    assert angle.min() < -0.3 and angle.max() > 0.3 and abs(angle.mean()) < 0.15
    assert 0 < np.abs(np.diff(angle, axis=1)).max() < 0.05


def test_the_angle_is_that_of_the_roads_curvature():
    drive = road.random_drive(np.random.default_rng(0), 0.01)
    place = np.arange(0, 50, 0.01)
    heading = road.waves(drive, place, 1)
    curvature = np.gradient(heading, place)
    np.testing.assert_allclose(
        road.steering_angle(drive, place)[1:-1], 15 * np.arctan(2.7 * curvature)[1:-1], atol=1e-6
    )
    # The road ahead turns away by half its curvature times the distance squared.
    straight = road.side_m(drive, place[:1], np.array([2.0])) + drive.offset_m
    np.testing.assert_allclose(straight, road.waves(drive, place[:1], 0) * 2, rtol=0.05)


def test_a_bend_to_the_right_is_seen_to_the_right(drives):
    x, angle = drives[0][..., 0], drives[1][:, 0]
    asphalt = np.abs(np.ptp(x, axis=1)) < 0.03  # grey
    far = asphalt[:, 14:17]
    middle = (far * np.arange(100)).sum((1, 2)) / far.sum((1, 2))
    assert np.corrcoef(middle, angle)[0, 1] > 0.85


def test_the_angle_can_be_regressed_from_the_frames():
    def features(dataset):
        x, angle = dataset.batch(range(len(dataset)))
        frames = np.moveaxis(x, -1, 1).reshape(-1, 3, 33, 100)
        return frames[:, :2, 12:30, 10:90].reshape(len(frames), -1), angle.ravel()

    x, angle = features(SyntheticRoad(300, num_steps=2, speed=2.0))
    test_x, test_angle = features(SyntheticRoad(60, train=False, num_steps=2, speed=2.0))
    mean = x.mean(axis=0)
    x, test_x = x - mean, test_x - mean
    kernel = x @ x.T + np.eye(len(x))
    predicted = test_x @ (x.T @ np.linalg.solve(kernel, angle - angle.mean())) + angle.mean()
    error = np.mean((predicted - test_angle) ** 2)
    assert error < 0.1 * np.mean((angle.mean() - test_angle) ** 2)


def test_drawing_is_fast():
    dataset = SyntheticRoad(8, num_steps=16)
    dataset[0]
    start = time.process_time()
    dataset.batch(range(8))
    assert 8 * 16 / (time.process_time() - start) > 100  # 600 on a core of its own


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"num_samples": 0}, ValueError, "`num_samples` is 0"),
        ({"num_steps": 1.5}, TypeError, "`num_steps` is 1.5"),
        ({"speed": 0}, ValueError, "`speed` is 0"),
        ({"curvature": -1}, ValueError, "`curvature` is -1"),
        ({"noise": -1}, ValueError, "`noise` is -1"),
        ({"seed": "a"}, TypeError, "`seed` is 'a'"),
    ],
)
def test_bad_arguments_are_named(arguments, error, text):
    with pytest.raises(error, match=text):
        SyntheticRoad(**arguments)
