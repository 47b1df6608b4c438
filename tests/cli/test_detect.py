"""The command ``detect``: what it writes, how it goes on, and how it fails."""

import json
import shutil

import chex
import jax
import numpy as np
import pytest

from jslayer import obd
from jslayer.cli import detect, detect_data
from jslayer.cli.main import main

WRITTEN = {
    *("network.net", "checkpoint.msgpack", "stats.json", "learning.png", "rates.png"),
    *("detections.gif", "cost.txt"),
}
SHORT = ["--frames", "3", "--clips", "2", "--seq-len", "2", "--size", "32x48", "--tested", "2"]

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Few and small clips, a small network, a checkpoint at every step."""

    def model(options, classes, *, learn):
        threshold = options.threshold if learn else 0.1
        more = {"threshold": threshold, "learn_threshold": learn}
        return obd.models.street_yolo(classes, channels=(4, 4, 4, 4, 4, 4), **more)

    monkeypatch.setattr(detect, "model", model)
    monkeypatch.setattr(detect, "SAVE_EVERY", 1)
    for name, number in (("FRAMES", 16), ("CLIPS", 8)):
        monkeypatch.setattr(detect, name, number)
    with jax.numpy_dtype_promotion("standard"):  # Adam multiplies floats with its step count
        yield


def train(out, *more):
    return main(["detect", "train", *SHORT, "--out", str(out), *more])


def test_training_writes_all_and_goes_on_bit_for_bit(tmp_path, monkeypatch, capsys):
    save = detect.utils.save_checkpoint
    (tmp_path / "cut").mkdir()

    def save_twice(path, tree):
        save(path, tree)
        if json.loads(tree["place"]) == [1, 1]:  # one step before the end
            save(tmp_path / "cut" / path.name, tree)

    monkeypatch.setattr(detect.utils, "save_checkpoint", save_twice)
    assert train(tmp_path / "whole") == 0
    monkeypatch.setattr(detect.utils, "save_checkpoint", save)
    assert {path.name for path in (tmp_path / "whole").iterdir()} == WRITTEN
    stats = json.loads((tmp_path / "whole" / "stats.json").read_text())
    assert [entry["phase"] for entry in stats["log"]] == ["frames", "clips"]
    assert set(stats["operations"]) == {"dense", "nonzero", "first", "steady"}

    assert train(tmp_path / "cut", "--resume") == 0
    assert "going on from" in capsys.readouterr().out
    assert train(tmp_path / "cut", "--resume", "--threshold", "0.3") == 2
    assert "`--threshold` is 0.3" in capsys.readouterr().err
    one, two = (obd.load_detector(tmp_path / k / "network.net")[1] for k in ("whole", "cut"))
    chex.assert_trees_all_equal(two, one)

    (tmp_path / "bare").mkdir()
    shutil.copy(tmp_path / "whole" / detect.CHECKPOINT, tmp_path / "bare")
    with monkeypatch.context() as patch:
        patch.setattr(detect, "drawing_lacks", lambda: "Plots need matplotlib.")
        patch.setattr(detect, "_can_judge", lambda: False)
        assert train(tmp_path / "bare", "--resume") == 0
    printed = capsys.readouterr()
    assert "no pictures will be drawn" in printed.err and "will not be judged" in printed.err
    left = {"network.net", detect.CHECKPOINT, "stats.json"}
    assert {path.name for path in (tmp_path / "bare").iterdir()} == left
    assert "wrote" in printed.out and "cost.txt" not in printed.out

    file = str(tmp_path / "whole" / "network.net")
    short = ["--size", "32x48", "--tested", "1", "--seq-len", "2"]
    assert main(["detect", "evaluate", file, *short]) == 0
    assert main(["detect", "evaluate", file, *short, "--hardware"]) == 0
    frames = np.random.default_rng(0).integers(0, 256, (3, 32, 48, 3), np.uint8)
    videos = [(frames[:, :, :, k : k + 1],) for k in range(3)]
    monkeypatch.setattr(obd.dataset, "VideoFiles", lambda *args, **options: videos)
    target = tmp_path / "out.gif"
    assert main(["detect", "video", file, "in.mp4", str(target), "--size", "32x48"]) == 0
    assert target.stat().st_size > 100


def test_anchors_are_printed_as_json(capsys):
    assert main(["detect", "anchors", "--size", "32x48", "--per-scale", "2"]) == 0
    assert np.shape(json.loads(capsys.readouterr().out)) == (1, 2, 2)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--data", "voc"], "`--root` is missing"),
        (["--resume"], "finds no checkpoint"),
        (["--frames", "-1"], "`--frames` is -1"),
        (["--frames", "0", "--clips", "0"], "expected a step"),
        (["--data", "yolo", "--root", "/nowhere"], "/nowhere"),
    ],
)
def test_wrong_options_end_with_a_sentence(more, sentence, tmp_path, capsys):
    assert train(tmp_path / "out", *more) == 2
    assert sentence in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_every_model_can_be_named():
    for name in detect_data.MODELS:
        options = detect.argparse.Namespace(model=name, threshold=0.2, width=1 / 16)
        assert detect_data.model(options, ("a", "b"), learn=True).classes == ("a", "b")
