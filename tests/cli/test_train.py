"""The training command: what it writes, how it goes on, and how it fails."""

import dataclasses
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import types

import jax
import numpy as np
import optax
import pytest
from PIL import Image

from jslayer import datasets, hdf5, utils
from jslayer.block import Sequential, cuba
from jslayer.cli import train
from jslayer.cli.recipes import ABOUT, RECIPES, Recipe
from jslayer.io import style
from jslayer.loss import SpikeRate
from jslayer.neuron import Dropout
from jslayer.neuron.starting import STARTING

WRITTEN = {
    "network.net",
    "checkpoint.msgpack",
    "stats.json",
    "learning.png",
    "raster.png",
    "events.gif",
}
SHORT = {"size": 6, "num_steps": 24, "speed": (0.9, 1.2)}
NEURON = {
    "threshold": 1.0,
    "current_decay": 0.25,
    "voltage_decay": 0.03,
    "requires_grad": True,
    "dropout": Dropout(0.1),
}


NETWORK = Sequential([cuba.Flatten(), cuba.Dense(NEURON, 72, 8, weight_norm=True)])
ADAM = optax.adam(3e-3)


def tiny(root, seed, settings=None):
    """A recipe with all that a run has to carry on: dropout, Adam, test data."""
    del root, settings
    return Recipe(
        training=datasets.MovingBars(24, train=True, seed=seed, **SHORT),
        testing=datasets.MovingBars(8, train=False, seed=seed, **SHORT),
        network=NETWORK,
        loss=SpikeRate(true_rate=0.2, false_rate=0.03),
        count_correct=_right,
        target=lambda batch: batch[1],
        optimizer=ADAM,
        epochs=3,
        batch_size=8,
    )


def _right(y, label):
    return (y.mean(-1).argmax(1) == label).sum()


FINISH = train.finish
NOTHING = types.SimpleNamespace(variables={})
STEPS = {name: functools.cache(getattr(utils, name)) for name in ("train_step", "eval_step")}
"""Runs of one network share their compiled steps."""


def make_quick(patch):
    """Runs of the tiny recipe, with steps that are compiled once for all tests."""
    patch.setitem(RECIPES, "moving_bars", tiny)
    for name, make in STEPS.items():
        patch.setattr(utils, name, make)
    # Pictures take longer than the training, so that only the tests about them draw any.
    patch.setattr(train, "finish", lambda run: None)


@pytest.fixture(autouse=True)
def _tiny_recipes(monkeypatch):
    make_quick(monkeypatch)
    # Adam multiplies floats with its integer step count; draws of this kind compile much sooner.
    with jax.numpy_dtype_promotion("standard"), jax.default_prng_impl("rbg"):
        yield


@pytest.fixture
def pictures(monkeypatch):
    """Lets runs write pictures and network file; returns the figures that they draw."""
    figures, make = [], style.new_figure

    def new_figure(*arguments, **options):
        figures.append(make(*arguments, **options))
        return figures[-1]

    monkeypatch.setattr(train, "finish", FINISH)
    monkeypatch.setattr(style, "new_figure", new_figure)
    return figures


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the checkpoint of a run of two epochs with seed 5, to be copied."""
    folder = tmp_path_factory.mktemp("trained")
    with (
        pytest.MonkeyPatch.context() as patch,
        jax.numpy_dtype_promotion("standard"),
        jax.default_prng_impl("rbg"),
    ):
        make_quick(patch)
        assert run(folder, "--epochs", 2, "--seed", 5) == 0
    return folder


@pytest.fixture
def copied(trained, tmp_path):
    """A folder of this test's own with the files of ``trained``."""
    shutil.copytree(trained, tmp_path / "copy")
    return tmp_path / "copy"


def run(out, *more, data="moving_bars"):
    return train.main(["--data", data, "--out", str(out), *map(str, more)])


def same_bits(one, other):
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def prepared(out, *more):
    options = ["--data", "moving_bars", "--out", str(out), "--resume", *map(str, more)]
    return train.prepare(train.parser().parse_args(options))


