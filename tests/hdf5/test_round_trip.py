"""There and back: every block through a file gives the same spikes, and the same file."""

import h5py
import hypothesis
import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import Sequential, block, hdf5, neuron
from tests.hdf5.round_trip import assert_trips, events, every_block, export, initial, moved, run
from tests.neuron import cases as neurons

SLOW = pytest.mark.slow
FAMILIES = [
    pytest.param(name, marks=() if name in ("cuba", "rf_iz") else SLOW) for name in neurons.NAMES
]
LEAKY = {"threshold": 0.5, "current_decay": 0.3, "voltage_decay": 0.05}


@pytest.mark.parametrize("family", FAMILIES)
def test_all_blocks_of_a_family_come_back(family, tmp_path):
    network, x = every_block(family), events()
    variables = moved(initial(network, x))
    again, _, y = assert_trips(tmp_path, network, variables, x)
    assert [type(b).__name__ for b in again.blocks] == [type(b).__name__ for b in network.blocks]
    assert y.any()


def small(one, shape, **changes):
    network, x = Sequential([one]), events(shape)
    variables = moved(initial(network, x))
    return network, {**variables, **changes}, x


@pytest.mark.parametrize(
    ("family", "norm"),
    [
        ("cuba", "MeanOnlyBatchNorm"),
        ("alif", "WgtScaleBatchNorm"),
        ("rf", "MeanOnlyBatchNorm"),
        ("adrf_iz", "WgtScaleBatchNorm"),
        ("sigma_delta", "WgtScaleBatchNorm"),
    ],
)
def test_norms_come_back(family, norm, tmp_path):
    params = {**neurons.FIELDS[family], "norm": getattr(neuron, norm)}
    one = getattr(block, family).Dense(params, 3, 5, weight_scale=4)
    again, _, _ = assert_trips(tmp_path, *small(one, (2, 3, 14)))
    assert again.blocks[0].new_neuron().norm is getattr(neuron, norm)


@pytest.mark.parametrize(
    "one",
    [
        block.cuba.Dense({**LEAKY, "shared_param": False}, 3, 5, weight_scale=4),
        block.cuba.Dense({**LEAKY, "graded_spike": True}, 3, 5, delay_shift=False, weight_scale=4),
        block.cuba.Dense({**LEAKY, "scale": 100}, 3, 5, weight_scale=3),
        block.cuba.Dense({**LEAKY, "readout": True}, 3, 5),
        block.cuba.Affine(LEAKY, 3, 5, dynamics=False),
        block.cuba.Output(LEAKY, 3, 5),
        block.rf.Affine(neurons.FIELDS["rf"], 3, 5, dynamics=False),
        block.sigma_delta.Output({"threshold": 0.1, "activation": "relu"}, 3, 5),
        block.sigma_delta.Dense(
            {"threshold": 0.1, "activation": "leaky_relu", "cum_error": True},
            3,
            5,
            delay_shift=True,
        ),
        block.sigma_delta.Dense(
            {"threshold": 0.1, "activation": "relu", "bias": (-1.0, 1.0)}, 3, 5
        ),
        block.sigma_delta.Dense(
            {
                "threshold": 0.1,
                "activation": "relu",
                "bias": 0.3,
                "bias_param": True,
                "norm": neuron.MeanOnlyBatchNorm,
            },
            3,
            5,
        ),
        block.cuba.KWTA({**LEAKY, "current_decay": 1.0}, 3, 5, 2, self_excitation=0.2),
        block.alif.KWTA(neurons.FIELDS["alif"], 3, 5, 2, bias=1.5, weight_scale=3),
        block.cuba.Dense({**LEAKY, "shared_param": False}, 3, 1, weight_scale=4),
        block.cuba.Dense(
            {**LEAKY, "shared_param": False, "threshold_grad": True}, 3, 4, weight_scale=4
        ),
        block.cuba.Dense(LEAKY, 3, 4, mask=np.eye(4, 3), weight_norm=True),
    ],
    ids=lambda one: f"{type(one).__module__.split('.')[-1]}.{type(one).__name__}",
)
def test_options_come_back(one, tmp_path):
    assert_trips(tmp_path, *small(one, (2, 3, 14)))


