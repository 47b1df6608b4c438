"""Loaders, each on small files that the test makes."""

import json

import numpy as np
import pytest

from jslayer import io
from jslayer.obd.dataset import BDD100K, VOC, CocoJson, Prophesee, VideoFiles, YoloTxt

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
SIZE = (12, 16)


def picture(path, level, height=24, width=64):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((height, width, 3), level, np.uint8)).save(path)


def bdd(root, frames=5, entries=None):
    for k in range(frames):
        picture(root / "images/track/val/a1" / f"a1-{k + 1:07d}.jpg", 40 * k)
    box = {"x1": 16, "y1": 6, "x2": 48, "y2": 18}
    known = {"id": "77", "category": "car", "attributes": {"crowd": False}, "box2d": box}
    crowd = known | {"id": "78", "category": "pedestrian", "attributes": {"crowd": True}}
    crowd["box2d"] = {"x1": -8, "y1": 0, "x2": 8, "y2": 6}
    listed = entries or [[known, crowd], [known], None, [], [known]]
    content = [
        {"name": f"a1-{k + 1:07d}.jpg", "frameIndex": k, "labels": entry}
        for k, entry in enumerate(listed)
    ]
    path = root / "labels/box_track_20/val/a1.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return BDD100K(root, train=False, size=SIZE, seq_len=3, most=4)


def test_bdd100k_is_cut_into_sequences_and_filled_up(tmp_path):
    data = bdd(tmp_path)
    x, rows, kind, track = data.batch(range(len(data)))
    assert x.shape == (2, 3, 12, 16, 3) and len(data.classes) == 11
    np.testing.assert_allclose(x[0, 0, 0, 0] * 255, [0, 40, 80], atol=2)
    np.testing.assert_allclose(x[1, 0, 0, 0] * 255, [120, 160, 160], atol=2)
    car, pedestrian = (data.classes.index(name) for name in ("car", "pedestrian"))
    np.testing.assert_allclose(rows[0, 0, 0], [0.5, 0.5, 0.5, 0.5, 1, car])
    # The crowd leaves the frame, and is cut there.
    np.testing.assert_allclose(rows[0, 0, 1], [0.0625, 0.125, 0.125, 0.25, 1, pedestrian])
    assert kind[0].tolist() == [[1, -1, 0, 0], [1, 0, 0, 0], [0] * 4]
    assert kind[1].tolist() == [[0] * 4, [1, 0, 0, 0], [-1, 0, 0, 0]]
    assert track[0, 0].tolist() == [0, 1, -1, -1] and track[1, 1, 0] == 0
    assert data.dropped == 0


def test_bad_boxes_are_counted_or_refused(tmp_path):
    boxes = [(5, 5, 5, 9), (5, 5, 9, float("nan")), (90, 5, 99, 9), (0, 0, 64, 24)]
    entries = [
        {"id": k, "category": "bus", "box2d": dict(zip(("x1", "y1", "x2", "y2"), b, strict=True))}
        for k, b in enumerate(boxes)
    ]
    data = bdd(tmp_path, entries=[entries])
    assert (data[0][2][0] != 0).sum() == 1 and data.dropped == 3
    data[0]
    assert data.dropped == 3  # counted once
    data.strict = True
    with pytest.raises(ValueError, match=r"the box .* expected an area within the frame"):
        data[0]


def test_broken_files_and_unknown_classes_are_named(tmp_path):
    box = {"x1": 0, "y1": 0, "x2": 9, "y2": 9}
    with pytest.raises(
        ValueError, match=r"lacks 'tram', which .*a1.json has, expected names among"
    ):
        bdd(tmp_path, entries=[[{"id": 1, "category": "tram", "box2d": box}]])[0]
    with pytest.raises(ValueError, match="expected x1, y1, x2 and y2"):
        bdd(tmp_path, entries=[[{"id": 1, "category": "car", "box2d": {"x1": 0}}]])[0]
    labels = tmp_path / "labels/box_track_20/val/a1.json"
    labels.write_text("[{")
    data = BDD100K(tmp_path, train=False, size=SIZE)
    with pytest.raises(ValueError, match=r"a1.json, which is no JSON"):
        data[0]
    labels.unlink()
    with pytest.raises(FileNotFoundError, match="a list of the video's frames"):
        BDD100K(tmp_path, train=False, size=SIZE)[0]
    with pytest.raises(FileNotFoundError, match="without videos"):
        BDD100K(tmp_path, train=True)
    (tmp_path / "images/track/val/a1/a1-0000001.jpg").write_bytes(b"no picture")
    bdd_data = BDD100K(tmp_path, train=False, size=SIZE)
    with pytest.raises(ValueError, match="which is no picture"):
        bdd_data[0]