@pytest.mark.slow
def test_a_run_writes_everything_and_says_so(tmp_path, pictures, capsys):
    assert run(tmp_path / "new" / "folder") == 0
    out = tmp_path / "new" / "folder"
    assert {file.name for file in out.iterdir()} == WRITTEN
    printed = capsys.readouterr()
    for name in WRITTEN:
        assert f"wrote {out / name}" in printed.out
    assert "epoch 3/3  Train loss" in printed.out
    for shown in ("epoch 3/3 [", "24/24", "loss ", "accuracy ", "samples/s"):
        assert shown in printed.err
    stats = json.loads((out / "stats.json").read_text())
    assert len(stats["training"]["loss_log"]) == len(stats["testing"]["accuracy_log"]) == 3
    with Image.open(out / "events.gif") as gif:
        assert gif.n_frames > 1
    for name in ("learning.png", "raster.png"):
        with Image.open(out / name) as picture:
            assert np.ptp(np.asarray(picture.convert("L"))) > 100


def test_two_runs_and_a_resumed_one_agree_bit_for_bit(tmp_path):
    assert run(tmp_path / "whole", "--epochs", 4) == 0
    assert run(tmp_path / "parts", "--epochs", 2) == 0
    assert run(tmp_path / "parts", "--epochs", 4, "--resume") == 0
    whole, parts = (prepared(tmp_path / name, "--epochs", 4) for name in ("whole", "parts"))
    assert int(whole.state.step) == 12
    same_bits(whole.state, parts.state)
    assert whole.stats.to_dict() == parts.stats.to_dict()
    texts = [(tmp_path / name / "stats.json").read_text() for name in ("whole", "parts")]
    assert texts[0] == texts[1]


def test_the_seed_changes_the_run(tmp_path, trained):
    assert run(tmp_path, "--epochs", 2, "--seed", 6) == 0
    assert (tmp_path / "stats.json").read_text() != (trained / "stats.json").read_text()


def test_epochs_may_be_grouped_without_any_change(tmp_path, monkeypatch, capsys):
    assert run(tmp_path / "single", "--epochs", 5) == 0
    grouped = lambda root, seed, _=None: dataclasses.replace(tiny(root, seed), log_every=2)
    monkeypatch.setitem(RECIPES, "moving_bars", grouped)
    capsys.readouterr()
    assert run(tmp_path / "grouped", "--epochs", 3) == 0
    assert run(tmp_path / "grouped", "--epochs", 5, "--resume") == 0
    shown = capsys.readouterr().err
    # Bars end where a line is printed: at even epochs and at the last one.
    assert [line.split()[1] for line in shown.splitlines()] == ["2/3", "3/3", "4/5", "5/5"]
    assert "48/48" in shown
    single, both = (prepared(tmp_path / name, "--epochs", 5) for name in ("single", "grouped"))
    same_bits(single.state, both.state)
    assert single.stats.training.loss_log == both.stats.training.loss_log
    assert both.stats.testing.loss_log[0] is None


def test_a_finished_run_can_be_resumed_to_write_its_results_again(copied, pictures, capsys):
    assert run(copied, "--epochs", 2, "--seed", 5, "--resume") == 0
    assert "after 2 epochs" in capsys.readouterr().out
    assert {file.name for file in copied.iterdir()} == WRITTEN


def test_a_forgotten_resume_loses_nothing(copied, capsys):
    before = (copied / train.CHECKPOINT).read_bytes()
    assert run(copied, "--epochs", 1) == 0
    assert (copied / train.PREVIOUS).read_bytes() == before
    assert train.PREVIOUS in capsys.readouterr().out


def test_a_kill_between_the_two_files_leaves_a_pair_that_agrees(copied, monkeypatch):
    def stop(self, path, **_):
        if self.epochs == 3:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(utils.LearningStats, "save", stop)
        assert run(copied, "--epochs", 4, "--seed", 5, "--resume") == 130
    assert len(json.loads((copied / "stats.json").read_text())["training"]["loss_log"]) == 2
    found = prepared(copied, "--epochs", 4, "--seed", 5)
    assert (found.stats.epochs, int(found.state.step)) == (3, 9)


