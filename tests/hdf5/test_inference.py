"""Properties of hardware inference: time, layouts, delays, exact sums, what is refused."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import hdf5
from jslayer.hdf5.run import sums
from jslayer.hdf5.run.stage import late
from tests.hdf5.files import ALIF, CUBA, RF, SDNN, conv, dense, even, layer, written

ADRF_IZ = RF | {"type": "ADRF_IZHIKEVICH", "thDecay": 400, "refDecay": 500, "vThStep": 10}
QUICK = CUBA | {"vThMant": 20}


def parts(*shape):
    return {"weight": None, "weight__real": even(*shape), "weight__imag": even(*shape, seed=1)}


def mixed(tmp_path):
    """Images, feedback, delays and every way to hold a state."""
    layers = [
        layer("input", (2, 5, 5), QUICK | {"iDecay": 4096}),
        conv((3, 4, 4), even(3, 2, 2, 2), RF, **parts(3, 2, 2, 2)),
        layer("concat", (6, 4, 4), layers=np.array([1])),
        layer("flatten", (96, 1, 1)),
        dense(8, 96, ALIF, delay=np.arange(8.0)),
        dense(8, 8, QUICK, kind="dense_rec", weight_rec=even(8, 8, seed=1), delay=np.arange(8.0)),
        dense(6, 8, ADRF_IZ, **parts(6, 8), delay=np.array([3.0, 0, 1, 2, 2, 1, 0, 4])),
        dense(3, 6, SDNN, bias=even(3)),
        dense(2, 3, SDNN | {"sigma_output": True}),
    ]
    return written(tmp_path / "mixed.net", layers)


def small(tmp_path):
    """Images, then a vector."""
    layers = [
        layer("input", (2, 5, 5), QUICK | {"iDecay": 4096}),
        conv((3, 4, 4), even(3, 2, 2, 2), QUICK),
        layer("flatten", (48, 1, 1)),
        dense(4, 48, QUICK),
    ]
    return written(tmp_path / "small.net", layers)


def frames(steps, batch=2):
    return np.random.default_rng(0).integers(0, 60, (batch, 2, 5, 5, steps))


def assert_same(ours, theirs):
    for number, found in theirs.items():
        for name, value in found.items():
            np.testing.assert_array_equal(ours[number][name], value, f"layer {number} {name}")


def test_two_calls_equal_one_and_steps_equal_both(tmp_path):
    network = hdf5.inference(mixed(tmp_path), reset_interval=None)
    x = frames(12)
    whole = network(x, layers="all", record="all")
    assert all(np.asarray(found["spike"]).any() for found in whole.values())
    head, state = network.run(x[..., :6], layers="all", record="all")
    tail, _ = network.run(x[..., 6:], state, layers="all", record="all")
    joined = jax.tree.map(lambda a, b: np.concatenate([a, b], -1), head, tail)
    assert_same(joined, whole)

    _, steps = jax.lax.scan(network.step, network.init(2), jnp.asarray(np.moveaxis(x, -1, 0)))
    assert_same(jax.tree.map(lambda value: np.moveaxis(value, 0, -1), steps), whole)
    state, first = network.step(network.init(2), x[..., 0])
    assert_same(first, jax.tree.map(lambda value: value[..., 0], whole))


def test_samples_of_a_batch_do_not_meet(tmp_path):
    network = hdf5.inference(small(tmp_path))
    x = frames(10)
    both = network(x)[3]["spike"]
    np.testing.assert_array_equal(network(x[1:])[3]["spike"][0], both[1])


def test_resets_go_through_the_layers_one_step_each_and_on_through_calls(tmp_path):
    path = written(tmp_path / "a.net", [dense(4, 3), dense(4, 4)])
    network = hdf5.inference(path, reset_interval=5, reset_offset=1)
    x = np.ones((1, 3, 12))
    found = network(x, layers="all", record="all")
    head, state = network.run(x[..., :4], layers="all", record="all")
    tail, _ = network.run(x[..., 4:], state, layers="all", record="all")
    joined = jax.tree.map(lambda a, b: np.concatenate([a, b], -1), head, tail)
    assert_same(joined, found)
    free = hdf5.inference(path)
    for number in (0, 1):
        before, wiped = 1 + number, free.init(1)
        _, state = free.run(x[..., :before], wiped)
        again = free.run(x[..., before:], free.rest(state), layers="all", record="current")[0]
        steps = slice(before, before + 5)
        if number == 0:
            expected = np.asarray(again[0]["current"])[..., :5]
            np.testing.assert_array_equal(found[0]["current"][..., steps], expected)


def test_states_after_a_step_in_python_integers(tmp_path):
    neuron = CUBA | {"iDecay": [100, 4096, 0], "vDecay": [7, 0, 4096], "vThMant": 9}
    weight = even(3, 5)
    bias = np.array([2.0, -4, 0])
    network = hdf5.inference(
        written(tmp_path / "a.net", [dense(3, 5, neuron, weight=weight, bias=bias)])
    )
    x = np.random.default_rng(1).integers(0, 2, (1, 5, 30))
    found = jax.device_get(network(x, record="all")[0])
    u, v, before = [0] * 3, [0] * 3, np.zeros(5)
    cut = lambda value, k: (1 if value >= 0 else -1) * ((abs(value) * k) >> 12)
    for t in range(30):
        for c in range(3):
            u[c] = cut(u[c], 4096 - neuron["iDecay"][c]) + (int(weight[c] @ before) << 6)
            v[c] = cut(v[c], 4096 - neuron["vDecay"][c]) + u[c] + (int(bias[c]) << 6)
            spike = v[c] > neuron["vThMant"] << 6
            v[c] = 0 if spike else v[c]
            assert found["spike"][0, c, t] == spike
            assert (found["current"][0, c, t], found["voltage"][0, c, t]) == (u[c], v[c])
        before = x[0, :, t]
    assert found["spike"].any()


def test_currents_wrap_and_voltages_are_clipped_at_24_bits(tmp_path):
    hold = CUBA | {"iDecay": 0, "vDecay": 0, "vThMant": 2**18 - 1}
    weight = np.full((1, 16), 254, np.float32)
    network = hdf5.inference(written(tmp_path / "a.net", [dense(1, 16, hold, weight=weight)]))
    found = network(np.ones((1, 16, 60)), record="all")[0]
    drive = 254 * 16 * 64
    current = (np.arange(60) * drive + 2**23) % 2**24 - 2**23
    np.testing.assert_array_equal(found["current"][0, 0], current)
    assert current.min() < 0
    voltage = 0
    for t in range(60):
        voltage = np.clip(voltage + current[t], 1 - 2**23, 2**23 - 1)
        assert found["voltage"][0, 0, t] == voltage
    assert not found["spike"].any()


def test_a_synapse_without_a_neuron_is_an_integrator_that_never_spikes(tmp_path):
    bare = {n: v for n, v in dense(2, 3).items() if not n.startswith("neuron")}
    network = hdf5.inference(written(tmp_path / "a.net", [bare]))
    x = np.random.default_rng(2).integers(0, 2, (1, 3, 9))
    found = network(x, record="all")[0]
    total = 64 * np.cumsum(bare["weight"] @ np.roll(np.pad(x[0], [(0, 0), (0, 1)]), 1)[:, :9], 1)
    np.testing.assert_array_equal(found["current"][0], total)
    np.testing.assert_array_equal(found["voltage"][0], total)
    assert not found["spike"].any()


SLOW = CUBA | {"iDecay": 4096, "vDecay": 4096, "vThMant": 2**17}


def drives(path, x, **options):
    """What arrives at each neuron, in integer weights."""
    return np.asarray(hdf5.inference(path, **options)(x, record="current")[0]["current"])[0] // 64


@pytest.mark.parametrize(
    ("outputs", "inputs", "delay", "per_row"),
    [
        (4, 3, [0, 5, 2, 1], True),
        (3, 3, [0, 2, 1], True),
        (4, 3, [0, 2, 1], False),
        (2, 3, 4, True),
    ],
)
def test_delays_of_rows_and_columns(outputs, inputs, delay, per_row, tmp_path):
    block = dense(outputs, inputs, SLOW, delay=np.array(delay, np.float32))
    x = np.random.default_rng(3).integers(0, 2, (1, inputs, 20))
    found = drives(written(tmp_path / "a.net", [block]), x)
    steps = np.broadcast_to(delay, outputs if per_row else inputs)
    for t in range(20):
        for o in range(outputs):
            past = [t - 1 - steps[o if per_row else i] for i in range(inputs)]
            seen = [x[0, i, past[i]] if past[i] >= 0 else 0 for i in range(inputs)]
            assert found[o, t] == block["weight"][o] @ seen


def test_delays_above_62_are_cut_with_a_warning(tmp_path):
    path = written(tmp_path / "a.net", [dense(1, 1, SLOW, delay=np.float32(70))])
    with pytest.warns(UserWarning, match="layer/0: delays above 62 are cut to it"):
        found = drives(path, np.ones((1, 1, 70)))
    assert list(np.flatnonzero(found[0])) == list(range(63, 70))


def test_delays_of_images_are_ignored_with_a_warning_or_applied(tmp_path):
    block = conv((3, 3, 3), even(3, 1, 2, 2), SLOW, delay=np.array([0.0, 3, 1]))
    path = written(tmp_path / "a.net", [block])
    x = np.random.default_rng(4).integers(0, 2, (1, 1, 4, 4, 9))
    with pytest.warns(UserWarning, match="delay is ignored, as by hardware; conv_delay='apply'"):
        plain = drives(path, x)
    applied = drives(path, x, conv_delay="apply")
    for channel, steps in enumerate((0, 3, 1)):
        late_by = np.pad(plain[channel], [(0, 0), (0, 0), (steps, 0)])[..., :9]
        np.testing.assert_array_equal(applied[channel], late_by)


def test_a_late_signal_takes_its_past_along():
    x = jnp.arange(24, dtype=jnp.int32).reshape(8, 3)
    delay = jnp.array([0, 2, 1], jnp.int32)
    past = jnp.zeros((2, 3), jnp.int32)
    whole, _ = late(past, x, delay, 2)
    head, kept = late(past, x[:3], delay, 2)
    tail, _ = late(kept, x[3:], delay, 2)
    np.testing.assert_array_equal(jnp.concatenate([head, tail]), whole)
    np.testing.assert_array_equal(whole[:, 1], [0, 0, 1, 4, 7, 10, 13, 16])


@pytest.mark.parametrize("largest", [1, 100, 2**16, 2**31 - 1])
@pytest.mark.parametrize("rows", [4, 3000])
def test_sums_are_exact_and_wrap_at_32_bits(largest, rows):
    rng = np.random.default_rng(5)
    weight = rng.integers(-256, 255, (rows, 5))
    x = rng.integers(-largest, largest + 1, (6, rows))
    bits = sums.digit_bits(int(np.abs(weight).sum(0).max()))
    product = lambda part: jnp.matmul(part, jnp.asarray(weight).astype(part.dtype))
    found = sums.exact_sum(product, jnp.asarray(x, jnp.int32), bits, binary=False)
    expected = (x.astype(object) @ weight.astype(object)).astype(object)
    wrapped = [[(int(n) + 2**31) % 2**32 - 2**31 for n in row] for row in expected]
    np.testing.assert_array_equal(found, wrapped)


def test_sums_too_large_for_any_digit_are_taken_in_int32():
    assert sums.digit_bits(2**24) == 0
    assert sums.digit_bits(2**24 + 1) == 0
    assert sums.digit_bits(2**23) == 1
    assert sums.digit_bits(0) == 24
    product = lambda part: part * jnp.asarray([2**24 + 1], part.dtype)
    assert sums.exact_sum(product, jnp.ones(1, jnp.int32), 0, binary=False)[0] == 2**24 + 1


def test_layouts_of_one_sample_hold_the_same(tmp_path):
    path = small(tmp_path)
    x = frames(8, batch=1)
    ours = hdf5.inference(path)(x, layers="all")
    theirs = hdf5.inference(path, layout="client")(x[0].swapaxes(0, 2), layers="all")
    assert theirs[1]["spike"].shape == (4, 4, 3, 8)
    np.testing.assert_array_equal(ours[1]["spike"][0].swapaxes(0, 2), theirs[1]["spike"])
    np.testing.assert_array_equal(ours[3]["spike"][0], theirs[3]["spike"])


def test_data_without_time_are_held(tmp_path):
    network = hdf5.inference(small(tmp_path))
    frame = frames(1)[..., 0]
    held = np.repeat(frame[..., None], 6, -1)
    assert_same(network(frame, steps=6), network(held))
    assert_same(network(held, steps=4), network(held[..., :4]))


def test_events_count_as_one_unless_they_are_numbers(tmp_path):
    path = written(tmp_path / "a.net", [dense(4, 3, SLOW)])
    x = np.random.default_rng(6).integers(0, 4, (1, 3, 9))
    plain = drives(path, x)
    for events in (
        x != 0,
        (x != 0).astype(np.float32),
        x * 0.25,
        jnp.asarray(x != 0, jnp.bfloat16),
    ):
        np.testing.assert_array_equal(drives(path, events), plain)
    graded = drives(path, x, input_message_bits=8)
    np.testing.assert_array_equal(graded[:, 1:], even(4, 3) @ x[0, :, :-1])


def test_encode_rounds_scales_and_cuts(tmp_path):
    block = layer("input", (3,), SDNN, weight=np.float32([40]), bias=np.float32([36]))
    network = hdf5.inference(written(tmp_path / "a.net", [block]))
    x = np.array([-1.0, 0.0, 0.51, 9.0, -9.0])
    rounded = np.array([-64, 0, 32, 254, -256])
    np.testing.assert_array_equal(network.encode(x), np.trunc(rounded * 40 / 64 + 36))
    plain = hdf5.inference(written(tmp_path / "b.net", [layer("input", (3,), SDNN)]))
    np.testing.assert_array_equal(plain.encode(x), rounded)
    other = hdf5.inference(written(tmp_path / "c.net", [dense(4, 3)]))
    with pytest.raises(ValueError, match=r"layer/0 of .* is dense, expected input"):
        other.encode(x)


def test_averages_come_last_as_means(tmp_path):
    path = written(tmp_path / "a.net", [dense(4, 3, QUICK), layer("average", (2, 1, 1))])
    found = hdf5.inference(path)(np.ones((1, 3, 9)), layers="all")
    spikes = np.asarray(found[0]["spike"], np.float32)
    np.testing.assert_array_equal(found[1]["spike"][0], spikes[0].reshape(2, 2, 9).mean(1))
    path = written(tmp_path / "b.net", [dense(4, 3), layer("average", (2, 1, 1)), dense(1, 2)])
    with pytest.raises(hdf5.NetworkFileError, match="`layer/2` stands behind an average, expected"):
        hdf5.inference(path)


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        (dense(4, 3, CUBA | {"gradedSpike": True}), "gradedSpike is not done by hardware"),
        (dense(4, 3, CUBA | {"refDelay": 2}), "refDelay 2 is not done"),
        (dense(4, 3, CUBA | {"weight_exp": [1.0]}), "weight_exp is not done by hardware"),
        (dense(4, 3, SDNN | {"activation": "tanh"}), "activation tanh is not done by hardware"),
        (dense(4, 3, weight=even(4, 3) * 20), r"weight leaves .-256, 254. and is clipped"),
        (dense(4, 3, weight=even(4, 3) + 1), "weight holds odd numbers"),
        (layer("input", (3,), CUBA), "data enter the voltage; training filtered them"),
    ],
)
def test_what_hardware_does_not_do_is_warned_about(block, sentence, tmp_path):
    with pytest.warns(UserWarning, match=f"a.net: layer/0: {sentence}"):
        hdf5.inference(written(tmp_path / "a.net", [block]))


@pytest.mark.parametrize(
    ("block", "sentence"),
    [
        (dense(4, 3, RF, **parts(4, 3), bias=even(4)), "`layer/0/bias` is not 0, expected none"),
        (
            dense(4, 3, SDNN | {"sigma_output": True}, bias=even(4)),
            "`layer/0/bias` is not 0, expected none, for a neuron SDNN",
        ),
        (
            {n: v for n, v in dense(4, 3, **parts(4, 3)).items() if not n.startswith("neuron")},
            "`layer/0/neuron` is missing, expected one, for complex weights",
        ),
    ],
)
def test_what_hardware_cannot_say_is_refused(block, sentence, tmp_path):
    with pytest.raises(hdf5.NetworkFileError, match=sentence):
        hdf5.inference(written(tmp_path / "a.net", [block]))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"layout": "torch"}, "`layout` is 'torch', expected one of 'slayer', 'client'"),
        ({"conv_delay": "half"}, "`conv_delay` is 'half', expected one of 'ignore', 'apply'"),
        ({"reset_interval": 0}, "`reset_interval` is 0, expected a whole number of at least 1"),
        ({"input_message_bits": -1}, "`input_message_bits` is -1, expected numbers in"),
        ({"spike_exp": 7}, "`spike_exp` is 7, expected numbers in"),
        ({"reset_interval": 4}, "`reset_interval` is 4, expected None: layer/7 is a sigma-delta"),
    ],
)
def test_options_that_are_none_are_refused(options, sentence, tmp_path):
    with pytest.raises(ValueError, match=sentence):
        hdf5.inference(mixed(tmp_path), **options)


@pytest.mark.parametrize(
    ("x", "options", "error", "sentence"),
    [
        (np.ones((1, 4, 9)), {}, ValueError, r"`x` has shape \(1, 4, 9\), expected .* with \[3\]"),
        (np.ones((1, 3, 0)), {}, ValueError, "`x` has shape .* with no time step"),
        (np.ones(3), {}, ValueError, r"`x` has shape \(3,\) \(1 axes\), expected \[N, C, T or"),
        (np.ones((1, 3)), {}, ValueError, "`steps` is None, expected a number for data of shape"),
        (np.ones((1, 3)), {"steps": 0}, ValueError, "`steps` is 0, expected a whole number"),
        (np.ones((1, 3, 9)), {"steps": 10}, ValueError, "`steps` is 10, expected 1 to 9"),
        (np.full((1, 3, 9), 0.5), {}, ValueError, "`x` holds numbers from 0.0 to 0.5, expected wh"),
        (np.full((1, 3, 9), 2**40), {}, ValueError, "`x` holds numbers from 0 to 1099511627776"),
        (np.full((1, 3, 9), np.nan), {}, ValueError, "`x` holds NaN or infinity"),
        (np.full((1, 3, 9), "a"), {}, TypeError, "`x` has dtype <U1, expected real numbers"),
        (np.ones((1, 3, 9)), {"layers": [4]}, ValueError, "`layers` is 4, expected one of 0"),
        (np.ones((1, 3, 9)), {"layers": "last"}, ValueError, "`layers` is 'last', expected one of"),
        (np.ones((1, 3, 9)), {"record": "u"}, ValueError, "`record` is 'u', expected one of 'curr"),
    ],
)
def test_data_that_do_not_fit_are_refused(x, options, error, sentence, tmp_path):
    path = written(tmp_path / "a.net", [dense(4, 3)])
    network = hdf5.inference(path, input_message_bits=8)
    with pytest.raises(error, match=sentence):
        network(x, **options)


def test_images_of_another_size_are_refused_where_no_input_layer_tells_it(tmp_path):
    path = written(tmp_path / "a.net", [conv((3, 4, 4), even(3, 2, 2, 2))])
    network = hdf5.inference(path)
    assert network(np.ones((1, 2, 5, 5, 3)))[0]["spike"].shape == (1, 3, 4, 4, 3)
    for shape in ((1, 2, 6, 5, 3), (1, 3, 5, 5, 3), (1, 2, 25, 3)):
        with pytest.raises(ValueError, match=r"`x` "):
            network(np.ones(shape), steps=3)


def test_traced_data_must_be_whole_numbers(tmp_path):
    network = hdf5.inference(written(tmp_path / "a.net", [dense(4, 3)]))
    step = jax.jit(lambda state, x: network.step(state, x))
    state, _ = step(network.init(1), jnp.ones((1, 3), jnp.int8))
    step(state, jnp.ones((1, 3), bool))
    with pytest.raises(TypeError, match="`x` has dtype float32 while it is traced, expected whole"):
        step(state, jnp.ones((1, 3)))


def test_calls_of_one_shape_are_compiled_once(tmp_path):
    network = hdf5.inference(written(tmp_path / "a.net", [dense(4, 3)]))
    x = np.ones((1, 3, 9))
    network(x)
    with jax.log_compiles(False):
        before = network._compiled._cache_size()
        network(x)
        network(x != 0)
    assert network._compiled._cache_size() == before == 1


def test_a_file_that_was_read_runs_too(tmp_path):
    file = hdf5.read(written(tmp_path / "a.net", [dense(4, 3)]))
    changed = dataclasses.replace(file, path="elsewhere")
    assert repr(hdf5.inference(changed)) == "HardwareNetwork(dense[4])"
