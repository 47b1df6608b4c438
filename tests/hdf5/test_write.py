"""Writing network files: what is refused, what is warned about, and that files stay whole."""

import copy
import os
import re
import warnings

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import hdf5, neuron
from jslayer.block import Sequential, cuba
from jslayer.block.base import Block

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}


def network_of(*blocks, shape=(1, 2, 3, 4, 5)):
    """A network and its variables as init gives them, as trees that can be changed."""
    network = Sequential(blocks)
    return network, jax.tree.map(lambda v: v, network.init(jax.random.key(0), jnp.ones(shape)))


def chain(**options):
    """Input, Flatten, Dense, Affine."""
    return network_of(
        cuba.Input(NEURON),
        cuba.Flatten(),
        cuba.Dense({**NEURON, **options}, 24, 6, delay=True),
        cuba.Affine(NEURON, 6, 3),
    )


def content(path):
    """Every dataset and attribute of a file."""
    found = {}

    def visit(name, node):
        found.update({f"{name}@{key}": value for key, value in node.attrs.items()})
        if isinstance(node, h5py.Dataset):
            found[name] = node[()]

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def test_layers_are_numbered_from_input_to_output(tmp_path):
    hdf5.export(tmp_path / "a.net", *chain())
    found = content(tmp_path / "a.net")
    types = [found[f"layer/{i}/type"][0] for i in range(4)]
    assert types == [b"input", b"flatten", b"dense", b"dense"]
    assert found["layer/0/shape"].tolist() == [2, 3, 4]
    assert found["layer/1/shape"].tolist() == [24, 1, 1]
    assert found["layer/2@w_scale"] == 64


def test_a_single_block_is_layer_zero(tmp_path):
    block = cuba.Dense(NEURON, 5, 4)
    hdf5.export(tmp_path / "a.net", block, block.init(jax.random.key(0), jnp.ones((1, 5, 3))))
    assert content(tmp_path / "a.net")["layer/0/weight"].shape == (4, 5)


def test_an_input_without_neuron_has_a_type_and_a_shape_only(tmp_path):
    hdf5.export(tmp_path / "a.net", *network_of(cuba.Input(), shape=(2, 7, 3)))
    assert set(content(tmp_path / "a.net")) == {"layer/0/type", "layer/0/shape"}


def test_exporting_twice_gives_the_same_and_leaves_the_variables(tmp_path):
    network, variables = chain()
    before = copy.deepcopy(variables)
    hdf5.export(tmp_path / "a.net", network, variables)
    hdf5.export(tmp_path / "b.net", network, variables)
    jax.tree.map(np.testing.assert_array_equal, variables, before)
    first, second = content(tmp_path / "a.net"), content(tmp_path / "b.net")
    assert list(first) == list(second)
    for name, value in first.items():
        np.testing.assert_array_equal(value, second[name], err_msg=name)


@pytest.mark.parametrize("scale", [10, 48, 64, 100])
def test_the_weights_are_those_of_the_forward_pass_for_every_scale(scale, tmp_path):
    params = NEURON | {"scale": scale}
    network, variables = network_of(cuba.Dense(params, 30, 20), shape=(1, 30, 2))
    hdf5.export(tmp_path / "a.net", network, variables)
    weight = content(tmp_path / "a.net")["layer/0/weight"]
    used = (
        network.blocks[0]
        .new_neuron()
        .quantize_8bit(variables["params"]["blocks_0"]["synapse"]["weight"])
    )
    assert (weight % 2 == 0).all()
    np.testing.assert_allclose(weight / scale, used, rtol=1e-6)


def test_delays_are_clamped_and_cut(tmp_path):
    network, variables = network_of(cuba.Dense(NEURON, 3, 4, delay=True), shape=(1, 3, 2))
    delay = jnp.array([-3.0, 0.99, 61.5, 80.0])
    variables["params"]["blocks_0"]["delay_line"]["delay"] = delay
    hdf5.export(tmp_path / "a.net", network, variables)
    assert content(tmp_path / "a.net")["layer/0/delay"].tolist() == [0, 0, 61, 62]


@pytest.mark.parametrize("learned", [True, False])
def test_decays_per_channel_are_arrays(learned, tmp_path):
    params = NEURON | {"shared_param": False, "requires_grad": learned}
    network, variables = network_of(cuba.Dense(params, 3, 4), shape=(1, 3, 2))
    hdf5.export(tmp_path / "a.net", network, variables)
    place = variables["params" if learned else "constants"]["blocks_0"]["neuron"]
    found = content(tmp_path / "a.net")["layer/0/neuron/iDecay"]
    assert found.dtype == np.int64
    assert found.tolist() == np.round(place["current_decay"] * 4096).tolist()


