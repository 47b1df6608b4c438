"""The old library's names: one table, the page made of it, and code that does what it says."""

import dataclasses
import importlib.util
import inspect
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import jslayer as slayer
from jslayer import _old_names
from jslayer.utils import LearningStats
from tools import old_names

NAMES = _old_names.table()
SAME = [name for name, entry in NAMES.items() if entry["is"] == "same"]
OTHERS = [name for name in NAMES if name not in SAME]
ELSEWHERE = ("optax.", "variables[")


def found(name):
    value = slayer
    for part in name.split("."):
        fields = dataclasses.fields(value) if dataclasses.is_dataclass(value) else ()
        if part in {field.name for field in fields}:
            return part
        value = getattr(value, part)
    return value


def test_the_page_is_that_of_the_table(repository):
    page = (repository / "docs" / "from_lava_dl.md").read_text("utf-8")
    assert page == old_names.page(NAMES), "run python tools/old_names.py"


def test_every_entry_says_what_it_must():
    for name, entry in NAMES.items():
        assert set(entry) <= {"is", "here", "why", "but", "takes"}, name
        assert entry["is"] in ("same", "renamed", "none"), name
        assert ("here" in entry) == (entry["is"] == "renamed"), name
        assert entry["is"] != "none" or entry["why"], name


def test_names_that_are_the_same_are_there():
    for name in SAME:
        if "*" not in name:
            found(name)


def test_what_stands_in_the_place_of_a_name_is_there():
    for name in OTHERS:
        here = NAMES[name].get("here")
        if here is not None and not here.strip("`").startswith(ELSEWHERE):
            found(re.match(r"`([\w.]+)", here)[1].replace("detector.", "obd.Detector."))


def test_old_arguments_are_taken_or_the_table_says_what_they_are():
    listed = {row[0] for row in signatures().TABLE}  # argument by argument, and tested there
    for name in SAME:
        entry = NAMES[name]
        if "takes" not in entry or name in listed or name.startswith(("obd.", "block.")):
            continue
        if not callable(value := found(name)) or name == "neuron.base.Neuron":
            continue
        ours = inspect.signature(value).parameters
        for argument in signatures().parsed(entry["takes"]):
            assert argument in ours or f"`{argument}`" in entry.get("but", ""), (name, argument)


def signatures():
    from tests import test_signatures

    return test_signatures


