"""Statistics of a training run, judged by plain arithmetic."""

import json
import math
import random

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.training.learning_stat import MOST_UNREAD, LearningStat
from jslayer.training.stats import LearningStats


def run(stats, epochs, *, seed):
    """Feeds random batches; validation every second epoch, no testing."""
    draw = random.Random(seed)
    for epoch in epochs:
        for _ in range(5):
            stats.training.update(draw.uniform(0, 9), draw.randrange(9), 8)
            if epoch % 2:
                stats.validation.update(draw.uniform(0, 9), draw.randrange(5), 4)
        stats.end_epoch()
    return stats


def log_of(losses):
    stat = LearningStat()
    for loss in losses:
        if loss is not None:
            stat.update(loss, None, 1)
        stat.end_epoch()
    return stat


def test_loss_and_accuracy_are_means_over_samples():
    stat = LearningStat()
    stat.update(6.0, 3, 4)
    stat.update(1.0, 0, 1)
    assert (stat.loss, stat.accuracy) == (7.0 / 5, 3 / 5)
    assert (stat.loss_sum, stat.correct_samples, stat.num_samples) == (7.0, 3, 5)


def test_an_empty_epoch_is_logged_as_none_and_harms_nothing():
    stats = LearningStats()
    stats.end_epoch()
    stats.training.update(2.0, 1, 2)
    stats.end_epoch()
    assert stats.training.loss_log == [None, 1.0]
    assert stats.testing.accuracy_log == [None, None]
    assert not stats.testing.best_loss
    assert not stats.testing.is_best
    assert "Test" not in str(stats)


def test_no_correct_sample_is_an_accuracy_of_zero():
    stat = LearningStat()
    stat.update(2.0, 0, 2)
    stat.end_epoch()
    assert stat.accuracy_log == [0.0]
    assert stat.is_best


def test_a_regression_has_no_accuracy_and_is_judged_by_its_loss():
    stat = log_of([3.0, 1.0])
    assert stat.accuracy_log == [None, None]
    assert stat.max_accuracy is None
    assert stat.is_best
    assert "accuracy" not in str(stat)


@pytest.mark.parametrize(
    ("losses", "epoch"),
    [
        ([], None),
        ([None], None),
        ([3.0, 1.0, 2.0], 1),
        ([3.0, 1.0, 1.0], 1),
        ([math.nan, 5.0, math.inf], 1),
        ([math.nan], None),
        ([None, 5.0, None], 1),
    ],
)
def test_the_best_epoch_is_the_first_with_the_lowest_finite_loss(losses, epoch):
    stat = log_of(losses)
    assert stat.best_loss_epoch == epoch
    assert stat.min_loss == (None if epoch is None else losses[epoch])
    assert stat.best_loss == (epoch is not None and epoch == len(losses) - 1)


def test_a_lower_loss_is_not_best_where_accuracy_counts():
    stat = LearningStat()
    for loss, correct in [(3.0, 2), (1.0, 1)]:
        stat.update(loss, correct, 4)
        stat.end_epoch()
    assert stat.best_loss
    assert not stat.best_accuracy
    assert not stat.is_best
    assert (stat.best_accuracy_epoch, stat.max_accuracy) == (0, 0.5)


def test_the_model_is_judged_by_validation_before_testing_before_training():
    stats = LearningStats()
    stats.training.update(1.0, 1, 1)
    stats.end_epoch()
    assert stats.is_best
    stats.testing.update(1.0, 1, 2)
    stats.end_epoch()
    assert stats.is_best
    stats.testing.update(1.0, 2, 2)
    stats.validation.update(1.0, 1, 2)
    stats.end_epoch()
    stats.testing.update(1.0, 0, 2)
    stats.validation.update(1.0, 2, 2)
    stats.end_epoch()
    assert stats.is_best
    stats.training.update(0.0, 1, 1)
    stats.end_epoch()
    assert not stats.is_best  # not validated, so not known to be better


def test_device_scalars_are_read_only_when_somebody_looks(monkeypatch):
    read = []
    array = type(jnp.float32(0))
    plain = array.__float__
    monkeypatch.setattr(array, "__float__", lambda self: read.append(1) or plain(self))
    stat = LearningStat()
    stat.update(jnp.float32(6.0), jnp.int32(3), 4)
    assert read == []
    assert (stat.loss, stat.accuracy) == (1.5, 0.75)
    assert read != []


@pytest.mark.parametrize("make", [float, np.float32, np.array, jnp.float32, jnp.bfloat16])
def test_every_kind_of_scalar_is_welcome(make):
    stat = LearningStat()
    stat.update(make(1.5), make(1.0), make(2.0))
    assert (stat.loss, stat.accuracy, stat.num_samples) == (0.75, 0.5, 2)


def test_lava_dl_style_sums_work():
    stats = LearningStats()
    for _ in range(2):
        stats.training.loss_sum += jnp.float32(2.0) * 3
        stats.training.correct_samples += jnp.int32(2)
        stats.training.num_samples += 4
    assert (stats.training.loss, stats.training.accuracy) == (1.5, 0.5)
    stats.update()
    assert stats.training.loss_log == [1.5]
    assert stats.training.num_samples == 0