@pytest.mark.parametrize("shared", [True, False])
def test_learned_thresholds_are_cut_to_the_grid(shared, tmp_path):
    params = NEURON | {"shared_param": shared, "threshold_grad": True}
    network, variables = network_of(cuba.Dense(params, 3, 4), shape=(1, 3, 2))
    learned = jnp.array([1.0, 0.999, -2.0, 3.5])
    learned, expected = (learned[1], 63) if shared else (learned, [64, 63, 1, 224])
    variables["params"]["blocks_0"]["neuron"]["threshold"] = learned
    hdf5.export(tmp_path / "a.net", network, variables)
    assert content(tmp_path / "a.net")["layer/0/neuron/vThMant"].tolist() == expected


@pytest.mark.parametrize("dynamics", [True, False])
def test_a_read_out_needs_no_learned_threshold(dynamics, tmp_path):
    params = NEURON | {"threshold_grad": True, "shared_param": False}
    block = cuba.Affine(params, 3, 4, dynamics=dynamics)
    hdf5.export(tmp_path / "a.net", *network_of(block, shape=(1, 3, 2)))
    assert ("layer/0/neuron/vThMant" in content(tmp_path / "a.net")) == dynamics


def test_a_read_out_with_a_norm_has_its_bias(tmp_path):
    params = NEURON | {"norm": neuron.MeanOnlyBatchNorm}
    network, variables = network_of(cuba.Affine(params, 3, 2), shape=(1, 3, 2))
    mean = jnp.array([0.5, -0.25])
    variables["batch_stats"]["blocks_0"]["neuron"]["norm"]["running_mean"] = mean
    hdf5.export(tmp_path / "a.net", network, variables)
    assert content(tmp_path / "a.net")["layer/0/bias"].tolist() == [-32, 16]


def test_a_block_can_be_written_into_a_group_of_ones_own(tmp_path):
    block = cuba.Flatten()
    variables = block.init(jax.random.key(0), jnp.ones((1, 2, 3, 4, 5)))
    with h5py.File(tmp_path / "a.net", "w") as file:
        group = file.create_group("mine")
        hdf5.write_block(group, block, variables)
        assert group["shape"][()].tolist() == [24, 1, 1]
        with pytest.raises(ValueError, match="`group` /mine holds shape, type, expected an empty"):
            hdf5.write_block(group, block, variables)


def set_at(tree, path, value):
    *parents, last = path.split("/")
    for part in parents:
        tree = tree[part]
    if value is None:
        del tree[last]
    else:
        tree[last] = value


SYNAPSE = "params/blocks_2/synapse/weight"


@pytest.mark.parametrize(
    ("path", "value", "error", "sentence"),
    [
        ("params/blocks_2", None, ValueError, "layer/2 (Dense): `variables` has no params/synapse"),
        ("constants/blocks_0", None, ValueError, "layer/0 (Input): `variables` has no constants/s"),
        ("constants/blocks_1", None, ValueError, "layer/1 (Flatten): `variables` has no constants"),
        (SYNAPSE, jnp.full((6, 24), jnp.nan), ValueError, "`params/synapse/weight` holds NaN or"),
        (SYNAPSE, jnp.full((6, 24), jnp.inf), ValueError, "`params/synapse/weight` holds NaN or"),
        (SYNAPSE, jnp.ones((6, 24), jnp.complex64), TypeError, "has dtype complex64, expected rea"),
        (SYNAPSE, jnp.ones((6, 24), jnp.int32), TypeError, "has dtype int32, expected real float"),
        (SYNAPSE, jnp.ones((24, 6)), ValueError, "has shape (24, 6), expected (6, 24) for this bl"),
        ("params/blocks_2/delay_line/delay", jnp.ones(5), ValueError, "shape (5,), expected (6,)"),
        ("params/blocks_2/delay_line", None, ValueError, "no params/delay_line/delay for this blo"),
        ("params", None, ValueError, "`variables` has no params/synapse/weight for this block"),
        ("params", 3, TypeError, "`variables` is a dict without collections, expected {'params'"),
    ],
)
def test_variables_that_do_not_fit_are_refused(path, value, error, sentence, tmp_path):
    network, variables = chain()
    set_at(variables, path, value)
    target = tmp_path / "a.net"
    target.write_bytes(b"precious")
    with pytest.raises(error, match=re.escape(sentence)):
        hdf5.export(target, network, variables)
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize("learned", [True, False])
def test_decays_that_are_missing_are_not_made_up(learned, tmp_path):
    params = NEURON | {"shared_param": False, "requires_grad": learned}
    network, variables = network_of(cuba.Dense(params, 3, 4), shape=(1, 3, 2))
    collection = "params" if learned else "constants"
    del variables[collection]["blocks_0"]["neuron"]
    with pytest.raises(ValueError, match=f"`variables` has no {collection}/neuron for this block"):
        hdf5.export(tmp_path / "a.net", network, variables)


def test_statistics_that_are_missing_are_not_made_up(tmp_path):
    network, variables = chain(norm=neuron.MeanOnlyBatchNorm)
    del variables["batch_stats"]
    with pytest.raises(ValueError, match="no batch_stats/neuron/norm/running_mean for this block"):
        hdf5.export(tmp_path / "a.net", network, variables)


