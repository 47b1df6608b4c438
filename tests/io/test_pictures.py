"""Rasters and animations; their looks are judged by eye, their content here."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pytest

from jslayer import io, obd

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


def test_off_and_on_at_once_have_a_colour_of_their_own():
    from jslayer.io.frames import blend, pixel_light

    event = io.Event([0, 0, 1], [0, 0, 0], [0, 1, 1], [1.0, 1.0, 1.0])
    light = pixel_light(event, np.array([0.0, 2.0, 4.0]))
    picture = blend(light[:, 0], [io.style.OFF, io.style.ON])
    np.testing.assert_allclose(picture[0, 0], [0x33 / 255] * 3, rtol=1e-6)
    np.testing.assert_allclose(picture[0, 1], [0xD5 / 255, 0x5E / 255, 0], rtol=1e-6)
    axes = io.raster(event).axes[0]
    named = [text.get_text() for text in axes.get_legend().get_texts()]
    assert named == ["OFF", "ON", "both"]
    assert [len(marks.get_offsets()) for marks in axes.collections] == [0, 1, 2]


def test_an_animation_shows_events_side_by_side_with_names():
    output = np.zeros((3, 10))
    output[1, 4] = 1
    parts = {"input": pixels(), "output": output}
    frames = io.animate(parts, window_ms=3.0, title="a", names=("left", "right", "up"))
    alone = io.animate(pixels(), window_ms=3.0)
    assert frames[0].shape[1] > alone[0].shape[1] and len(frames) == len(alone)
    assert (frames[0] != frames[1]).any()
    with pytest.raises(ValueError, match="`events` is an empty mapping"):
        io.animate({})
    axes = io.raster(output, names=("left", "right", "up")).axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["left", "right", "up"]


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
    with pytest.raises(ValueError, match=r"suffix '.avi', expected one of .gif, .mp4, .html"):
        io.animate(ids(), tmp_path / "a.avi")
    with pytest.raises(ValueError, match="`events` are 1-d, expected 2-d"):
        io.frame_plot(ids())
    with pytest.raises(ValueError, match="`events` are 1-d, expected 2-d"):
        io.surface_plot(ids())
    with pytest.raises(ValueError, match="`event` is 1-d, expected 2-d"):
        io.time_surface(ids())
    with pytest.raises(ValueError, match=r"`dim` is \(3, 4\), expected \(C, H, W\)"):
        io.event_frame(pixels(), dim=(3, 4))
    with pytest.raises(ValueError, match="`decay_ms` is 0"):
        io.time_surface(pixels(), decay_ms=0)
    assert path.read_bytes() == b"precious"


def test_a_frame_counts_the_events_of_a_window():
    event = pixels()
    frame = io.event_frame(event, 3.0, 9.0)
    assert frame.shape == (2, 3, 4) and frame.sum() == 2
    assert frame[1, 2, 3] == 1 and frame[0, 1, 2] == 1
    assert io.event_frame(pixels([1.0, 2.0, 3.0, 4.0])).sum() == 10
    np.testing.assert_array_equal(
        io.event_frame(event, dim=(2, 2, 2)), io.event_frame(event)[:, :2, :2]
    )


def test_a_surface_decays_with_the_age_of_the_last_event():
    event = io.Event([0, 0, 1], [0, 0, 0], [0, 0, 0], [10.0, 4.0, 2.0])
    surface = io.time_surface(event, 9.0, decay_ms=5.0, dim=(1, 1, 3))
    np.testing.assert_allclose(surface[0, 0], [np.exp(-1), np.exp(-7 / 5), 0], rtol=1e-12)
    assert io.time_surface(event)[0, 0, 0] == 1
    assert not io.time_surface(event, 1.0).any()
    assert io.time_surface(io.Event([], [], [], [])).shape == (1, 1, 1)


@pytest.mark.parametrize("events", [pixels(), io.Event([], [], [], []), np.ones((1, 3, 4, 9))])
def test_windows_and_surfaces_are_drawn(events, tmp_path):
    windows = io.frame_plot(events, count=3, title="a title")
    assert windows.axes[0].get_title().startswith("0 to ")
    assert len(windows.axes) == 3
    surface = io.surface_plot(events, decay_ms=5.0)
    assert len(surface.axes) == 1
    for figure in (windows, surface):
        figure.savefig(tmp_path / "a.png")


def test_no_event_is_missing_from_the_windows():
    counts = [axes.images[0].get_array() for axes in io.frame_plot(pixels(), count=4).axes]
    assert sum(int((picture < 1).any(axis=-1).sum()) for picture in counts) == 4


def test_a_player_is_one_page_without_anything_from_elsewhere(tmp_path):
    frames = io.animate(pixels(), tmp_path / "a.html", window_ms=3.0, title='<"&')
    page = (tmp_path / "a.html").read_text("utf-8")
    assert page.count("iVBOR") == len(frames)  # how a PNG begins in base 64
    assert '<"&' not in page and "&lt;&quot;&amp;" in page
    assert not re.search(r"https?://|src=\"(?!data:)", page)
    assert "@" not in re.sub(r"\[.*\]", "", page)
    player = io.Player(frames, frame_rate=5)
    first, second = player._repr_html_(), player.html()
    assert "setInterval(step, 200)" in first
    name = re.compile('id="(jslayer-[0-9a-f]+)"')
    assert name.search(first)[1] != name.search(second)[1]  # shown twice on a page
    assert len(page) < 20_000 * len(frames)


def test_the_players_script_is_valid():
    node = shutil.which("node")
    if node is None:
        pytest.skip("the program node is not installed")
    page = io.Player(np.zeros((2, 4, 4, 3), np.uint8)).html()
    script = page.split("<script>")[1].split("</script>")[0]
    subprocess.run([node, "--check", "-"], input=script, text=True, check=True)


def test_an_animation_becomes_an_mp4(tmp_path):
    if shutil.which("ffmpeg") is None:
        pytest.importorskip("imageio_ffmpeg", reason="no program ffmpeg, and no imageio-ffmpeg")
    path = tmp_path / "a.mp4"
    io.animate(pixels(), path, window_ms=3.0)
    assert path.read_bytes()[4:8] == b"ftyp"
    io.save_mp4(np.full((3, 33, 21, 3), 200, np.uint8), path)
    assert path.read_bytes()[4:8] == b"ftyp"
    read = io.read_video(path, (33, 21), most=2)
    assert read.shape == (2, 33, 21, 3) and abs(read.astype(int) - 200).max() < 8


def test_the_absence_of_ffmpeg_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(FileNotFoundError, match=r"^Writing MP4 needs the program ffmpeg.*\.gif or"):
        io.save_mp4(np.zeros((3, 4, 4, 3), np.uint8), tmp_path / "a.mp4")
    (tmp_path / "a.mp4").write_bytes(b"video")
    sentence = r"^Reading .*a\.mp4 needs the program ffmpeg, which .* or unpack its frames to files"
    for read in (lambda path: io.read_video(path, (4, 4)), obd.dataset.VideoFiles):
        with pytest.raises(FileNotFoundError, match=sentence):
            read(tmp_path / "a.mp4")


def test_a_failure_of_ffmpeg_is_told(tmp_path, monkeypatch):
    fake = tmp_path / "ffmpeg"
    fake.write_text("#!/bin/sh\necho no such encoder >&2\nexit 1\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(RuntimeError, match="ffmpeg says 'no such encoder'"):
        io.save_mp4(np.zeros((3, 4, 4, 3), np.uint8), tmp_path / "a.mp4")
    assert not (tmp_path / "a.mp4").exists()


def test_drawing_libraries_load_only_when_drawing_and_their_absence_is_explained():
    code = """
import sys
sys.modules["matplotlib"] = sys.modules["PIL"] = None
from jslayer import io, datasets
for draw in (lambda: io.raster([[1]]), lambda: io.save_gif([[[[0, 0, 0]]]], "a.gif")):
    try:
        draw()
    except ImportError as error:
        assert "pip install matplotlib pillow" in str(error), error
    else:
        raise SystemExit("no error")
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=io.__path__[0] + "/../..")