@pytest.mark.parametrize(
    ("home", "name"),
    [
        (slayer, "jitconfig"),
        (slayer, "auto"),
        (slayer, "object_detection"),
        (slayer.neuron, "dynamics"),
        (slayer.synapse, "GenericLayer"),
        (slayer.utils, "dotdict"),
    ],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_an_old_name_that_is_not_there_says_what_to_use(home, name):
    with pytest.raises(AttributeError, match=r"^`slayer\..*` is lava-dl's name; [^\n]+\.$"):
        getattr(home, name)
    with pytest.raises(AttributeError, match=r"^module 'jslayer.*' has no attribute 'nonsense'$"):
        _ = home.nonsense


def test_the_table_is_whole_where_the_old_library_is_installed():
    if importlib.util.find_spec("lava") is None:
        pytest.skip("lava-dl is not installed")
    spec = importlib.util.find_spec("lava.lib.dl.slayer")
    assert old_names.compared(Path(spec.origin).parent, NAMES) == []


def test_old_calls_of_utilities_mean_the_same():
    x = jnp.arange(6.0).reshape(1, 2, 3)
    mode = slayer.utils.QUANTIZE_MODE.FLOOR
    assert slayer.utils.quantize(jnp.float32(0.9), 0.5, mode) == 0.5
    assert slayer.utils.quantize_hook_fx(jnp.float32(0.5), descale=True) == 32
    assert slayer.utils.time.replicate(x, 4).shape == (1, 2, 3, 4)
    np.testing.assert_array_equal(slayer.utils.time.shift(x, 1)[0, 1], [0, 3, 4])
    np.testing.assert_array_equal(slayer.axon.delay(x, 1), slayer.utils.time.shift(x, 1))
    np.testing.assert_array_equal(slayer.axon.delay(x, jnp.array([0.0, 2.0]))[0, 1], [0, 0, 3])


def test_the_old_spike_functions_are_those_of_ops():
    v = jnp.array([[0.5, 1.5, 1.0]])
    apply = slayer.spike.Spike.apply
    assert apply(v, 1.0, 0.1, 2.0, False, 0.0, 64).tolist() == [[0, 1, 1]]
    assert apply(v, 1.0, 0.1, 2.0, True, 0.0, 2.0).tolist() == [[0, 0.75, 0.5]]
    slope = jax.grad(lambda v: apply(v, 1.0, 0.5, 2.0, False, 0.0, 64).sum())(v)
    np.testing.assert_allclose(slope, 2 / (2 * 0.5) * np.exp(-np.abs(v - 1) / 0.5), rtol=1e-6)
    imag = jnp.array([[-1.0, 0.5, 0.5]])
    complex_apply = slayer.spike.complex.Spike.apply
    assert complex_apply(v, imag, 1.0, 0.1, 2.0, False, 0.0, 64).tolist() == [[0, 1, 0]]


def test_layers_are_added_up_one_by_one():
    enforcer, x = slayer.loss.SparsityEnforcer(max_rate=0.25, lam=2), jnp.ones((1, 2, 4))
    for layer in (x, 0.5 * x):
        enforcer.append(layer)
    assert enforcer.loss == enforcer([x, 0.5 * x]) > 0
    enforcer.clear()
    with pytest.raises(ValueError, match="holds no layer"):
        _ = enforcer.loss
    assert enforcer == slayer.loss.SparsityEnforcer(max_rate=0.25, lam=2)


def test_a_loss_of_spike_times_shows_its_filter():
    error = slayer.loss.SpikeTime(time_constant=2, length=3)
    x = jnp.zeros((1, 1, 4)).at[0, 0, 0].set(1)
    np.testing.assert_allclose(error.filter(x)[0, 0], [1, np.exp(-0.5), np.exp(-1), 0], rtol=1e-6)


UNIT = {"threshold": 0.5, "current_decay": 0.5, "voltage_decay": 0.1}
X, LABEL = jnp.ones((4, 3, 8)), jnp.array([0, 1, 0, 1])


def test_an_assistant_takes_the_old_arguments_in_their_order():
    with as_users_have_it():
        network = slayer.Sequential([slayer.block.cuba.Dense(UNIT, 3, 2, weight_scale=4)])
        error = slayer.loss.SpikeRate(true_rate=0.5, false_rate=0.1)
        stats = LearningStats(accuracy_str="hits", accuracy_unit="per step")
        classifier = slayer.classifier.Rate.predict
        assistant = slayer.utils.Assistant(
            network, error, optax.sgd(0.1), stats, classifier, True, 0.5
        )
        with pytest.raises(ValueError, match="`sample` is None, expected a batch before there is"):
            _ = assistant.state
        metrics = assistant.train(X, LABEL)
        assert {"sparsity", "event_rates"} <= set(metrics)
        assistant.test(X, LABEL)
        stats.update()
        assistant.end_epoch()
        assert stats.epochs == 1 and stats.testing.accuracy_log == [0.5]
        with pytest.raises(NotImplementedError, match="`reduce_lr` is lava-dl's name; pass a sche"):
            assistant.reduce_lr()


def test_another_metric_than_a_count_may_be_any_number(tmp_path):
    with as_users_have_it():
        network = slayer.Sequential([slayer.block.cuba.Dense(UNIT, 3, 2, weight_scale=4)])
        error = slayer.loss.SpikeRate(true_rate=0.5, false_rate=0.1)
        events = lambda y, label: jnp.sum(y, dtype=jnp.float32) / len(y) - 100
        assistant = slayer.utils.Assistant(network, error, optax.sgd(0.1), metric=events)
        y, _ = assistant.valid(X, LABEL)
        stats = assistant.stats
        assert stats.validation.accuracy == pytest.approx(float(y.sum()) / 4 - 100)
    assert "metric = " in str(stats)
    assistant.end_epoch()
    again = LearningStats()
    stats.save(tmp_path)
    again.load(tmp_path)
    assert again.to_dict() == stats.to_dict() and again.validation.accuracy_str == "metric"


def as_users_have_it():
    return jax.numpy_dtype_promotion("standard")


def test_statistics_print_and_save_as_before(tmp_path, capsys):
    stats = LearningStats(loss_str="error", loss_unit="mV")
    stats.training.update(8.0, 3, 4)
    stats.print(2, iter=5, time_elapsed=0.25, header=["first"], dataloader=range(10))
    said = capsys.readouterr().out
    assert "first" in said and "i =     5 of 10 (50%)" in said and "error =     2.00000" in said
    assert "mV" in said and "\033[3A" not in said
    stats.print(3)
    assert capsys.readouterr().out.startswith("\033[3A")
    stats.new_line()
    stats.print(3)
    assert not capsys.readouterr().out.startswith("\033[3A")
    stats.update()
    stats.save(tmp_path)
    assert (tmp_path / "error.txt").read_text().splitlines()[1].strip() == "2.000000"
    assert (tmp_path / "accuracy.txt").read_text().splitlines()[1].strip() == "0.750000"


def test_an_event_shows_a_player(monkeypatch):
    drawn = lambda event, frame_rate: [np.zeros((4, 4, 3), np.uint8)] * len(event)
    monkeypatch.setattr("jslayer.io.animation.animate", drawn)
    event = slayer.io.Event([0, 1], [0, 1], [0, 1], [0.0, 3.0])
    assert isinstance(event.anim(), slayer.io.Player) and isinstance(event.show(), slayer.io.Player)