def test_one_number_per_neuron_of_an_image_is_refused(tmp_path):
    params = NEURON | {"shared_param": "neuron"}
    network, variables = network_of(cuba.Input(params))
    with pytest.raises(ValueError, match=r"`neuron/iDecay` has shape \(2, 3, 4\), one number per"):
        hdf5.export(tmp_path / "a.net", network, variables)


def test_a_norm_of_an_input_is_refused(tmp_path):
    network, variables = network_of(cuba.Input(NEURON | {"norm": neuron.MeanOnlyBatchNorm}))
    with pytest.raises(ValueError, match=r"layer/0 \(Input\): `norm` of an input neuron has no"):
        hdf5.export(tmp_path / "a.net", network, variables)


@pytest.mark.parametrize("weight", [4.0, -4.03125, 1 / 64, 0.3])
def test_weights_that_do_not_fit_are_refused(weight, tmp_path):
    block = cuba.Dense(NEURON, 3, 4, pre_hook_fx=None)
    network, variables = network_of(block, shape=(1, 3, 2))
    values = jnp.ones((4, 3)).at[2, 1].set(weight)
    variables["params"]["blocks_0"]["synapse"]["weight"] = values
    with pytest.raises(ValueError, match=rf"`weight` times scale 64 holds {weight * 64:g}, expec"):
        hdf5.export(tmp_path / "a.net", network, variables)


def test_weights_that_fit_need_no_hook(tmp_path):
    block = cuba.Dense(NEURON, 3, 4, pre_hook_fx=None)
    network, variables = network_of(block, shape=(1, 3, 2))
    variables["params"]["blocks_0"]["synapse"]["weight"] = jnp.full((4, 3), 254 / 64)
    hdf5.export(tmp_path / "a.net", network, variables)
    assert (content(tmp_path / "a.net")["layer/0/weight"] == 254).all()


class Other(Block):
    """A block the format does not know."""


@pytest.mark.parametrize(
    ("network", "error", "sentence"),
    [
        (Sequential([cuba.Flatten(), Other()]), TypeError, "layer/1 (Other): `block` is a Other, "),
        (Sequential([]), ValueError, "`network` has no blocks, expected at least one"),
    ],
)
def test_networks_the_file_cannot_say_are_refused(network, error, sentence, tmp_path):
    variables = {"constants": {"blocks_0": {"shape": jnp.array([4])}}}
    with pytest.raises(error, match=re.escape(sentence)):
        hdf5.export(tmp_path / "a.net", network, variables)
    assert list(tmp_path.iterdir()) == []


def zeros(network, variables):
    variables["params"]["blocks_2"]["synapse"]["weight"] = jnp.zeros((6, 24))


def lowest(network, variables):
    weight = jnp.zeros((6, 24)).at[3, 3].set(-0.5)
    variables["params"]["blocks_2"]["synapse"]["weight"] = weight


@pytest.mark.parametrize(
    ("options", "change", "sentence"),
    [
        ({}, zeros, "layer/2: all weights are zero, on which inference tools fail"),
        ({}, lowest, "layer/2: no weight is positive and the lowest is a negative power of two"),
        ({"graded_spike": True}, None, "layer/2: spikes are graded, which inference tools ignore"),
        ({"norm": neuron.WgtScaleBatchNorm}, None, "layer/2: the norm's neuron/weight_exp is not"),
    ],
)
def test_what_readers_ignore_or_fail_on_is_warned_about(options, change, sentence, tmp_path):
    network, variables = chain(**options)
    if change:
        change(network, variables)
    with pytest.warns(UserWarning, match=sentence):
        hdf5.export(tmp_path / "a.net", network, variables)
    assert "layer/2/weight" in content(tmp_path / "a.net")


def test_a_warning_turned_into_an_error_leaves_no_file(tmp_path):
    network, variables = chain(graded_spike=True)
    with warnings.catch_warnings(), pytest.raises(UserWarning):
        warnings.simplefilter("error")
        hdf5.export(tmp_path / "a.net", network, variables)
    assert list(tmp_path.iterdir()) == []


def test_a_failing_disk_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "a.net"
    target.write_bytes(b"precious")

    def fail(source, destination):
        assert os.path.dirname(source) == os.path.dirname(destination)
        assert content(source)["layer/3/weight"].shape == (3, 6)
        raise OSError("no space")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        hdf5.export(target, *chain())
    assert target.read_bytes() == b"precious"
    assert list(tmp_path.iterdir()) == [target]


def test_an_existing_file_is_replaced(tmp_path):
    target = tmp_path / "a.net"
    target.write_bytes(b"old")
    hdf5.export(target, *chain())
    assert "layer/0/type" in content(target)
    assert list(tmp_path.iterdir()) == [target]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="whose folder does not exist"):
        hdf5.export(tmp_path / "none" / "a.net", *chain())