def test_one_line_shows_each_split_with_its_best():
    stats = LearningStats()
    stats.training.update(6.0, 3, 4)
    assert str(stats) == "Train loss =     1.50000    accuracy = 0.75000"
    stats.validation.update(1.0, None, 2)
    stats.end_epoch()
    assert str(stats) == (
        "Train loss =     1.50000 (min =     1.50000)    accuracy = 0.75000 (max = 0.75000)"
        " | Valid loss =     0.50000 (min =     0.50000)"
    )


def test_a_resumed_run_equals_one_that_was_never_stopped(tmp_path):
    path = tmp_path / "stats.json"
    whole = run(LearningStats(), range(6), seed=0)
    draw = random.Random(1)
    rest = [(draw.uniform(0, 1), draw.randrange(9), 8) for _ in range(10)]
    for batch in rest[:5]:
        whole.training.update(*batch)
    whole.save(path)
    resumed = LearningStats()
    resumed.load(path)
    for stats in (whole, resumed):
        for batch in rest[5:]:
            stats.training.update(*batch)
        stats.end_epoch()
    assert resumed.to_dict() == whole.to_dict()
    assert str(resumed) == str(whole)
    assert resumed.epochs == 7


def test_device_sums_and_host_sums_survive_alike():
    stats = LearningStats()
    stats.training.update(jnp.float32(0.1), jnp.int32(1), 1)
    again = LearningStats.from_dict(stats.to_dict())
    assert again.training.loss_sum == float(np.float32(0.1))


def test_the_file_is_strict_json_also_after_a_diverged_epoch(tmp_path):
    stats = LearningStats()
    for loss in (math.nan, math.inf):
        stats.training.update(loss, None, 1)
        stats.end_epoch()
    stats.save(tmp_path / "stats.json")

    def refuse(constant):
        raise AssertionError(constant)

    json.loads((tmp_path / "stats.json").read_text(), parse_constant=refuse)
    again = LearningStats()
    again.load(tmp_path / "stats.json")
    assert math.isnan(again.training.loss_log[0])
    assert again.training.loss_log[1] == math.inf


def test_a_failed_save_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    path = tmp_path / "stats.json"
    run(LearningStats(), range(2), seed=0).save(path)
    before = path.read_bytes()

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("os.replace", fail)
    with pytest.raises(OSError, match="disk full"):
        run(LearningStats(), range(3), seed=0).save(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no json", "`path` is .*holds no JSON .*expected what `save` wrote"),
        ("[1]", "`saved` has format 'list', expected 'jslayer.LearningStats.1'"),
        ('{"format": "other"}', "`saved` has format 'other'"),
        ('{"format": "jslayer.LearningStats.1"}', "`saved` cannot be read .*loss_log"),
    ],
)
def test_a_file_of_another_kind_is_refused_and_changes_nothing(tmp_path, text, message):
    (tmp_path / "x.json").write_text(text)
    stats = run(LearningStats(), range(2), seed=0)
    before = stats.to_dict()
    with pytest.raises(ValueError, match=message):
        stats.load(tmp_path / "x.json")
    assert stats.to_dict() == before


def hostile(**values):
    """Statistics of one epoch with a value that ``to_dict`` does not write."""
    saved = run(LearningStats(), range(1), seed=0).to_dict()
    saved["training"] |= values
    return saved