def test_an_image_straight_into_a_dense_layer_comes_back(tmp_path):
    one = block.cuba.Dense(LEAKY, (4, 3, 2), 5, weight_scale=3)
    again, loaded, _ = assert_trips(tmp_path, *small(one, (2, 2, 3, 4, 14)))
    assert again.blocks[0].in_neurons == (4, 3, 2)
    assert loaded["params"]["blocks_0"]["synapse"]["weight"].shape == (5, 2, 3, 4)
    both = Sequential([block.cuba.Conv(LEAKY, 2, 2, 2), one.clone(in_neurons=(3, 2, 2))])
    x = events((2, 2, 3, 4, 10))
    assert_trips(tmp_path, both, initial(both, x), x)


@pytest.mark.parametrize("family", ["cuba", "rf"])
def test_a_pool_that_learned_comes_back(family, tmp_path):
    one = getattr(block, family).Pool(neurons.FIELDS[family], 2, weight_norm=True)
    network, variables, x = small(one, (2, 2, 4, 4, 10))
    uneven = lambda path, v: v.at[..., 0, 0].add(0.5) if path[-1].key == "weight_v" else v
    variables = jax.tree_util.tree_map_with_path(uneven, variables)
    again, _, _ = assert_trips(tmp_path, network, variables, x)
    assert again.blocks[0].weight_norm


def test_winners_run_on_hardware_as_trained_without_a_leak_of_the_current(tmp_path):
    one = block.cuba.KWTA({**LEAKY, "current_decay": 1.0}, 6, 8, 3, weight_scale=2)
    network, variables, x = small(one, (2, 6, 20))
    hdf5.export(tmp_path / "a.net", network, variables)  # without a warning
    hardware = hdf5.inference(tmp_path / "a.net")
    y = run(network, variables, x)
    # hardware has its bias one step before the first input: start behind it, at rest and silent
    _, state = hardware.run(x[..., :1])
    state = hardware.rest(state)
    (layer,) = state["layers"]
    state["layers"] = ({**layer, "sent": jnp.zeros_like(layer["sent"])},)
    found, _ = hardware.run(x[..., 1:], state)
    np.testing.assert_array_equal(y[..., 1:], found[0]["spike"])
    assert y.any()


def test_winners_with_a_leak_are_written_as_what_they_come_to(tmp_path):
    one = block.cuba.KWTA({**LEAKY, "current_decay": 0.25}, 3, 5, 2, bias=1.5)
    network, variables, _ = small(one, (2, 3, 4))
    with pytest.warns(UserWarning, match="written is what it comes to in the long run"):
        hdf5.export(tmp_path / "a.net", network, variables)
    with h5py.File(tmp_path / "a.net") as file:
        assert file["layer/0/bias"][()].tolist() == [384.0] * 5
        assert file["layer/0"].attrs["drive_bias"] == 96
    again, _ = hdf5.load(tmp_path / "a.net")
    assert again.blocks[0].bias == 1.5


def front_page():
    """The network that the documentation opens with, on small images."""
    delta = {"threshold": 0.1, "activation": "relu"}
    turn = {"threshold": 1.0, "period": 10, "decay": 0.1}
    adapt = {**LEAKY, "threshold_step": 0.2, "threshold_decay": 0.2, "refractory_decay": 0.4}
    return Sequential(
        [
            block.sigma_delta.Input(delta),
            block.sigma_delta.Conv(delta, 3, 24, 3),
            block.sigma_delta.Conv(delta, 24, 36, 3),
            block.rf_iz.Conv(turn, 36, 64, 3, delay=True),
            block.rf_iz.Conv(turn, 64, 64, 3, delay=True),
            block.rf_iz.Flatten(),
            block.alif.Dense(adapt, None, 100, delay=True),
            block.cuba.Recurrent(LEAKY, 100, 50),
            block.cuba.KWTA(LEAKY, None, 50, 5),
        ]
    )


def test_the_front_page_network_comes_back(tmp_path):
    network = front_page()
    x = jax.random.uniform(jax.random.key(1), (1, 3, 10, 10, 12))
    variables = moved(initial(network, x))
    _, _, y = assert_trips(tmp_path, network, variables, x)
    assert y.any()


