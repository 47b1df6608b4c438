"""PilotNet, from a small recording that the tests make; and plots of drives."""

import numpy as np
import pytest

from jslayer.datasets import Loader, PilotNet, SyntheticRoad, drive_plot

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")


def record(folder, count=40, *, dated=False):
    """Frames of one colour each, 20 x 30, with a blue band above row 8."""
    frames = folder / "data" if dated else folder
    frames.mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(count):
        picture = np.zeros((20, 30, 3), np.uint8)
        picture[..., 0] = 5 * number
        picture[:8, :, 2] = 255
        Image.fromarray(picture).save(frames / f"{number}.jpg", quality=100, subsampling=0)
        angle = 0.0 if number in (0, 7, 39) else number - 10.0
        lines.append(f"{number}.jpg {angle:.6f}" + (",2018-07-01 17:09:44:912" if dated else ""))
    (folder / "data.txt").write_text("\n".join(lines) + "\n\n")
    return folder


@pytest.mark.parametrize("dated", [False, True])
def test_frames_and_angles_belong_together(tmp_path, dated):
    dataset = PilotNet(record(tmp_path, dated=dated), sequence=4, size=(10, 15), visualize=True)
    assert len(dataset) == 10 and dataset.first.tolist() == list(range(0, 40, 4))
    x, angle = dataset[2]
    assert x.shape == (3, 10, 15, 4) and x.dtype == angle.dtype == np.float32
    np.testing.assert_allclose(x[0, 7].mean(axis=0) * 255, 5 * np.arange(8, 12), atol=3)
    assert x[2, :3].min() > 0.95 and x[2, 6:].max() < 0.05
    np.testing.assert_allclose(angle, np.radians(np.arange(8, 12) - 10.0), rtol=1e-6)


def test_lone_zeros_are_mended_and_those_at_the_ends_are_not(tmp_path):
    record(tmp_path)
    mended = np.degrees(PilotNet(tmp_path, sequence=4).angles)
    np.testing.assert_allclose(mended[[0, 7, 10, 39]], [0, -3, 0, 0], atol=1e-12)
    plain = np.degrees(PilotNet(tmp_path, sequence=4, mend_zeros=False).angles)
    np.testing.assert_allclose(plain[[6, 7, 8]], [-4, 0, -2], atol=1e-12)


def test_the_split_is_that_of_the_tutorial_and_covers_all(tmp_path):
    record(tmp_path)
    train, test = (PilotNet(tmp_path, part, sequence=4).first // 4 for part in (True, False))
    assert train.tolist() == [8, 1, 5, 0, 7, 2, 9, 4] and test.tolist() == [3, 6]


def test_rows_can_be_cut_off(tmp_path):
    record(tmp_path)
    x, _ = PilotNet(tmp_path, sequence=4, size=(6, 15), crop=(-12, None), visualize=True)[0]
    assert x.shape == (3, 6, 15, 4) and x[2].max() < 0.05
    with pytest.raises(ValueError, match=r"`crop` is \(12, 3\), which leaves nothing of 20 rows"):
        PilotNet(tmp_path, sequence=4, crop=(12, 3))[0]


def test_the_loader_takes_it(tmp_path):
    dataset = PilotNet(record(tmp_path), sequence=4, size=(4, 6))
    x, angle = next(iter(Loader(dataset, 3, workers=2)))
    assert x.shape == (3, 3, 4, 6, 4) and angle.shape == (3, 4)


def test_the_root_may_come_from_the_environment(tmp_path, monkeypatch):
    record(tmp_path / "driving_dataset")
    monkeypatch.setenv("JSLAYER_DATA", str(tmp_path))
    assert len(PilotNet(sequence=4)) == 8


def test_what_is_missing_or_wrong_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"holds no data\.txt"):
        PilotNet(tmp_path)
    record(tmp_path)
    with pytest.raises(ValueError, match="`sequence` is 41 for 40 frames"):
        PilotNet(tmp_path, sequence=41)
    with pytest.raises(ValueError, match="with 2 sequences, expected at least 5"):
        PilotNet(tmp_path, False, sequence=20)
    (tmp_path / "3.jpg").unlink()
    with pytest.raises(FileNotFoundError, match=r"`root` lacks .*3\.jpg, which the data set names"):
        PilotNet(tmp_path, sequence=4, visualize=True)[0]
    for line in ("3.jpg", "3.jpg left", "../3.jpg 1.0", "3.jpg 1e999", "3.jpg 1e30", "3.jpg nan"):
        (tmp_path / "data.txt").write_text(f"1.jpg 2.0\n{line}\n")
        with pytest.raises(ValueError, match=r"line 2 .*expected 'N\.jpg angle'"):
            PilotNet(tmp_path)


def test_hostile_lists_and_pictures_are_named(tmp_path):
    record(tmp_path)
    dataset = PilotNet(tmp_path, sequence=4, visualize=True)
    whole = (tmp_path / "3.jpg").read_bytes()
    for content in (b"", b"\0" * 100, whole[: len(whole) // 2], b"%!PS-Adobe-3.0 EPSF-3.0\n"):
        (tmp_path / "3.jpg").write_bytes(content)
        with pytest.raises(ValueError, match=r"3\.jpg, which is no picture or a broken one"):
            dataset[0]
    picture = Image.new("1", (9000, 9000))
    picture.save(tmp_path / "3.jpg", format="PNG")  # 10 kB
    with pytest.raises(ValueError, match=r"3\.jpg, .*9000 x 9000 pixels"):
        dataset[0]
    (tmp_path / "data.txt").write_bytes(b"1.jpg \xff\n")
    with pytest.raises(ValueError, match=r"data\.txt, which is no text"):
        PilotNet(tmp_path)
    (tmp_path / "data.txt").write_text("\x1b[31m" * 10**5)
    with pytest.raises(ValueError, match=r"line 1 '.x1b") as caught:
        PilotNet(tmp_path)
    assert len(str(caught.value)) < 500 and str(caught.value).isprintable()


def test_a_drive_is_drawn(tmp_path):
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    x, angle = SyntheticRoad(1)[0]
    figure = drive_plot(x, angle, angle + 0.1, count=3, title="a drive")
    assert [axes.get_title() for axes in figure.axes[:3]] == ["frame 0", "frame 8", "frame 15"]
    lines = figure.axes[3].lines
    np.testing.assert_array_equal(lines[0].get_ydata(), angle)
    assert len(lines) == 2 and figure.axes[3].get_ylabel() == "steering angle (rad)"
    figure.savefig(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"`x` and `predicted` have shapes .* and \(3,\)"):
        drive_plot(x, angle, angle[:3])
    with pytest.raises(ValueError, match="`x` and `angle` have shapes"):
        drive_plot(x[None], angle)
