"""The drawn street: form, seeds, whether boxes are where things are, what can be told by colour."""

import dataclasses

import numpy as np
import pytest

from jslayer.datasets import Loader
from jslayer.obd import SyntheticStreet
from jslayer.obd.dataset import camera_events, street_draw

SIZE = (96, 160)


@pytest.fixture(scope="module")
def clips():
    street = SyntheticStreet(16, num_steps=6)
    return [street.clip(i) for i in range(16)]


def test_samples_have_the_stated_form(clips):
    street = SyntheticStreet(4, num_steps=6)
    x, rows, kind, track = street.batch([0, 3])
    assert x.shape == (2, 3, 96, 160, 6) and x.dtype == np.float32
    assert rows.shape == (2, 6, 16, 6) and kind.dtype == np.int8 and track.dtype == np.int32
    np.testing.assert_array_equal(np.round(x * 255).astype(np.float32) / np.float32(255), x)
    for part, single in zip(street[3], clips[3][:4], strict=True):
        np.testing.assert_array_equal(part, single)
    np.testing.assert_array_equal(rows[1], clips[3].rows)
    levels = SyntheticStreet(4, num_steps=6, dtype=np.uint8)[3][0]
    np.testing.assert_array_equal(levels.astype(np.float32) / np.float32(255), x[1])


def test_boxes_lie_in_the_frame_the_largest_first_and_their_kinds_say_what_is_seen(clips):
    for clip in clips:
        there = clip.kind != 0
        assert not clip.rows[~there].any() and (clip.track[~there] == -1).all()
        low, high = (clip.rows[..., :2] + s * clip.rows[..., 2:4] / 2 for s in (-1, 1))
        assert (low[there] > -1e-6).all() and (high[there] < 1 + 1e-6).all()
        area = clip.rows[..., 2] * clip.rows[..., 3]
        assert (np.diff(area, axis=1) <= 0).all()
        clear = clip.visible > 0.35
        clear &= (clip.rows[..., 3] * 96 >= 6 - 1e-4) & (clip.rows[..., 2] * 160 >= 3 - 1e-4)
        np.testing.assert_array_equal(clip.kind == 1, clear & there)
    assert 2 < np.mean([(clip.kind == 1).sum(1) for clip in clips]) < 8
    labels = np.concatenate([clip.rows[clip.kind == 1][:, 5] for clip in clips])
    assert set(labels) == {0, 1, 2, 3, 4}


def test_what_changes_when_one_object_is_recoloured_lies_in_its_box():
    street = SyntheticStreet(30, num_steps=2)
    changed = 0
    for index in range(30):
        scene = street.scene(index)
        first, seen = street_draw.draw_clip(scene, 0, 2, SIZE)
        for number, thing in enumerate(scene.things):
            if thing.track < 0:
                continue
            look = dataclasses.replace(thing.look, palette=255 - thing.look.palette)
            things = list(scene.things)
            things[number] = dataclasses.replace(thing, look=look)
            other = dataclasses.replace(scene, things=tuple(things))
            second, again = street_draw.draw_clip(other, 0, 2, SIZE)
            for t in range(2):
                np.testing.assert_array_equal(seen[t], again[t])  # boxes know nothing of colours
                row, column = np.nonzero(np.abs(first[t] - second[t]).max(-1) > 1e-3)
                found = seen[t][seen[t][:, 5] == thing.track]
                if not len(found):
                    assert not len(row)
                    continue
                x, y, width, height, _, _, visible = found[0]
                if not len(row):
                    assert visible < 0.05
                    continue
                edges = (x - width / 2, y - height / 2, x + width / 2, y + height / 2)
                assert column.min() >= np.floor(edges[0]) and column.max() < np.ceil(edges[2])
                assert row.min() >= np.floor(edges[1]) and row.max() < np.ceil(edges[3])
                if visible > 0.95 and min(width, height) > 8:  # and fills it
                    assert np.ptp(column) > 0.7 * width and np.ptp(row) > 0.7 * height
                    changed += 1
    assert changed > 20


def test_the_seed_fixes_the_clips_and_splits_share_none(clips):
    def streets(**options):
        return SyntheticStreet(16, num_steps=6, **options)[3]

    np.testing.assert_array_equal(SyntheticStreet(99, num_steps=6)[3][0], clips[3].x)
    seen = [clips[3].x, *(streets(split=split)[0] for split in ("validation", "test"))]
    seen += [streets(seed=1)[0], streets(seed=(0, 1))[0], clips[4].x]
    for i, one in enumerate(seen):
        for other in seen[i + 1 :]:
            assert np.abs(one - other).mean() > 0.01


