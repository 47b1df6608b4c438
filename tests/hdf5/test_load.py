"""Loading network files: the numbers of the file, in networks that run and train on."""

import re
import warnings

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import Sequential, block, hdf5, neuron
from jslayer.hdf5 import NetworkFileError
from tests.golden import blocks as golden_blocks
from tests.golden import compare, load
from tests.hdf5.files import ALIF, CUBA, RF, SDNN, conv, dense, even, layer, written
from tests.hdf5.round_trip import events, every_block, export, initial, moved, run, trip

NEURON = {"threshold": 1.0, "current_decay": 0.25, "voltage_decay": 0.03}


def leaf(tree, path):
    for part in path.split("/"):
        tree = tree[part]
    return tree


def test_the_very_integers_come_back(tmp_path):
    path = written(
        tmp_path / "a.net",
        [
            dense(4, 3, CUBA | {"type": "LOIHI"}, bias=[2.0, -4, 0, 6], delay=[0, 1, 2, 70]),
            dense(2, 4, RF, weight=None, weight__real=even(2, 4), weight__imag=even(2, 4, seed=1)),
        ],
    )
    with pytest.warns(UserWarning, match="layer/0: delays above 62 are cut to it"):
        network, variables = hdf5.load(path)
    at = lambda name: np.asarray(leaf(variables, name))
    assert [type(one).__module__.split(".")[-1] for one in network.blocks] == ["cuba", "rf"]
    np.testing.assert_array_equal(at("params/blocks_0/synapse/weight") * 64, even(4, 3))
    assert at("params/blocks_0/delay_line/delay").tolist() == [0, 1, 2, 62]
    assert at("constants/blocks_0/neuron/current_decay") * 4096 == 1024
    mean = at("batch_stats/blocks_0/neuron/norm/running_mean") * 64
    assert mean.tolist() == [-2, 4, 0, -6]
    np.testing.assert_array_equal(
        at("params/blocks_1/synapse/imag/weight") * 64, even(2, 4, seed=1)
    )
    assert at("constants/blocks_1/neuron/sin_decay") * 4096 == 2000
    assert at("constants/blocks_1/neuron/cos_decay") * 4096 == 3000
    assert network.blocks[0].new_neuron().v_th_mant == 80


def test_the_tree_is_that_of_init_and_all_arguments_reach_the_blocks(tmp_path):
    source = every_block("cuba", shared_param=False)
    x = events()
    variables = initial(source, x)
    export(tmp_path / "a.net", source, variables)
    options = {"requires_grad": True, "weight_norm": True, "count_log": True}
    network, loaded = hdf5.load(
        tmp_path / "a.net",
        persistent_state=True,
        neuron={"tau_grad": 0.2, "threshold_grad": True},
        **options,
    )
    shapes = jax.eval_shape(network.init, jax.random.key(0), x)
    kept = {name: tree for name, tree in shapes.items() if name != "state"}
    assert "state" in shapes
    assert jax.tree.structure(kept) == jax.tree.structure(loaded)
    same = jax.tree.map(lambda a, b: a.shape == b.shape and a.dtype == b.dtype, kept, loaded)
    assert all(jax.tree.leaves(same))
    assert network.blocks[1].new_neuron().tau_grad == 0.2
    assert all(one.count_log for one in network.blocks)


@pytest.mark.parametrize("scale", [10, 50, 64, 100])
def test_thresholds_survive_scales_that_are_no_powers_of_two(scale, tmp_path):
    for mantissa in range(1, 130):
        made = written(tmp_path / "a.net", [dense(1, 1, CUBA | {"vThMant": mantissa})])
        with h5py.File(made, "a") as file:
            file["layer/0"].attrs["w_scale"] = scale
        network, _ = hdf5.load(made)
        assert network.blocks[0].new_neuron().v_th_mant == mantissa