NESTED = json.loads("[" * 900 + "]" * 900)
HOSTILE = {
    "accuracy 5": hostile(accuracy_log=[5.0]),
    "accuracy nan": hostile(accuracy_log=["nan"]),
    "99 of 1": hostile(correct_samples=99.0, num_samples=1),
    "-1 of 1": hostile(correct_samples=-1.0, num_samples=1),
    "samples 10**400": hostile(num_samples=10**400),
    "samples -1": hostile(num_samples=-1),
    "samples 1.5": hostile(num_samples=1.5),
    "samples true": hostile(num_samples=True),
    "loss 10**400": hostile(loss_log=[10**400]),
    "loss text": hostile(loss_sum="1.0"),
    "loss none": hostile(loss_sum=None),
    "loss nested": hostile(loss_log=NESTED),
    "log a text": hostile(loss_log="nan"),
    "log a number": hostile(loss_log=3),
    "split nested": {**hostile(), "training": NESTED},
    "format nested": {**hostile(), "format": NESTED},
    "format long": {**hostile(), "format": "\x1b[2J" * 10**5},
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_what_statistics_cannot_be_is_one_error_and_changes_nothing(tmp_path, kind):
    path = tmp_path / "stats.json"
    path.write_text(json.dumps(HOSTILE[kind]))
    stats = run(LearningStats(), range(2), seed=0)
    before = stats.to_dict()
    with pytest.raises(ValueError, match=r"`saved` .*expected") as caught:
        stats.load(path)
    assert len(str(caught.value)) < 400 and str(caught.value).isprintable()
    assert stats.to_dict() == before


def test_json_without_end_or_of_great_size_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "stats.json"
    path.write_text('{"a":' * 10**5)
    with pytest.raises(ValueError, match=r"`path` is .*holds no JSON .*expected what `save` wrote"):
        LearningStats().load(path)
    monkeypatch.setattr("jslayer.training.stats.MOST_BYTES", 99)
    with pytest.raises(ValueError, match=r"of 500000 bytes, expected statistics of 99 at most"):
        LearningStats().load(path)


def test_memory_stays_flat_while_nobody_looks():
    stat = LearningStat()
    for _ in range(3 * MOST_UNREAD):
        stat.update(jnp.float32(0.5), None, 1)
        assert len(stat._unread) <= MOST_UNREAD
    assert stat.loss_sum == 1.5 * MOST_UNREAD


@pytest.mark.parametrize("broken", ["training", "accuracy_log"])
def test_logs_of_different_lengths_are_refused(broken):
    saved = run(LearningStats(), range(3), seed=0).to_dict()
    for log in {"training": ["loss_log", "accuracy_log"], "accuracy_log": ["accuracy_log"]}[broken]:
        saved["training"][log].pop()
    with pytest.raises(ValueError, match=r"`saved` .* expected"):
        LearningStats.from_dict(saved)


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        (("1", 0, 1), TypeError, "`loss_sum` is a str .*expected a real number; pass"),
        ((None, 0, 1), TypeError, "`loss_sum` is a NoneType"),
        ((1j, 0, 1), TypeError, "`loss_sum` is a complex"),
        ((jnp.ones(3), 0, 3), ValueError, r"`loss_sum` has shape \(3,\), expected one number.*sum"),
        ((1.0, 3, 2), ValueError, "`correct` is 3, expected 0 to `num_samples` = 2; pass"),
        ((1.0, math.nan, 2), ValueError, "`correct` is nan"),
        ((1.0, 0, -1), ValueError, "`num_samples` is -1, expected a whole number from 0; pass"),
        ((1.0, 0, 1.5), ValueError, "`num_samples` is 1.5"),
        ((1.0, 0, math.nan), ValueError, "`num_samples` is nan"),
    ],
)
def test_a_bad_batch_is_refused_where_it_comes_in(batch, error, message):
    stat = LearningStat()
    with pytest.raises(error, match=message):
        stat.update(*batch)
    assert stat.num_samples == 0


def test_a_bad_device_batch_is_refused_at_every_look():
    stat = LearningStat()
    stat.update(1.0, jnp.int32(3), 2)
    for _ in range(2):
        with pytest.raises(ValueError, match="`correct` is 3, expected 0 to `num_samples` = 2"):
            _ = stat.loss


def test_accuracy_for_some_batches_only_is_refused():
    stat = LearningStat()
    stat.update(1.0, 1, 1)
    stat.update(1.0, None, 1)
    with pytest.raises(ValueError, match="`correct` was None for some batches"):
        stat.end_epoch()


def test_an_update_inside_jit_is_refused():
    stat = LearningStat()
    with pytest.raises(TypeError, match="`loss_sum` is traced, expected a number; return it"):
        jax.jit(lambda x: stat.update(x, None, 1))(1.0)


def test_curves_show_what_was_measured_and_mark_the_best(tmp_path):
    stats = run(LearningStats(), range(4), seed=0)
    figure = stats.plot(tmp_path / "curves.png")
    loss, accuracy = figure.axes
    assert (loss.get_ylabel(), accuracy.get_ylabel()) == ("loss", "accuracy")
    assert loss.get_yscale() == "log"
    named = ["training", "validation", "best epoch"]
    assert [t.get_text() for t in loss.get_legend().get_texts()] == named
    curve, best = loss.lines[:2]
    np.testing.assert_array_equal(curve.get_ydata(), stats.training.loss_log)
    assert best.get_xydata().tolist() == [[stats.training.best_loss_epoch, stats.training.min_loss]]
    assert (tmp_path / "curves.png").read_bytes().startswith(b"\x89PNG")


def test_curves_without_accuracy_have_one_axes_and_without_data_none_fail():
    assert len(log_of_training([2.0, 0.0]).plot().axes) == 1
    assert log_of_training([2.0, 0.0]).plot().axes[0].get_yscale() == "linear"
    assert LearningStats().plot().axes[0].get_legend() is None
    assert log_of_training([math.nan, None]).plot().axes[0].get_legend() is None


def log_of_training(losses):
    stats = LearningStats()
    for loss in losses:
        if loss is not None:
            stats.training.update(loss, None, 1)
        stats.end_epoch()
    return stats


def test_a_figure_of_unknown_format_is_refused_and_leaves_the_file(tmp_path):
    path = tmp_path / "curves.xyz"
    path.write_text("kept")
    with pytest.raises(ValueError, match=r"`path` is .*curves.xyz, .*expected one of .*png"):
        LearningStats().plot(path)
    assert path.read_text() == "kept"