def test_tracks_go_on_smoothly(clips):
    steps = 0
    for clip in clips:
        for t in range(5):
            now, after = (
                dict(zip(clip.track[t + k], clip.rows[t + k], strict=True)) for k in (0, 1)
            )
            for track in set(now) & set(after) - {-1}:
                assert now[track][5] == after[track][5]
                assert np.abs(now[track][:4] - after[track][:4]).max() < 0.25
                steps += 1
    assert steps > 200


def test_a_parked_camera_sees_little_change_and_noise_changes_everything():
    parked = SyntheticStreet(6, num_steps=4, speed=0.0)
    driving = SyntheticStreet(6, num_steps=4, speed=10.0)
    noisy = SyntheticStreet(6, num_steps=4, speed=0.0, noise=4 / 255)

    def change(street):
        x = street.batch(range(6))[0]
        return (np.abs(np.diff(x, axis=-1)).max(1) > 0.05).mean()

    assert change(parked) < 0.5 * change(driving) < 0.15
    assert change(SyntheticStreet(6, num_steps=4, speed=0.0, objects=(0, 0))) == 0
    x, quiet = noisy[0][0], parked[0][0]
    assert abs((x - quiet).std() - 4 / 255) < 0.003


def test_classes_cannot_be_told_by_their_colour():
    street = SyntheticStreet(300, num_steps=1)
    features, labels = [], []
    for index in range(300):
        clip = street.clip(index)
        for row in clip.rows[0][(clip.kind[0] == 1) & (clip.visible[0] > 0.8)]:
            low = np.floor((row[:2] - row[2:4] / 2) * [160, 96]).astype(int).clip(0)
            high = np.ceil((row[:2] + row[2:4] / 2) * [160, 96]).astype(int)
            features.append(clip.x[:, low[1] : high[1], low[0] : high[0], 0].mean((1, 2)))
            labels.append(int(row[5]))
    features, labels = np.array(features), np.array(labels)
    half = len(labels) // 2
    # Five nearest neighbours by mean colour, judged on other objects, with every class alike.
    apart = np.linalg.norm(features[half:, None] - features[None, :half], axis=-1)
    votes = labels[:half][np.argsort(apart, axis=1)[:, :5]]
    guessed = [np.bincount(vote, minlength=5).argmax() for vote in votes]
    right = np.array(guessed) == labels[half:]
    by_class = [right[labels[half:] == k].mean() for k in range(5)]
    assert np.mean(by_class) < 0.4  # 0.2 by chance


def test_events_say_what_became_brighter_and_darker():
    street = SyntheticStreet(3, num_steps=5, events=True, speed=5.0)
    x, rows, _, _ = street[1]
    assert x.shape == (2, 96, 160, 5) and set(np.unique(x)) == {0, 1}
    assert 0.001 < x.mean() < 0.3 and not (x[0] * x[1]).any()
    frames = SyntheticStreet(3, num_steps=5, speed=5.0)[1]
    np.testing.assert_array_equal(rows, frames[1])
    later = camera_events(frames[0])
    assert (later == x[..., 1:]).mean() > 0.97  # the first frame is another
    grey = np.full((3, 1, 1, 4), 0.5, np.float32)
    grey[..., 1:] += [0.03, 0.06, 0.09]  # each step alone is too small
    assert camera_events(grey)[0, 0, 0].tolist() == [0, 0, 1]


def test_a_loader_takes_the_street():
    batches = list(Loader(SyntheticStreet(4, num_steps=1, size=(24, 40)), 2, seed=1))
    assert [x.shape for x, *_ in batches] == [(2, 3, 24, 40, 1)] * 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"split": "val"}, "`split` is 'val', expected one of 'train', 'validation', 'test'"),
        ({"speed": -1.0}, "`speed` is -1.0, expected a number from 0 on"),
        ({"objects": (3, 20)}, "`objects` is \\(3, 20\\), expected .* at most `most` \\(16\\)"),
        ({"num_steps": 0}, "`num_steps` is 0"),
        ({"dtype": np.float64}, "`dtype` is dtype\\('float64'\\)"),
    ],
)
def test_options_out_of_range_are_refused(options, words):
    with pytest.raises(ValueError, match=words):
        SyntheticStreet(2, **options)
    with pytest.raises(IndexError, match="`index` is 2"):
        SyntheticStreet(2)[2]