@pytest.mark.parametrize("per_channel", ["iDecay", "vThMant"])
def test_numbers_per_channel_stay_so(per_channel, tmp_path):
    values = CUBA | {"iDecay": 4000, per_channel: np.array([50, 60, 70])}
    path = written(tmp_path / "a.net", [dense(3, 2, values)])
    network, variables = hdf5.load(path)
    hdf5.export(tmp_path / "b.net", network, variables)
    with h5py.File(tmp_path / "b.net") as file:
        assert file[f"layer/0/neuron/{per_channel}"][()].tolist() == [50, 60, 70]
    assert run(network, variables, jnp.ones((1, 2, 5))).shape == (1, 3, 5)


def test_a_read_out_keeps_decays_per_channel_that_it_does_not_use(tmp_path):
    values = ALIF | {"vThMant": 2**18 - 1, "thDecay": np.array([5, 6, 7])}
    network, variables = hdf5.load(written(tmp_path / "a.net", [dense(3, 2, values)]))
    assert type(network.blocks[0]).__name__ == "Affine"
    export(tmp_path / "b.net", network, variables)
    with h5py.File(tmp_path / "b.net") as file:
        assert file["layer/0/neuron/thDecay"][()].tolist() == [5, 6, 7]


def test_a_rotation_is_not_worked_out_again(tmp_path):
    rng = np.random.default_rng(0)
    angle, gain = rng.uniform(0.01, np.pi / 2, 300), rng.uniform(0.2, 1, 300)
    sin, cos = (np.round(4096 * gain * f(angle)).astype(int) for f in (np.sin, np.cos))
    both = {"weight": None, "weight__real": even(300, 2), "weight__imag": even(300, 2)}
    cells = RF | {"sinDecay": np.maximum(sin, 1), "cosDecay": cos}
    network, variables = hdf5.load(written(tmp_path / "a.net", [dense(300, 2, cells, **both)]))
    hdf5.export(tmp_path / "b.net", network, variables)
    found = hdf5.read(tmp_path / "b.net").layers[0].neuron
    np.testing.assert_array_equal(found.sin_decay, np.maximum(sin, 1))
    np.testing.assert_array_equal(found.cos_decay, cos)


def test_a_loaded_network_trains_on(tmp_path):
    source = every_block("cuba")
    x = events()
    export(tmp_path / "a.net", source, moved(initial(source, x)))
    network, variables = hdf5.load(
        tmp_path / "a.net",
        requires_grad=True,
        last="readout",
        neuron={"tau_grad": 0.1, "scale_grad": 2.0},
    )
    params = variables["params"]
    held = {name: tree for name, tree in variables.items() if name != "params"}
    optimizer = optax.sgd(0.02)

    @jax.jit
    def step(params, state):
        def loss(params):
            return jnp.mean((network.apply({"params": params, **held}, x) - 3.0) ** 2)

        value, grads = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(grads, state)
        return optax.apply_updates(params, updates), state, value

    state, losses = optimizer.init(params), []
    for _ in range(3):
        params, state, value = step(params, state)
        losses.append(float(value))
    assert losses[2] < losses[0]
    export(tmp_path / "b.net", network, {"params": params, **held})
    assert any("weight" in line for line in hdf5.diff(tmp_path / "a.net", tmp_path / "b.net"))


@pytest.mark.parametrize("bias", [[3.0, -2, 1, 0], [400.0, -2, 0, -1000]])
def test_biases_that_no_quantiser_keeps_stay_as_they_are(bias, tmp_path):
    made = written(tmp_path / "a.net", [dense(4, 3, CUBA, bias=np.float32(bias))])
    network, variables = hdf5.load(made)
    x = events((1, 3, 12), rate=0.6)
    hardware = hdf5.inference(made)
    first, state = hardware.run(x[..., :1])
    # the bias acts before the first input there: start behind it, at rest
    rest, _ = hardware.run(x[..., 1:], hardware.rest(state))
    spikes = np.concatenate([0 * first[0]["spike"], rest[0]["spike"]], -1)
    np.testing.assert_array_equal(run(network, variables, x), spikes)
    hdf5.export(tmp_path / "b.net", network, variables)
    assert hdf5.read(tmp_path / "b.net").layers[0].bias.tolist() == bias


