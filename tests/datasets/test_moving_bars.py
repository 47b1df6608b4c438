"""Moving bars: what the camera sees, and that only the order of events tells the direction."""

import numpy as np
import pytest

from jslayer.datasets import MovingBars
from jslayer.datasets.bar_camera import Bars, watch

COUNT = 1200


@pytest.fixture(scope="module")
def data():
    train, test = MovingBars(COUNT), MovingBars(COUNT, train=False)
    return {
        "train": train.batch(np.arange(COUNT)),
        "test": test.batch(np.arange(COUNT)),
    }


def test_samples_have_the_stated_form(data):
    dataset = MovingBars(16, size=9, num_steps=50)
    x, label = dataset[3]
    assert x.shape == (2, 9, 9, 50) and x.dtype == np.float32
    assert label.dtype == np.int32 and len(dataset) == 16
    assert set(np.unique(x)) == {0.0, 1.0}
    counts = np.bincount(data["train"][1], minlength=8)
    assert counts.size == 8 and counts.min() > 0.9 * COUNT / 8


def test_the_seed_fixes_the_samples_and_more_of_them_begin_the_same():
    x, labels = MovingBars(300, seed=(5, 6)).batch(range(300))
    again, labels_again = MovingBars(150, seed=(5, 6)).batch(range(150))
    np.testing.assert_array_equal(x[:150], again)
    np.testing.assert_array_equal(labels[:150], labels_again)
    other = MovingBars(150, seed=7).batch(range(150))[0]
    assert (other != again).any(axis=(1, 2, 3, 4)).all()


def test_training_and_test_set_share_no_sample(data):
    bits = {part: {np.packbits(x > 0).tobytes() for x in data[part][0]} for part in data}
    assert not bits["train"] & bits["test"]
    assert len(bits["train"]) == COUNT


def angle_of_motion(x):
    """Direction in which the centre of the events moves, from a straight fit over time."""
    counts = x.sum(axis=1)  # [N, H, W, T]
    _, height, width, steps = counts.shape
    t = np.arange(steps)
    total = counts.sum(axis=(1, 2, 3))
    mean_t = (counts.sum(axis=(1, 2)) * t).sum(-1) / total
    late = t - mean_t[:, None]
    along_x = np.einsum("nhwt,w,nt->n", counts, np.arange(width), late, optimize=True)
    along_y = np.einsum("nhwt,h,nt->n", counts, np.arange(height), late, optimize=True)
    return np.arctan2(along_y, along_x)


def test_the_label_is_the_direction_of_motion(data):
    x, labels = data["train"]
    turn = angle_of_motion(x) - labels * np.pi / 4
    off = np.abs(np.angle(np.exp(1j * turn)))
    assert (off < np.pi / 8).mean() > 0.99


def nearest_mean(train, labels, test):
    means = [train[labels == k].mean(axis=0) for k in np.unique(labels)]
    distance = np.stack([((test - mean) ** 2).sum(axis=1) for mean in means])
    return np.unique(labels)[distance.argmin(axis=0)]


def ridge(train, labels, test):
    sign = np.where(labels == labels.min(), -1.0, 1.0)
    centre = train.mean(axis=0)
    a = train - centre
    weights = np.linalg.solve(a.T @ a + 10 * np.eye(a.shape[1]), a.T @ sign)
    return np.where((test - centre) @ weights > 0, labels.max(), labels.min())


@pytest.mark.parametrize("classify", [nearest_mean, ridge])
@pytest.mark.parametrize("polarities", ["both", "apart"])
def test_counts_of_events_do_not_tell_a_direction_from_its_opposite(data, classify, polarities):
    flat = {}
    for part, (x, labels) in data.items():
        counts = x.sum(axis=-1) if polarities == "apart" else x.sum(axis=(1, 4))
        flat[part] = counts.reshape(len(x), -1).astype(np.float64), labels
    right, total = 0, 0
    for k in range(4):
        (train, a), (test, b) = (
            (counts[labels % 4 == k], labels[labels % 4 == k]) for counts, labels in flat.values()
        )
        right += (classify(train, a, test) == b).sum()
        total += len(b)
    assert abs(right / total - 0.5) < 4 * 0.5 / np.sqrt(total)


def test_every_bar_crosses_the_whole_field():
    x, _ = MovingBars(200, noise=0.0, drop=0.0, contrast=(1.0, 1.0)).batch(range(200))
    assert (x.sum(axis=-1) > 0).all()  # each pixel both brightens and darkens
    assert not x[..., 0].any() and not x[..., -1].any()


def test_bright_bars_brighten_first_and_half_of_the_bars_are_bright(data):
    x = data["train"][0][:, :, 8, 8]
    first = np.where(x.any(-1), x.argmax(-1), 99)
    bright = (first[:, 1] < first[:, 0]).mean()
    assert 0.4 < bright < 0.6


def test_one_pixel_follows_its_log_intensity():
    bar = Bars(*(np.array([v], np.float32) for v in (0.0, -5.0, 0.25, 3.0, 1.0)))
    events = watch(bar, size=1, num_steps=41, threshold=0.25)[:, 0, :, 0]
    position = -5.0 + 0.25 * np.arange(41)
    light = np.log1p((np.e - 1) * np.clip(2.0 - np.abs(position), 0, 1))
    memory, expected = 0.0, np.zeros((41, 2), bool)
    for step, value in enumerate(light.tolist()):
        while value - memory >= 0.25 - 1e-6:
            memory, expected[step, 1] = memory + 0.25, True
        while value - memory <= -0.25 + 1e-6:
            memory, expected[step, 0] = memory - 0.25, True
    np.testing.assert_array_equal(events, expected)
    assert events.sum() > 4


def test_noise_and_drops_have_the_stated_size():
    quiet = {"contrast": (0.1, 0.1), "num_steps": 64}
    noise = MovingBars(256, noise=0.01, drop=0.0, **quiet).batch(range(256))[0]
    assert abs(noise.mean() - 0.01) < 0.0005
    whole = MovingBars(256, noise=0.0, drop=0.0).batch(range(256))[0]
    part = MovingBars(256, noise=0.0, drop=0.25).batch(range(256))[0]
    assert (part <= whole).all()
    assert abs(part.sum() / whole.sum() - 0.75) < 0.01


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"num_samples": 0}, ValueError, "`num_samples` is 0"),
        ({"size": 16.0}, TypeError, "`size` is 16.0"),
        ({"num_steps": 40}, ValueError, "`num_steps` is 40, expected at least"),
        ({"speed": 0.5}, ValueError, r"`speed` is 0.5, expected \(least, largest\)"),
        ({"speed": (0.9, 0.5)}, ValueError, "`speed` is"),
        ({"contrast": (0.0, 0.5)}, ValueError, "`contrast` is"),
        ({"noise": 2.0}, ValueError, "`noise` is 2.0"),
        ({"drop": -1.0}, ValueError, "`drop` is -1.0"),
        ({"threshold": 0.0}, ValueError, "`threshold` is 0.0"),
        ({"seed": "x"}, TypeError, "`seed` is 'x'"),
    ],
)
def test_bad_arguments_are_refused(arguments, error, text):
    with pytest.raises(error, match=text):
        MovingBars(**arguments)