@pytest.mark.parametrize("stop_at", [0, 4])
def test_an_interrupt_within_an_epoch_leaves_the_epochs_before_it(
    tmp_path, monkeypatch, capsys, stop_at
):
    steps, update = [], utils.Progress.update

    def interrupted(self, *arguments, **options):
        steps.append(None)
        if len(steps) > stop_at:
            raise KeyboardInterrupt
        update(self, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(utils.Progress, "update", interrupted)
        assert run(tmp_path) == 130
    assert f"go on from {tmp_path / train.CHECKPOINT} with --resume" in capsys.readouterr().err
    found = prepared(tmp_path)
    assert found.stats.epochs == stop_at // 3
    assert int(found.state.step) == 3 * found.stats.epochs


def test_an_interrupt_before_anything_is_saved_says_so(tmp_path, monkeypatch, capsys):
    def stop(root, seed, settings=None):
        raise KeyboardInterrupt

    monkeypatch.setitem(RECIPES, "moving_bars", stop)
    assert run(tmp_path) == 130
    assert "nothing is saved yet" in capsys.readouterr().err


@pytest.mark.slow
def test_ctrl_c_ends_a_real_process_with_a_checkpoint_and_no_traceback(tmp_path, repository):
    code = f"""
import dataclasses, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have it ignored
from jslayer import datasets
from jslayer.block import Sequential, cuba
from jslayer.cli import recipes, train
neuron = dict(threshold=1.0, current_decay=0.25, voltage_decay=0.03)
recipe = dataclasses.replace(
    recipes.RECIPES["xor"](None, 0),
    network=Sequential([cuba.Dense(neuron, 100, 1)]), epochs=10**6, log_every=1)
recipes.RECIPES["xor"] = lambda root, seed, settings=None: recipe
sys.exit(train.main(["--data", "xor", "--out", {str(tmp_path)!r}]))
"""
    environment = {**os.environ, "PYTHONPATH": str(repository)}
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    ) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        for line in process.stdout:
            if line.startswith("epoch 3/"):
                process.send_signal(signal.SIGINT)
                break
        _, errors = process.communicate()
        watchdog.cancel()
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "with --resume" in errors
    files = {file.name for file in tmp_path.iterdir()}
    assert files == {train.CHECKPOINT, "stats.json"}  # no half-written file is left


def failed(capsys, status, *words):
    """Asserts one line on standard error that holds ``words``."""
    error = capsys.readouterr().err
    assert status == 2
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    for word in words:
        assert word in error


def test_unknown_data_are_refused_with_the_names_that_exist(tmp_path, capsys):
    with pytest.raises(SystemExit) as stopped:
        run(tmp_path, data="mnist")
    assert stopped.value.code == 2
    error = capsys.readouterr().err
    assert "invalid choice: 'mnist'" in error
    for name in RECIPES:
        assert name in error


@pytest.mark.parametrize("data", ["nmnist", "oxford"])
def test_missing_files_and_wrong_folders_are_named(tmp_path, monkeypatch, capsys, data):
    monkeypatch.delenv("JSLAYER_DATA", raising=False)
    failed(capsys, run(tmp_path / "out", data=data), "root", "JSLAYER_DATA")
    absent = tmp_path / "absent"
    failed(capsys, run(tmp_path / "out", "--root", absent, data=data), str(absent))
    (tmp_path / "empty").mkdir()
    failed(capsys, run(tmp_path / "out", "--root", tmp_path / "empty", data=data), "empty")
    (tmp_path / "file").write_text("")
    failed(capsys, run(tmp_path / "out", "--root", tmp_path / "file", data=data), "file")


def test_a_damaged_recording_is_named(tmp_path, capsys):
    for part in ("Train", "Test"):
        (tmp_path / part / "0").mkdir(parents=True)
        (tmp_path / part / "0" / "1.bin").write_bytes(b"abc")
    status = run(tmp_path / "out", "--root", tmp_path, data="nmnist")
    failed(capsys, status, str(tmp_path / "Train" / "0" / "1.bin"))