def test_odd_weights_stay_odd_without_a_quantiser(tmp_path):
    made = written(tmp_path / "a.net", [dense(2, 3, CUBA, weight=even(2, 3) + 1)])
    with pytest.warns(UserWarning, match="layer/0: weight holds odd numbers, or some beyond"):
        network, variables = hdf5.load(made)
    x = events((1, 3, 12), rate=0.6)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        spikes = hdf5.inference(made)(x)[0]["spike"]
    np.testing.assert_array_equal(run(network, variables, x), spikes)
    with pytest.raises(ValueError, match="times scale 64 holds"):
        hdf5.export(tmp_path / "b.net", network, variables)


def test_the_input_may_be_left_out_and_the_last_layer_read_out(tmp_path):
    made = written(tmp_path / "a.net", [layer("input", (3,), CUBA), dense(2, 3), dense(2, 2, SDNN)])
    network, _ = hdf5.load(made, first="events")
    assert [type(one).__name__ for one in network.blocks] == ["Dense", "Dense"]
    network, _ = hdf5.load(made, last="readout", delay_shift=True)
    assert [type(one).__name__ for one in network.blocks] == ["Input", "Dense", "Affine"]
    made = written(tmp_path / "a.net", [dense(2, 3, CUBA | {"vThMant": 2**18 - 1})])
    assert type(hdf5.load(made)[0].blocks[0]).__name__ == "Affine"
    assert type(hdf5.load(made, last="spikes")[0].blocks[0]).__name__ == "Dense"


def test_thresholds_of_zero_are_those_that_hardware_has(tmp_path):
    turn = dense(3, 2, RF | {"vThMant": 0}, weight=None, weight__real=even(3, 2),
                 weight__imag=even(3, 2, seed=1))  # fmt: skip
    layers = [
        dense(2, 3, CUBA | {"vThMant": 0}),
        turn,
        dense(4, 3, CUBA | {"vThMant": [0, 80, 0, 4]}),
    ]
    made = written(tmp_path / "a.net", layers)
    network, variables = hdf5.load(made)
    x = events((2, 3, 25), rate=0.2).at[..., :5].set(0)
    spikes = [found["spike"] for found in hdf5.inference(made).run(x, layers="all")[0].values()]
    assert all(one.any() and not one[..., :6].any() for one in spikes)

    def total(params):
        y = network.apply({**variables, "params": params}, x)
        return y.sum(), y

    slopes, y = jax.jit(jax.grad(total, has_aux=True))(variables["params"])
    np.testing.assert_array_equal(y, spikes[2])
    assert all(np.isfinite(slope).all() and slope.any() for slope in jax.tree.leaves(slopes))
    wide = [np.asarray(one.new_neuron().tau_rho).tolist() for one in network.blocks]
    assert wide == [1 / 64, 1 / 64, [1 / 64, 1.25, 1 / 64, 1 / 16]]
    assert trip(tmp_path, network, variables)[2] == []
    kept = [one.neuron.threshold.tolist() for one in hdf5.read(tmp_path / "b.net").layers]
    assert kept == [0, 0, [0, 80, 0, 4]]


@pytest.mark.parametrize("images", [False, True])
def test_delays_of_the_inputs_are_those_that_hardware_makes(images, tmp_path):
    steps = [0, 3, 1, 2, 0, 5, 70, 4]
    layers = [dense(3, 8, delay=steps), dense(2, 3, delay=[1.0, 0, 2])]
    if images:
        layers.insert(0, layer("input", (2, 2, 2)))
    made = written(tmp_path / "a.net", layers)
    with pytest.warns(UserWarning, match=r"layer/\d: delays above 62 are cut to it"):
        network, variables = hdf5.load(made)
    x = events((2, 2, 2, 2, 75) if images else (2, 8, 75), rate=0.5)
    if images:
        assert network.blocks[1].in_neurons == (2, 2, 2)
        network = network.clone(
            blocks=(network.blocks[0].clone(delay_shift=False), *network.blocks[1:])
        )
    assert [one.delay for one in network.blocks[-2:]] == ["inputs", "inputs"]
    with pytest.warns(UserWarning, match="are cut to it"):
        spikes = hdf5.inference(made)(x)[len(layers) - 1]["spike"]
    assert spikes.any()
    np.testing.assert_array_equal(run(network, variables, x).reshape(spikes.shape), spikes)
    _, _, lines = trip(tmp_path, network, variables)
    assert lines == []
    if not images:
        kept = [one.delay.tolist() for one in hdf5.read(tmp_path / "b.net").layers]
        assert kept == [np.minimum(steps, 62).tolist(), [1, 0, 2]]


