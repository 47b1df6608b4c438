"""Pictures of boxes and films of them: what is drawn where, and what is left alone."""

import numpy as np
import pytest

from jslayer.obd import bbox, detection_frames, draw, draw_boxes, save_video

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
CLASSES = ("car", "bus", "person")
UTILS = bbox.utils


def test_a_frame_becomes_a_picture():
    frame = np.zeros((3, 2, 4))
    frame[0, 1, 2] = 1
    picture = draw.to_picture(frame, enlarge=3)
    assert picture.shape == (6, 12, 3) and picture[3:, 6:9, 0].min() == 255
    assert picture.sum() == 9 * 255
    np.testing.assert_array_equal(
        draw.to_picture((frame * 255).astype(np.uint8), enlarge=3), picture
    )
    with pytest.raises(ValueError, match=r"`frame` has shape \(4, 2, 4\)"):
        draw.to_picture(np.zeros((4, 2, 4)))


def test_events_are_red_and_blue():
    events = np.zeros((2, 1, 3))
    events[0, 0, :2], events[1, 0, 1:] = 1, 1
    pixels = np.asarray(UTILS.render_events_img(events))[0].tolist()
    assert pixels == [[255, 0, 0], [255, 0, 0], [0, 0, 255]]


def test_boxes_are_drawn_enlarged_in_the_colour_of_their_class():
    frame = np.full((3, 48, 80), 0.5)
    rows = [[0.5, 0.5, 0.5, 0.5, 0.9, 2], [0.2, 0.2, 0.1, 0.1, 0.8, 0], [0.5, 0.5, 3, 3, 0.7, 1]]
    picture = draw_boxes(frame, rows, classes=CLASSES, kind=[1, 0, 1])
    assert picture.shape == (192, 320, 3)
    colours = {tuple(colour) for colour in picture.reshape(-1, 3).tolist()}
    assert draw.class_colour(2) in colours and draw.class_colour(0) not in colours
    assert picture[96, 80].tolist() == list(draw.class_colour(2))  # the left edge
    grey = draw_boxes(frame, rows[:1], classes=CLASSES, kind=[-1])
    assert grey[96, 80].tolist() == [150, 150, 150]
    assert draw.class_colour(14) == draw.class_colour(2)
    nothing = draw_boxes(frame, np.zeros((0, 6)), classes=CLASSES)
    np.testing.assert_array_equal(nothing, draw.to_picture(frame, enlarge=4))
    broken = draw_boxes(frame, [[np.nan] * 6], classes=CLASSES)
    np.testing.assert_array_equal(broken, nothing)


def entry(left, top, right, bottom, **more):
    edges = dict(zip(("xmin", "ymin", "xmax", "ymax"), (left, top, right, bottom), strict=True))
    return {"id": 1, "name": "bus", "bndbox": edges, **more}


def test_marking_leaves_the_picture_alone_and_takes_boxes_that_leave_it():
    picture = Image.new("RGB", (60, 40), (9, 9, 9))
    objects = [entry(10, 10, 50, 30), entry(-20, -5, 5, 5), entry(70, 50, 90, 60)]
    marked = UTILS.mark_bounding_boxes(picture, objects, thickness=2)
    assert picture.getextrema() == ((9, 9),) * 3
    pixels = np.asarray(marked)
    assert pixels[29, 30].tolist() == pixels[0, 3].tolist() == [0, 255, 0]
    array = np.full((3, 40, 60), 9 / 255)
    np.testing.assert_array_equal(UTILS.mark_bounding_boxes(array, objects, thickness=2), pixels)
    colours = [(1, 2, 3), (200, 10, 30)]
    mapped = np.asarray(UTILS.mark_bounding_boxes(array, objects, colours, thickness=4))
    assert mapped[29, 30].tolist() == [200, 10, 30]
    thin = np.asarray(
        UTILS.mark_bounding_boxes(array, [entry(10, 10, 50, 30, confidence=0.2)], thickness=4)
    )
    assert (thin[:, 30] == [0, 255, 0]).all(-1).sum() < (mapped[:, 30] == colours[1]).all(-1).sum()


def film(channels=3):
    inputs = np.zeros((2, channels, 24, 40, 3), np.float32)
    truth = [[np.float32([[0.5, 0.5, 0.5, 0.5, 1, 0]])] * 2 for _ in range(3)]
    found = [[np.zeros((0, 6), np.float32)] * 2 for _ in range(3)]
    return inputs, truth, found


def test_frames_show_predictions_left_and_objects_right():
    for channels, function in ((3, UTILS.create_frames), (2, UTILS.create_frames_events)):
        frames = function(*film(channels), CLASSES, 1, [(1, 2, 3)] * 3)
        assert len(frames) == 3 and frames[0].size == (80, 24)
        right = np.asarray(frames[0])[:, 40:]
        assert (right == [1, 2, 3]).all(-1).any()
        assert not (np.asarray(frames[0])[:, :40] == [1, 2, 3]).all(-1).any()


@pytest.mark.parametrize("ending", [".gif", ".html"])
def test_a_film_is_written(tmp_path, ending):
    UTILS.create_video(*film(), tmp_path / f"film{ending}", CLASSES)
    assert (tmp_path / f"film{ending}").stat().st_size > 100


def test_a_film_without_an_ending_becomes_an_mp4(tmp_path):
    try:
        UTILS.create_video_events(*film(2), tmp_path / "film", CLASSES, frame_rate=5.0)
    except FileNotFoundError:
        pytest.skip("no program ffmpeg, and no imageio-ffmpeg")
    assert (tmp_path / "film.mp4").read_bytes()[4:8] == b"ftyp"


def test_detections_and_objects_stand_side_by_side(tmp_path):
    frames = np.zeros((3, 24, 40, 2), np.float32)
    rows = np.zeros((2, 4, 6), np.float32)
    rows[:, 0] = [0.5, 0.5, 0.4, 0.4, 0.9, 1]
    found = rows[..., 4] > 0
    alone = detection_frames(frames, rows, found, classes=CLASSES)
    both = detection_frames(
        frames, rows, found, classes=CLASSES, truth=rows, kind=found.astype(np.int8)
    )
    assert alone.shape == (2, 192, 320, 3) and both.shape == (2, 192 + 16, 644, 3)
    with pytest.raises(ValueError, match=r"`path` is '.avi', expected one of '.gif'"):
        save_video(both, tmp_path / "a.avi")
