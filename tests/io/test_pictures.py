"""Rasters and animations; their looks are judged by eye, their content here."""

import subprocess
import sys

import numpy as np
import pytest

from jslayer import io

pytest.importorskip("matplotlib", reason="matplotlib is not installed")
Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def pixels(payload=None):
    return io.Event([0, 3, 2, 1], [0, 2, 1, 1], [0, 1, 0, 1], [0.0, 3.0, 6.0, 9.0], payload)


def ids(payload=None):
    return io.Event([0, 3, 2, 1], None, [0, 0, 0, 0], [0.0, 3.0, 6.0, 9.0], payload)


@pytest.mark.parametrize("event", [pixels(), ids(), ids([1.0, -2, 3, 0.5]), pixels([1, 2, 3, 4])])
def test_a_raster_has_a_mark_for_each_event_and_units_on_its_axis(event, tmp_path):
    figure = io.raster(event, title="a title")
    axes = figure.axes[0]
    marks = np.concatenate([c.get_offsets() for c in axes.collections])
    row = event.x if event.y is None else event.y * 4 + event.x
    expected = np.stack([event.t, row], axis=1)
    assert sorted(map(tuple, marks.tolist())) == sorted(map(tuple, expected.tolist()))
    assert axes.get_xlabel() == "time (ms)"
    figure.savefig(tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as picture:
        assert picture.convert("RGB").getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("shape", [(4, 9), (1, 4, 9), (2, 3, 4, 9)])
def test_tensors_are_drawn_too(shape):
    tensor = np.zeros(shape)
    tensor[..., 1, 5] = 1
    axes = io.raster(tensor, sampling_time=2).axes[0]
    times = np.concatenate([c.get_offsets()[:, 0] for c in axes.collections])
    assert set(times.tolist()) == {10.0}


def test_a_raster_is_drawn_on_given_axes():
    figure = io.raster(ids())
    axes = figure.add_subplot()
    assert io.raster(ids(), axes=axes) is figure
    assert len(axes.collections) == 1


def test_a_raster_of_nothing_is_empty_axes():
    assert len(io.raster(io.Event([], None, [], [])).axes) == 1


@pytest.mark.parametrize("event", [pixels(), ids(), ids([1.0, -2, 3, 4]), io.Event([], [], [], [])])
def test_an_animation_becomes_a_gif(event, tmp_path):
    path = tmp_path / "a.gif"
    frames = io.animate(event, path, window_ms=3.0, frame_rate=10)
    assert len({frame.shape for frame in frames}) == 1 and frames[0].dtype == np.uint8
    with Image.open(path) as picture:
        assert picture.n_frames == len(frames)
        assert picture.info.get("loop", 0) == 0
        assert picture.size == frames[0].shape[1::-1]
        if len(event):
            assert picture.info["duration"] == 100


def test_pixels_show_in_the_frame_of_their_event_and_fade():
    from jslayer.io.frames import blend, pixel_light

    light = pixel_light(pixels(), np.array([0.0, 3.0, 6.0, 9.0]))
    assert light.shape == (2, 3, 3, 4)
    assert light[0, 0, 0, 0] == 1 and 0 < light[0, 1, 0, 0] < 1  # OFF at 0 ms
    assert light[1, 0, 2, 3] == 0 and light[1, 1, 2, 3] == 1  # ON at 3 ms
    assert light[1, 2, 1, 1] == 1  # the last event lies on the last edge
    picture = blend(light[:, 0], [io.style.OFF, io.style.ON])
    np.testing.assert_allclose(picture[0, 0], [0, 0x72 / 255, 0xB2 / 255], rtol=1e-6)
    np.testing.assert_array_equal(picture[2, 3], 1)


def test_bad_pictures_are_refused(tmp_path):
    path = tmp_path / "a.gif"
    path.write_bytes(b"precious")
    good = np.zeros((2, 4, 4, 3), np.uint8)
    with pytest.raises(ValueError, match="`frames` has 0 frames"):
        io.save_gif([], path)
    with pytest.raises(ValueError, match="wrong shape"):
        io.save_gif([good[0], good[1, :2]], path)
    with pytest.raises(TypeError, match="`frames` has dtype float64"):
        io.save_gif(good * 0.5, path)
    with pytest.raises(ValueError, match="`frame_rate` is 0"):
        io.save_gif(good, path, frame_rate=0)
    with pytest.raises(ValueError, match=r"`window_ms` is 0\.001.*at most 2000"):
        io.animate(ids(), window_ms=0.001)
    with pytest.raises(ValueError, match="`tensor` has shape"):
        io.raster(np.zeros(3))
    assert path.read_bytes() == b"precious"


def test_drawing_libraries_load_only_when_drawing_and_their_absence_is_explained():
    code = """
import sys
sys.modules["matplotlib"] = sys.modules["PIL"] = None
from jslayer import io, datasets
for draw in (lambda: io.raster([[1]]), lambda: io.save_gif([[[[0, 0, 0]]]], "a.gif")):
    try:
        draw()
    except ImportError as error:
        assert 'pip install "jslayer[viz]"' in str(error), error
    else:
        raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=io.__path__[0] + "/../..")