def test_delays_of_as_many_inputs_as_outputs_have_no_place_in_the_file(tmp_path):
    network = Sequential([block.cuba.Dense(NEURON, 2, 2, delay="inputs")])
    variables = initial(network, jnp.ones((1, 2, 3)))
    line = variables["params"]["blocks_0"]["delay_line"]
    line["delay"] = jnp.array([1.0, 2])
    with pytest.raises(ValueError, match="in a layer of 2 inputs and as many outputs"):
        export(tmp_path / "a.net", network, variables)
    line["delay"] = jnp.array([2.0, 2])  # the same said of the outputs
    export(tmp_path / "a.net", network, variables)
    again, loaded = hdf5.load(tmp_path / "a.net")
    x = events((1, 2, 9), rate=0.6)
    np.testing.assert_array_equal(run(again, loaded, x), run(network, variables, x))


def test_only_dense_layers_delay_their_inputs():
    conv_layer = block.cuba.Conv(NEURON, 1, 2, 1, delay="inputs")
    with pytest.raises(ValueError, match="`delay` is 'inputs', expected one of False, True;"):
        jax.eval_shape(conv_layer.init, jax.random.key(0), jnp.ones((1, 1, 2, 2, 3)))


IMAGES = conv((2, 3, 3), even(2, 1, 2, 2))


@pytest.mark.parametrize(
    ("layers", "options", "sentence"),
    [
        ([dense(2, 3, kind="dense_rec", weight_rec=even(2, 2), delay=[1, 2, 3])], {},
         "layer/0/delay` has shape (3,), expected one number, or 2"),
        ([dense(2, 3, CUBA | {"vThMant": 2**18 - 1}, delay=[1, 2])], {},
         "layer/0/delay` is not 0, expected none, in a block Affine"),
        ([dense(2, 3, SDNN | {"sigma_output": True}, delay=[1, 2, 3])], {},
         "layer/0/delay` is not 0, expected none, in a block Output"),
        ([dense(2, 3, CUBA | {"vThMant": 0})], {"neuron": {"threshold_grad": True}},
         "Exactly 0 is for cuba, rf and adrf"),
        ([dense(2, 3, ALIF | {"vThMant": 0})], {}, "Exactly 0 is for cuba, rf and adrf"),
        ([dense(2, 3, RF | {"cosDecay": -5}, weight=None, weight__real=even(2, 3),
                weight__imag=even(2, 3))], {}, "layer/0/neuron` has numbers that no neuron"),
        ([dense(2, 3, SDNN | {"activation": "save"})], {}, "layer/0/neuron/activation` is 'save'"),
        ([dense(2, 3, SDNN | {"sigma_output": True}, bias=[2.0, 2])], {}, "layer/0/bias` is not 0"),
        ([IMAGES | {"neuron/" + n: None for n in CUBA}], {}, "layer/0/neuron` is missing"),
        ([layer("input", (3,))], {"first": "events"}, "has only an input layer"),
        ([IMAGES], {"last": "readout"}, "layer/0` is a layer of type conv, expected a dense"),
        ([dense(2, 3), layer("concat", (5,), layers=[0]) | {"shape": np.array([4])}], {},
         "layer/1/type` is concat, with which the network ends, expected a layer behind it"),
        ([dense(2, 3, kind="dense_rec", weight_rec=even(2, 2), bias=[2.0, 2])], {},
         "layer/0/bias` is not 0, expected none, in a layer with feedback"),
    ],
)  # fmt: skip
def test_what_no_block_can_be_is_refused(layers, options, sentence, tmp_path):
    made = written(tmp_path / "a.net", layers)
    with pytest.raises(NetworkFileError, match=re.escape(sentence)):
        hdf5.load(made, **options)


