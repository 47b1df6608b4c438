"""Detectors: models, the network file, streaming, a step of training, the hardware's integers."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import hdf5, obd
from jslayer.block import event_rates
from jslayer.obd import models, training

SMALL = {
    "street_yolo": lambda: models.street_yolo(channels=(4, 4, 6, 6, 6, 6)),
    "yolo_kp": lambda: models.yolo_kp(3, width=1 / 16),
    "tiny_yolov3_str": lambda: models.tiny_yolov3_str(3, width=1 / 16),
    "yolo_kp_events": lambda: models.yolo_kp_events(3, width=1 / 16),
}
SIZE, STEPS = (64, 96), 3


def frames(name):
    if name.endswith("events"):
        return np.asarray(jax.random.bernoulli(jax.random.key(0), 0.3, (2, 2, *SIZE, STEPS)), "f4")
    still = jax.random.randint(jax.random.key(0), (2, 3, *SIZE, 1), 0, 256)
    moved = [jnp.roll(still, 4 * t, axis=3) for t in range(STEPS)]
    return np.asarray(jnp.concatenate(moved, -1), np.uint8)


@functools.cache
def alive(name):
    """A detector with the running means of one training call."""
    detector, x = SMALL[name](), frames(name)
    mutable = ["batch_stats", "intermediates"]
    call = jax.jit(lambda v: detector.apply(v, x, train=True, mutable=mutable)[1])
    variables = detector.init(jax.random.key(1), x)
    for _ in range(3):
        updated = call(variables)
        rates = event_rates(updated.pop("intermediates"))
        variables = {**variables, **updated}
    assert len(rates) == len(detector.network.blocks)
    assert min(float(rate) for rate in rates.values()) > 0.001, "a fresh network is alive"
    return detector, variables, x


def applied(detector, variables, x):
    return jax.jit(lambda variables: detector.apply(variables, x))(variables)


@pytest.mark.parametrize(
    ("name", "parameters", "grids"),
    [
        ("street_yolo", 253_846, ((12, 20),)),
        ("yolo_kp", 3_500_000, ((14, 14),)),
        ("tiny_yolov3_str", 9_280_000, ((14, 14), (28, 28))),
        ("yolo_kp_events", 3_500_000, ((14, 14),)),
    ],
)
def test_models_have_the_sizes_of_their_papers(name, parameters, grids):
    build = getattr(models, name)
    detector = build() if name == "street_yolo" else build(11)
    size = (96, 160) if name == "street_yolo" else (448, 448)
    channels = len(detector.mean) or 2
    x = jax.ShapeDtypeStruct((1, channels, *size, 1), jnp.float32)
    variables = jax.eval_shape(detector.network.init, jax.random.key(0), x)
    count = sum(leaf.size for leaf in jax.tree.leaves(variables["params"]))
    assert count == pytest.approx(parameters, rel=0.01)
    assert detector.scales(size) == tuple((w, h) for h, w in grids)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", SMALL)
def test_a_file_is_all_that_a_detector_needs(name, tmp_path):
    detector, variables, x = alive(name)
    detector.export(tmp_path / "a.net", variables)
    again, loaded = obd.load_detector(tmp_path / "a.net")
    for field in ("classes", "clamp_max", "unit"):
        assert getattr(again, field) == getattr(detector, field)
    np.testing.assert_array_equal(again.anchors, detector.anchors)
    np.testing.assert_allclose((again.mean, again.std), (detector.mean, detector.std))
    heads = applied(again, loaded, x), applied(detector, variables, x)
    for one, other in zip(*heads, strict=True):
        np.testing.assert_array_equal(one, other)
        assert np.ptp(np.asarray(one)) > 0


@pytest.mark.parametrize("name", ["tiny_yolov3_str"])
def test_streamed_frames_are_the_whole_run(name):
    detector, variables, x = alive(name)
    options = {"conf_threshold": 0.01, "max_candidates": 30, "max_detections": 10}
    detect = jax.jit(lambda variables: detector.detect(variables, x, **options))
    rows, found = detect(variables)
    stream = detector.stream(**options)
    state = stream.start(variables, x[..., 0])
    for t in range(STEPS):
        (row, there), state = stream.step(variables, state, x[..., t])
        np.testing.assert_array_equal(there, found[:, t])
        np.testing.assert_allclose(row, rows[:, t], rtol=1e-6, atol=1e-7)


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["street_yolo", "tiny_yolov3_str"])
def test_hardware_is_the_network_with_a_step_per_synapse(name, tmp_path):
    detector, variables, x = alive(name)
    detector.export(tmp_path / "a.net", variables)
    late, loaded = obd.load_detector(tmp_path / "a.net", delay_shift=True)
    raws = obd.hardware_raws(tmp_path / "a.net", x)
    lag = sum(layer.weight is not None for layer in hdf5.read(tmp_path / "a.net").layers)
    held = np.concatenate([x, np.repeat(x[..., -1:], lag, -1)], -1)
    for raw, slow in zip(raws, applied(late, loaded, held), strict=True):
        assert any(
            np.array_equal(raw, slow[..., shift : shift + STEPS]) for shift in range(lag + 1)
        )


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_integers_of_the_hardware_find_what_the_network_finds(tmp_path):
    _, variables, x = alive("street_yolo")
    learned = {**variables["params"]}
    for number in range(1, 7):  # between the whole weights that a file holds
        block, channels = f"blocks_{number}", (4, 4, 6, 6, 6, 6)[number - 1]
        threshold = 0.09 + 0.003 * jnp.arange(channels, dtype=jnp.float32)
        learned[block] = {**learned[block], "neuron": {"threshold": threshold}}
    detector = models.street_yolo(channels=(4, 4, 6, 6, 6, 6), learn_threshold=True)
    variables = {**variables, "params": learned}
    detector.export(tmp_path / "a.net", variables)
    raws = applied(detector, variables, x), obd.hardware_raws(tmp_path / "a.net", x)
    # [N, T, boxes, 5 + C]
    one, other = (np.moveaxis(obd.predictions(raw, detector.anchors), -1, 1) for raw in raws)

    def agreeing(one, other):
        overlap = obd.iou_of_pairs(one[..., :4], other[..., :4])
        same = one[..., 5:].argmax(-1) == other[..., 5:].argmax(-1)
        return np.mean(np.asarray(overlap) > 0.9), np.mean(same)

    boxes, labels = agreeing(one, other)
    assert boxes > 0.98 and labels > 0.9
    np.testing.assert_allclose(one[..., 4], other[..., 4], atol=0.003)  # objectness
    boxes, labels = agreeing(one[:, 1:], other[:, :-1])
    assert boxes < 0.5 and labels < 0.8, "a frame off, they are others"


@pytest.fixture
def promoting():
    with jax.numpy_dtype_promotion("standard"):  # Adam multiplies floats with its step count
        yield


@pytest.mark.usefixtures("promoting")
def test_a_step_of_training_learns():
    detector, _, x = alive("yolo_kp_events")
    rows = np.zeros((2, STEPS, 4, 6), np.float32)
    rows[:, :, 0] = [0.4, 0.5, 0.3, 0.3, 1.0, 2.0]
    kind = np.zeros((2, STEPS, 4), np.int8)
    kind[:, :, 0] = 1
    state = training.detection_state(detector, x, optax.adam(3e-3))
    step = training.detection_step(detector, sparsity=0.1)
    losses = []
    for _ in range(6):
        state, metrics = step(state, x, rows, kind)
        losses.append(float(metrics["loss"]))
    assert losses[-1] < losses[0]
    assert metrics["rates"].shape == (len(detector.network.blocks) - 1,)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(state.params))


def test_operations_are_those_of_the_summary():
    detector, variables, x = alive("street_yolo")
    cost = training.operations(detector, variables, [x])
    rows = detector.summary(variables, x).rows
    assert cost["dense"] == sum(row["synapses"] for row in rows)
    average = (cost["first"] + cost["steady"] * (STEPS - 1)) / STEPS
    np.testing.assert_allclose(average, sum(row["synops"] for row in rows), rtol=1e-6)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_what_is_no_detector_is_refused(tmp_path):
    detector, variables, x = alive("street_yolo")
    with pytest.raises(ValueError, match="`anchors` has shape"):
        obd.Detector(detector.network, [[1.0, 2.0]], ("a",))
    with pytest.raises(ValueError, match="`mean` and `std`"):
        obd.Detector(detector.network, detector.anchors, ("a",), mean=(0.5,))
    with pytest.raises(ValueError, match="frames"):
        detector.apply(variables, x[:, :2])
    hdf5.export(tmp_path / "a.net", detector.network, variables)
    with pytest.raises(hdf5.NetworkFileError, match="no attribute anchors_per_scale of a detector"):
        obd.load_detector(tmp_path / "a.net")