KINDS = {
    "Dense": lambda home, p, n: home.Dense(p, None, n, delay=n > 3, weight_scale=3),
    "Recurrent": lambda home, p, n: home.Recurrent(p, None, n, weight_scale=3),
    "KWTA": lambda home, p, n: home.KWTA(p, None, n, 1, bias=0.0, weight_scale=3),
    "Affine": lambda home, p, n: home.Affine(p, None, n, weight_scale=3),
}
IMAGES = {
    "Conv": lambda home, p, n: home.Conv(p, None, n, 2, padding=1, weight_scale=3),
    "ConvT": lambda home, p, n: home.ConvT(p, None, n, 2, stride=2, weight_scale=3),
    "Pool": lambda home, p, n: home.Pool(p, 2, delay=n > 3),
    "Unpool": lambda home, p, n: home.Unpool(p, 2, weight_scale=1.5),
}


@st.composite
def chains(draw):
    """A random network of up to six blocks, and the shape of its data."""
    families = st.sampled_from(neurons.NAMES)
    sizes = st.sampled_from((3, 4))  # few, since every shape of weights is compiled on its own
    one = lambda kinds: kinds[draw(st.sampled_from(sorted(kinds)))]
    parts = []

    def add(make):
        family = draw(families)
        params = {**neurons.FIELDS[family], "shared_param": draw(st.booleans())}
        parts.append(make(getattr(block, family), params, draw(sizes)))

    if draw(st.booleans()):
        parts.append(block.cuba.Input(LEAKY))
    for _ in range(draw(st.integers(0, 2))):
        add(one(IMAGES))
    parts.append(block.cuba.Flatten())
    for _ in range(draw(st.integers(1, 2))):
        add(one(KINDS))
    return Sequential(parts), draw(st.integers(0, 2**16))


@pytest.mark.slow
@hypothesis.settings(max_examples=10)
@hypothesis.given(chains())
def test_random_networks_come_back(tmp_path_factory, chain):
    network, seed = chain
    x = events((1, 2, 4, 4, 8), seed=seed)
    variables = moved(initial(network, x), seed)
    assert_trips(tmp_path_factory.mktemp("trip"), network, variables, x)


def test_reduced_weights_stand_beside_the_others(tmp_path):
    one = block.rf.Recurrent(neurons.FIELDS["rf"], 3, 4)
    network, variables, _ = small(one, (2, 3, 4))
    export(tmp_path / "a.net", network, variables)
    export(tmp_path / "b.net", network, variables, reduced_weights=True)
    lines = hdf5.diff(tmp_path / "a.net", tmp_path / "b.net")
    assert len(lines) == 8
    assert all("reduced/" in line and line.endswith("only in the second file") for line in lines)
    with h5py.File(tmp_path / "b.net") as file:
        group = file["layer/0/reduced/weight_rec/imag"]
        mantissa, exponent = group["mantissa"], int(group["exponent"][()])
        assert mantissa.dtype == np.int32
        whole = file["layer/0/weight_rec/imag"][()]
        np.testing.assert_array_equal(mantissa[()] * 2**exponent, whole)
        assert exponent >= 1
        assert (mantissa[()] % 2).any()
    hdf5.load(tmp_path / "b.net")


@pytest.mark.parametrize(
    ("weight", "exponent"),
    [([0, 0], 0), ([6, -4], 1), ([-256, 128], 7), ([3], 0), ([[2**30]], 30), ([], 0)],
)
def test_reduced_weights_are_as_small_as_they_can_be(weight, exponent):
    mantissa, found = hdf5.reduced(np.float32(weight))
    assert found == exponent
    np.testing.assert_array_equal(mantissa * 2.0**found, np.float32(weight))


def test_what_is_no_integer_is_not_reduced():
    with pytest.raises(ValueError, match="`weight` holds fractions or no numbers"):
        hdf5.reduced([0.5])
    with pytest.raises(ValueError, match="`weight` holds 3e\\+12, expected 32-bit integers"):
        hdf5.reduced([3e12])


def test_a_network_writes_itself(tmp_path):
    network, variables, _ = small(block.cuba.Dense(LEAKY, 3, 4), (1, 3, 4))
    network.export_hdf5(tmp_path / "a.net", variables)
    hdf5.export(tmp_path / "b.net", network, variables)
    assert hdf5.diff(tmp_path / "a.net", tmp_path / "b.net") == []
    assert jnp.shape(hdf5.load(tmp_path / "a.net")[1]["params"]["blocks_0"]["synapse"]["weight"])