@pytest.mark.parametrize(
    ("attributes", "sentence"),
    [
        ({"block": "Nothing"}, "has the attribute block 'Nothing', expected Affine or Output"),
        ({"delay_shift": 7}, "has the attribute delay_shift 7, expected true or false"),
        ({"in_shape": np.array([2, 2])}, "has the attribute in_shape [2, 2]"),
        ({"in_shape": "wide"}, "has the attribute in_shape 'wide'"),
        ({"neuron_bias": np.array([1.0, np.nan])}, "has the attribute neuron_bias"),
    ],
)
def test_attributes_of_nonsense_are_refused(attributes, sentence, tmp_path):
    made = written(tmp_path / "a.net", [dense(2, 3, SDNN, bias=[0.0, 2])])
    with h5py.File(made, "a") as file:
        file["layer/0"].attrs.update(attributes)
    with pytest.raises(NetworkFileError, match=re.escape(sentence)):
        hdf5.load(made)


def test_winners_whose_attributes_do_not_fit_are_refused(tmp_path):
    network = Sequential([block.cuba.KWTA({**NEURON, "current_decay": 1.0}, 3, 4, 2)])
    hdf5.export(tmp_path / "a.net", network, initial(network, jnp.ones((1, 3, 2))))
    with h5py.File(tmp_path / "a.net", "a") as file:
        del file.attrs["checksum"]
    for name, value, sentence in (
        ("num_winners", 9, "has the attributes"),
        ("drive_bias", np.inf, "has the attributes"),
        ("self_excitation", 0.25, "weight_rec` is not the feedback of k winners take all"),
    ):
        with h5py.File(tmp_path / "a.net", "a") as file:
            kept = file["layer/0"].attrs[name]
            file["layer/0"].attrs[name] = value
        with pytest.raises(NetworkFileError, match=sentence):
            hdf5.load(tmp_path / "a.net")
        with h5py.File(tmp_path / "a.net", "a") as file:
            file["layer/0"].attrs[name] = kept
    hdf5.load(tmp_path / "a.net")


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"neuron": {"threshold": 3}}, "`neuron` holds threshold, expected of .*tau_grad"),
        ({"neuron": {"nothing": 3}}, "`neuron` holds nothing, expected of .*threshold_grad"),
        ({"first": "here"}, "`first` is 'here', expected one of 'file', 'events'"),
        ({"last": "here"}, "`last` is 'here', expected one of"),
        ({"delay_shift": "no"}, "`delay_shift` is 'no', expected one of None, True, False"),
    ],
)
def test_arguments_out_of_range_are_refused(options, sentence, tmp_path):
    made = written(tmp_path / "a.net", [dense(2, 3)])
    with pytest.raises(ValueError, match=sentence):
        hdf5.load(made, **options)


def test_an_activation_of_ones_own_takes_the_place_of_one_that_is_unknown(tmp_path):
    made = written(tmp_path / "a.net", [dense(2, 3, SDNN | {"activation": "mine"})])
    network, _ = hdf5.load(made, neuron={"activation": jnp.tanh})
    assert network.blocks[0].new_neuron().activation is jnp.tanh


def test_alif_and_older_shapes_load(tmp_path):
    made = written(
        tmp_path / "a.net",
        [
            layer("input", (3, 4, 4)),
            conv((2, 3, 3), even(2, 3, 2, 2)[..., None], ALIF, bias=[2.0, -2], delay=2),
            layer("flatten", (1, 1, 18)),
            layer("average", (6, 1, 1)),
        ],
    )
    network, variables = hdf5.load(made)
    y = run(network, variables, events((1, 3, 4, 4, 6)))
    assert y.shape == (1, 6, 6)
    assert network.blocks[1].new_neuron().norm is neuron.MeanOnlyBatchNorm