@pytest.mark.parametrize(
    ("option", "value"), [("--epochs", 0), ("--epochs", -1), ("--seed", -1), ("--seed", 2**32)]
)
def test_numbers_out_of_range_are_refused(tmp_path, capsys, option, value):
    failed(capsys, run(tmp_path / "out", option, value), f"`{option}` is {value}", "expected")
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_no_folder_is_refused(tmp_path, capsys):
    (tmp_path / "file").write_text("precious")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        failed(capsys, run(out), f"`--out` is {out}", "nothing can be written")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_folder_without_permission_to_write_is_refused(tmp_path, monkeypatch, capsys):
    # Not by permissions, which the superuser does not need.
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    failed(capsys, run(tmp_path), f"`--out` is {tmp_path}", "Permission denied")


@pytest.mark.parametrize("name", ["new_figure", "pillow_image"])
def test_without_plot_libraries_it_trains_and_says_what_is_left_out(
    tmp_path, monkeypatch, capsys, name
):
    modules = {"new_figure": "matplotlib.figure", "pillow_image": "PIL"}
    monkeypatch.setitem(sys.modules, modules[name], None)
    monkeypatch.setattr(train, "finish", FINISH)
    with pytest.raises(ImportError):
        getattr(style, name)(*([1, 1] if name == "new_figure" else []))
    assert run(tmp_path, "--epochs", 1) == 0
    printed = capsys.readouterr()
    assert "note: no pictures will be drawn. " in printed.err
    assert "pip install matplotlib pillow" in printed.err
    assert {file.name for file in tmp_path.iterdir()} == {
        "network.net", "checkpoint.msgpack", "stats.json",
    }  # fmt: skip
    assert "no pictures" in printed.out and ".png" not in printed.out


def test_statistics_say_where_they_come_from(copied):
    saved = json.loads((copied / "stats.json").read_text())
    about = saved["about"]
    assert about["recipe"] == "moving_bars"
    assert about["options"] == {
        "seed": 5, "epochs": 2, "learning_rate": 3e-3, "batch_size": 32, "neuron": "cuba",
    }  # fmt: skip
    assert about["versions"]["jax"] == jax.__version__
    stats = utils.LearningStats()
    stats.load(copied / "stats.json")
    assert stats.epochs == 2