def coco(root, **changes):
    for name in ("b.png", "a.png", "c.png"):
        picture(root / "images" / name, 100)
    content = {
        "images": [
            {"id": 9, "file_name": "b.png", "video_id": 1, "frame_id": 1},
            {"id": 4, "file_name": "a.png", "video_id": 1, "frame_id": 0},
            {"id": 5, "file_name": "c.png"},
        ],
        "annotations": [
            {"id": 1, "image_id": 9, "category_id": 90, "bbox": [0, 0, 32, 12], "track_id": 3},
            {"id": 2, "image_id": 4, "category_id": 7, "bbox": [32, 12, 32, 12], "iscrowd": 1},
        ],
        "categories": [{"id": 90, "name": "toothbrush"}, {"id": 7, "name": "train"}],
    }
    (root / "annotations.json").write_text(json.dumps(content | changes))
    return CocoJson(root, size=SIZE, seq_len=2, most=2)


def test_coco_has_categories_with_gaps_videos_and_stills(tmp_path):
    data = coco(tmp_path)
    assert data.classes == ("train", "toothbrush") and len(data) == 2
    _, rows, kind, track = data[0]
    np.testing.assert_allclose(
        rows[:, 0], [[0.75, 0.75, 0.5, 0.5, 1, 0], [0.25, 0.25, 0.5, 0.5, 1, 1]]
    )
    assert kind.tolist() == [[-1, 0], [1, 0]] and track[1, 0] == 3
    x, _, kind, _ = data[1]  # a still, held for two steps
    np.testing.assert_array_equal(x[..., 0], x[..., 1])
    assert not kind.any()


def test_coco_stays_below_its_folder_and_knows_its_ids(tmp_path):
    outside = [{"id": 1, "file_name": "../../secret.png"}]
    with pytest.raises(ValueError, match="expected names of files below"):
        coco(tmp_path, images=outside, annotations=[])
    with pytest.raises(ValueError, match="annotation 1 of image 9 and category 1"):
        wrong = [{"id": 1, "image_id": 9, "category_id": 1, "bbox": [0, 0, 1, 1]}]
        coco(tmp_path, annotations=wrong)
    (tmp_path / "annotations.json").write_text("{}")
    with pytest.raises(ValueError, match="without images, annotations, categories"):
        CocoJson(tmp_path)


@pytest.mark.parametrize(
    "names",
    [
        "names: [car, 'a bus']\n",
        "train: x\nnames:\n  - car\n  - a bus\n",
        "names: {0: car, 1: a bus}",
    ],
)
def test_yolo_reads_text_beside_pictures(tmp_path, names):
    picture(tmp_path / "images/train/a.jpg", 10)
    picture(tmp_path / "images/train/b.jpg", 20)
    (tmp_path / "labels/train").mkdir(parents=True)
    (tmp_path / "labels/train/a.txt").write_text("1 0.5 0.5 0.25 0.5\n\n0 0.25 0.5 0.5 1.0 0.9\n")
    (tmp_path / "data.yaml").write_text(names)
    data = YoloTxt(tmp_path, "train", size=SIZE, most=3)
    assert data.classes == ("car", "a bus") and len(data) == 2
    _, rows, kind, _ = data.batch([0, 1])
    np.testing.assert_allclose(
        rows[0, 0, :2, :6], [[0.25, 0.5, 0.5, 1, 1, 0], [0.5, 0.5, 0.25, 0.5, 1, 1]]
    )
    assert kind[:, 0].tolist() == [[1, 1, 0], [0, 0, 0]]  # no file: nothing there
    video = YoloTxt(tmp_path, "train", size=SIZE, seq_len=2, video=True)
    assert len(video) == 1 and video[0][2][:, 0].tolist() == [1, 0]
    (tmp_path / "labels/train/b.txt").write_text("2 0.5 0.5 0.1 0.1")
    with pytest.raises(ValueError, match="class 2 in line 1, expected 0 to 1"):
        data.labels_of(1)
    for line in ("0 0.5 0.5", "nan 0.5 0.5 0.1 0.1", "inf 0.5 0.5 0.1 0.1", "0 0.5 1e999 0.1 0.1"):
        (tmp_path / "labels/train/b.txt").write_text(line)
        with pytest.raises(ValueError, match=f"line 1 '{line}', expected 'class x y width height'"):
            data.labels_of(1)


VOC_FILE = """<annotation><object><name>dog</name><difficult>{}</difficult><bndbox><xmin>1</xmin>
<ymin>1</ymin><xmax>32</xmax><ymax>12</ymax></bndbox></object></annotation>"""


def test_voc_counts_pixels_from_one_and_refuses_entities(tmp_path):
    picture(tmp_path / "JPEGImages/k.jpg", 10)
    path = tmp_path / "Annotations/k.xml"
    path.parent.mkdir()
    path.write_text(VOC_FILE.format(0))
    sample = VOC(tmp_path, size=SIZE, most=2)[0]
    np.testing.assert_allclose(sample[1][0, 0], [0.25, 0.25, 0.5, 0.5, 1, 11])
    assert sample[2][0].tolist() == [1, 0]
    path.write_text(VOC_FILE.format(1))
    assert VOC(tmp_path, size=SIZE, most=2)[0][2][0].tolist() == [-1, 0]
    path.write_text('<!DOCTYPE a [<!ENTITY b "c">]>' + VOC_FILE.format(0))
    with pytest.raises(ValueError, match="with a document type, expected an annotation without"):
        VOC(tmp_path, size=SIZE)[0]
    path.write_text(VOC_FILE.format(0).replace("32", "1e999"))
    with pytest.raises(ValueError, match="with an object without a whole bndbox"):
        VOC(tmp_path, size=SIZE)[0]
    path.write_text("<annotation><object>")
    with pytest.raises(ValueError, match="which is no XML"):
        VOC(tmp_path, size=SIZE)[0]
    with pytest.raises(FileNotFoundError, match="`image_set` is 'val', but there is no"):
        VOC(tmp_path, "val")