@pytest.mark.parametrize("name", ["mlp", "lif_cnn", "recurrent", "rf", "sdnn_cnn"])
def test_a_golden_file_gives_the_recorded_layers(name):
    cases = [c for c in load.cases("blocks") if c.id == f"net.{name}"]
    if not cases:
        pytest.skip("golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository")
    case = cases[0]
    network, variables = hdf5.load(load.folder() / f"net_{name}.net")
    last = len(network.blocks) - 1
    y = run(network, variables, jnp.asarray(case["input"]))
    names = ("eval/output", f"eval/layer/{last}", "output", f"layer/{last}")
    compare.exact(name, y, case[next(one for one in names if case.has(one))])
    assert golden_blocks.NetCase(case).network.blocks[0].__class__ is network.blocks[0].__class__


@pytest.fixture(scope="module")
def networks(shared):
    """The folder of the recorded networks."""
    folder = shared / "data/networks"
    if not folder.is_dir():
        pytest.skip(f"recorded networks absent: no folder data/networks in {shared}")
    return folder


def test_the_oxford_network_gives_what_hardware_gives(networks):
    path = networks / "oxford/network.net"
    x = events((1, 200, 200), rate=0.01)
    y = run(*hdf5.load(path), x)
    np.testing.assert_array_equal(y, hdf5.inference(path)(x)[1]["spike"])
    assert y.any()


def test_a_convolutional_network_of_elsewhere_gives_what_hardware_gives(networks, tmp_path):
    path = tmp_path / "head.net"
    with h5py.File(networks / "pilotnet_lif/network.net") as whole, h5py.File(path, "w") as head:
        for number in range(3):
            whole.copy(f"layer/{number}", head, f"layer/{number}")
    network, variables = hdf5.load(path)
    # data are those of training, in steps of which 40 x + 36 are whole numbers
    x = jnp.asarray(np.random.default_rng(0).integers(-8, 9, (1, 3, 66, 200, 1)) / 8)
    x = jnp.broadcast_to(x, (*x.shape[:-1], 6)).astype(jnp.float32)
    y = run(network, variables, x)
    hardware = hdf5.inference(path)
    spikes = np.asarray(hardware(hardware.encode(x))[2]["spike"])
    np.testing.assert_array_equal(y[..., 1:], spikes[..., :-1])
    assert y.any()


def test_a_sigma_delta_network_of_elsewhere_gives_what_hardware_gives(networks, tmp_path):
    path = tmp_path / "head.net"
    source = networks / "pilotnet_sdnn/square_network.net"
    with h5py.File(source) as whole, h5py.File(path, "w") as head:
        for number in range(2):
            whole.copy(f"layer/{number}", head, f"layer/{number}")
    network, variables = hdf5.load(path, delay_shift=True)
    frames = 2 * np.random.default_rng(0).integers(-32, 33, (1, 3, 33, 33, 6))
    y = run(network, variables, jnp.asarray(frames / 64, jnp.float32))
    found = np.asarray(hdf5.inference(path)(frames)[1]["spike"]) / 4096
    np.testing.assert_array_equal(y[..., 1:], found[..., :-1])


def test_a_loaded_network_runs_in_pieces(tmp_path):
    source = Sequential([block.cuba.Dense(NEURON, 3, 4, delay=True, weight_scale=3)])
    x = events((2, 3, 12))
    variables = moved(initial(source, x))
    network, loaded, lines = trip(tmp_path, source, variables, persistent_state=True)
    assert lines == []
    whole = run(source, variables, x)
    call = jax.jit(lambda given, part: network.apply(given, part, mutable="state"))
    start, state = call(loaded, x[..., :5])
    second, _ = call({**loaded, **state}, x[..., 5:])
    np.testing.assert_array_equal(jnp.concatenate([start, second], -1), whole)