@pytest.mark.parametrize("data", ["nmnist", "xor"])
def test_a_failed_start_leaves_no_empty_folder(tmp_path, monkeypatch, capsys, data):
    monkeypatch.delenv("JSLAYER_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def broken(*_):
        raise ValueError("broken")

    monkeypatch.setitem(RECIPES, "xor", broken)
    (tmp_path / "runs").mkdir()
    failed(capsys, run(tmp_path / "runs" / "new" / "folder", data=data))
    assert not list((tmp_path / "runs").iterdir())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--batch-size", 0], ["`--batch-size` is 0", "at least 1"]),
        (["--learning-rate", -1], ["`--learning-rate` is -1.0", "more than 0"]),
        (["--devices", 100], ["`--devices` is 100", "at most as many"]),
        (["--processes", 2], ["`--coordinator` is not given", "together"]),
        (["--distributed", "--devices", 2], ["`--devices` is 2", "leave it out"]),
        (["--heartbeat", 0], ["`--heartbeat` is 0", "at least 1"]),
    ],
)
def test_options_out_of_range_are_refused_before_anything_is_written(
    tmp_path, capsys, options, words
):
    failed(capsys, run(tmp_path / "out", *options), *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", ["pilotnet", "balance", "detection", "consecutive_spikes"])
def test_neurons_that_are_a_recipes_own_are_not_exchanged(tmp_path, capsys, data):
    failed(capsys, run(tmp_path, "--neuron", "alif", data=data), "`--neuron` is alif", "its own")


def test_detection_points_to_its_command(tmp_path, capsys):
    failed(capsys, run(tmp_path, data="detection"), "detect train")


def test_options_reach_the_recipe():
    options = train.parser().parse_args(
        ["--data", "xor", "--neuron", "alif", "--batch-size", "2", "--learning-rate", "0.1"]
    )
    settings = train.settings_of(options)
    assert (settings.neuron, settings.batch_size, settings.learning_rate) == ("alif", 2, 0.1)
    recipe = RECIPES["xor"](None, 0, settings)
    assert recipe.batch_size == 2 and recipe.epochs == 400
    assert type(recipe.network.blocks[0]).__module__.split(".")[2] == "alif"


@pytest.mark.parametrize("family", STARTING)
def test_every_family_fits_a_recipe(family):
    settings = dataclasses.replace(ABOUT["xor"].settings, neuron=family)
    recipe = RECIPES["xor"](None, 0, settings)
    x = jax.ShapeDtypeStruct(recipe.training.batch([0])[0].shape, np.float32)
    y, _ = jax.eval_shape(recipe.network.init_with_output, jax.random.key(0), x)
    assert y.shape[-1] == x.shape[-1]


def test_other_options_than_before_are_refused(copied, capsys):
    more = ["--epochs", 3, "--seed", 5, "--resume", "--batch-size", 16]
    failed(capsys, run(copied, *more), "`--batch-size` is 16", "pass --batch-size 32")


def test_two_devices_learn_what_one_does(tmp_path):
    assert run(tmp_path / "one", "--epochs", 1) == 0
    assert run(tmp_path / "two", "--epochs", 1, "--devices", 2) == 0
    one, two = (json.loads((tmp_path / n / "stats.json").read_text()) for n in ("one", "two"))
    np.testing.assert_allclose(one["training"]["loss_log"], two["training"]["loss_log"], rtol=1e-4)


def test_the_list_says_what_each_needs_and_the_help_its_values(capsys):
    for option, words in (
        ("--list", ["learns:", "needs:", "expect:", "balance", "detection", *ABOUT]),
        ("--help", ["oxford 5000", "xor 0.003", "--devices"]),
    ):
        with pytest.raises(SystemExit) as stopped:
            train.main([option])
        assert stopped.value.code == 0
        printed = " ".join(capsys.readouterr().out.split())
        assert all(word in printed for word in words), (option, printed)


def test_the_road_is_drawn_beside_what_the_network_says(tmp_path):
    class Constant(Sequential):
        """Says a fourth everywhere."""

        def apply(self, variables, x):
            return np.full((len(x), 1, x.shape[-1]), 0.25, np.float32)

    road = datasets.SyntheticRoad(3, num_steps=4)
    recipe = dataclasses.replace(
        tiny(None, 0), testing=road, network=Constant([]), batch_size=3, is_drive=True
    )
    held = types.SimpleNamespace(recipe=recipe, out=tmp_path, state=NOTHING)
    assert train.draw_drive(held) == ["drive.png"]
    with Image.open(tmp_path / "drive.png") as picture:
        assert np.ptp(np.asarray(picture.convert("L"))) > 100


def test_pilotnet_fits_its_roads():
    recipe = RECIPES["pilotnet"](None, 0)
    x = jax.ShapeDtypeStruct((1, 3, 33, 100, 4), np.float32)
    y, _ = jax.eval_shape(recipe.network.init_with_output, jax.random.key(0), x)
    assert y.shape == (1, 1, 4)
    assert recipe.loss(np.zeros((2, 1, 4)), np.ones((2, 4))) == 2.0


def test_a_second_training_into_one_folder_is_refused(copied, capsys):
    first = prepared(copied, "--epochs", 2, "--seed", 5)
    before = (copied / train.CHECKPOINT).read_bytes()
    for more in ([], ["--resume", "--seed", 5]):
        failed(capsys, run(copied, *more), f"`--out` is {copied}", "another training run", "wait")
    assert (copied / train.CHECKPOINT).read_bytes() == before
    first.claim.release()
    assert run(copied, "--epochs", 2, "--seed", 5, "--resume") == 0


def test_resume_without_a_checkpoint_is_refused(tmp_path, capsys):
    failed(capsys, run(tmp_path / "out", "--resume"), "no checkpoint", train.CHECKPOINT)
    assert not (tmp_path / "out").exists()


def test_a_damaged_checkpoint_is_refused_and_stays(tmp_path, capsys):
    (tmp_path / train.CHECKPOINT).write_bytes(b"damaged")
    failed(capsys, run(tmp_path, "--resume"), train.CHECKPOINT, "damaged")
    assert (tmp_path / train.CHECKPOINT).read_bytes() == b"damaged"


def test_a_checkpoint_of_another_run_is_refused_and_stays(copied, monkeypatch, capsys):
    before = (copied / train.CHECKPOINT).read_bytes()
    failed(capsys, run(copied, "--resume"), "`--seed` is 0", "pass --seed 5")
    failed(capsys, run(copied, "--resume", "--seed", 5, "--epochs", 1), "`--epochs` is 1", "has 2")
    failed(capsys, run(copied, "--resume", data="xor"), "checkpoint", "same network")
    monkeypatch.setitem(RECIPES, "other", tiny)
    monkeypatch.setitem(ABOUT, "other", ABOUT["moving_bars"])
    failed(capsys, run(copied, "--resume", data="other"), "`--data` is other", "moving_bars")
    assert (copied / train.CHECKPOINT).read_bytes() == before


def test_warnings_about_the_network_file_become_notes(copied, pictures, monkeypatch, capsys):
    def export(path, network, variables):
        import warnings

        warnings.warn("layer/0: something is ignored", stacklevel=2)

    monkeypatch.setattr(hdf5, "export", export)
    monkeypatch.setattr(train, "draw_events", lambda run: [])
    assert run(copied, "--epochs", 2, "--seed", 5, "--resume") == 0
    assert "note: layer/0: something is ignored\n" in capsys.readouterr().err


def test_the_raster_shows_every_neuron_and_every_step(copied, pictures, monkeypatch):
    played = {}
    monkeypatch.setattr(train.io, "animate", lambda parts, path, **how: played.update(how | parts))
    assert run(copied, "--epochs", 2, "--seed", 5, "--resume") == 0
    (figure,) = [f for f in pictures if any("output" in a.get_title("left") for a in f.axes)]
    shown, answer = figure.axes
    titles = [axes.get_title("left") for axes in (shown, answer)]
    names = datasets.MovingBars.classes
    assert titles[0] in {f"input: {name}" for name in names}
    assert titles[1] in {f"output: most spikes for {name}" for name in names}
    assert [label.get_text() for label in answer.get_yticklabels()] == list(names)
    assert played["names"] == names and set(titles) < set(played)
    for axes, rows in ((shown, 36), (answer, 8)):
        low, high = axes.get_ylim()
        assert low <= -0.5 and rows - 0.5 <= high < rows + 1
        low, high = axes.get_xlim()
        assert low <= 0 and 23 <= high < 26
    assert {text.get_text() for text in shown.get_legend().get_texts()} >= {"OFF", "ON"}


@pytest.mark.slow
def test_a_regression_is_drawn_beside_what_was_desired(tmp_path, pictures, monkeypatch):
    played = []
    monkeypatch.setattr(train.io, "animate", lambda parts, path, **how: played.extend(parts))
    assert run(tmp_path, "--epochs", 2, data="xor") == 0
    assert played == ["output", "desired"]  # not the input, which is noise to the eye
    titles = [[axes.get_title("left") for axes in figure.axes] for figure in pictures]
    assert ["input", "output", "desired"] in titles


@pytest.mark.parametrize(("data", "neurons"), [("oxford", 200), ("nmnist", 10)])
def test_recipes_of_recorded_data_fit_their_networks(shared, data, neurons):
    recipe = RECIPES[data](shared / "data" / data, 0)
    x = jax.ShapeDtypeStruct(recipe.training.batch([0])[0].shape, np.float32)
    y, _ = jax.eval_shape(recipe.network.init_with_output, jax.random.key(0), x)
    assert y.shape == (1, neurons, x.shape[-1])