def prophesee(root, boxes, last_us=2_000_000, **options):
    time = np.array([0, 510_000, 560_000, 560_001, last_us])
    event = io.Event([0, 0, 152, 303, 0], [0, 0, 120, 239, 0], [1, 1, 0, 1, 1], time / 1000)
    io.encode_dat(root / "r_td.dat", event, (240, 304))
    fields = [("ts", "<u8"), *((n, "<f4") for n in "xywh"), ("class_id", "u1"), ("track_id", "<u4")]
    np.save(root / "r_bbox.npy", np.array(boxes, fields))
    return Prophesee(root, step_ms=50, seq_len=4, most=3, size=(24, 38), **options)


def test_prophesee_puts_events_and_boxes_on_one_clock(tmp_path):
    boxes = [
        (100_000, 0, 0, 100, 100, 0, 1),  # before the first half second
        (590_000, 76, 60, 76, 60, 0, 7),
        (590_000, 0, 0, 12, 12, 1, 8),  # too small to be judged
        (620_000, 152, 120, 76, 60, 1, 9),
    ]
    data = prophesee(tmp_path, boxes, max_age_ms=60)
    x, rows, kind, track = data[0]
    assert len(data) == 7 and x.shape == (2, 24, 38, 4)
    # Steps end at 550, 600, 650 and 700 ms.
    assert sorted(map(tuple, np.argwhere(x))) == [(0, 0, 0, 0), (0, 23, 37, 1), (1, 12, 19, 1)]
    assert kind.tolist() == [[0] * 3, [1, -1, 0], [1, 0, 0], [-1, 0, 0]]  # at 700 ms 80 ms old
    np.testing.assert_allclose(rows[1, 0], [0.375, 0.375, 0.25, 0.25, 1, 0])
    assert track[:, 0].tolist() == [-1, 7, 9, 9]


def test_prophesee_drops_bad_boxes_and_refuses_broken_files(tmp_path):
    bad = (600_000, 400, 0, 50, 50, 0, 1)
    data = prophesee(tmp_path, [bad])
    assert not data[0][2].any() and data.dropped == 1
    with pytest.raises(ValueError, match=r"the box .* expected an area within the frame"):
        prophesee(tmp_path, [bad], strict=True)[0]
    with pytest.raises(ValueError, match="classes from 2 to 2, expected 0 to 1"):
        prophesee(tmp_path, [(600_000, 0, 0, 50, 50, 2, 1)])[0]
    with pytest.raises(ValueError, match="at most as long as a recording"):
        prophesee(tmp_path, [bad], last_us=600_000)
    np.save(tmp_path / "r_bbox.npy", np.array([{}], object), allow_pickle=True)
    with pytest.raises(ValueError, match="which cannot be read"):
        data[0]
    (tmp_path / "r_bbox.npy").unlink()
    with pytest.raises(FileNotFoundError, match=r"r_bbox.npy"):
        data[0]


def test_part_of_a_dat_file_is_that_part_of_the_whole(tmp_path):
    time = np.sort(np.random.default_rng(0).integers(0, 5000, 200)) / 1000
    whole = io.Event(np.arange(200), np.arange(200), np.arange(200) % 2, time)
    io.encode_dat(tmp_path / "e.dat", whole)
    part = io.read_dat(tmp_path / "e.dat", start_ms=1.0, stop_ms=2.5)
    there = (time >= 1.0) & (time < 2.5)
    np.testing.assert_array_equal(part.x, whole.x[there])
    np.testing.assert_array_equal(part.c, whole.c[there])
    assert len(io.read_dat(tmp_path / "e.dat", start_ms=9.0)) == 0


def test_plain_videos_are_read_as_frames(tmp_path):
    frames = np.zeros((5, 32, 48, 3), np.uint8)
    frames[3:] = 200
    try:
        io.save_mp4(frames, tmp_path / "v.mp4")
    except FileNotFoundError:
        pytest.skip("no program ffmpeg, and no imageio-ffmpeg")
    data = VideoFiles(tmp_path / "v.mp4", size=(16, 24), seq_len=4)
    x, rows, kind, _ = data.batch([0, 1])
    assert x.shape == (2, 3, 16, 24, 4) and rows.shape == (2, 4, 1, 6) and not kind.any()
    assert x[0, :, 8, 12, 0].max() < 0.1 < 0.6 < x[0, :, 8, 12, 3].min()
    (tmp_path / "no.mp4").write_bytes(b"no video")
    with pytest.raises(ValueError, match="which ffmpeg cannot read"):
        VideoFiles(tmp_path / "no.mp4")
