"""Modules of one's own to the network file and back, and the loop over blocks by hand."""

import functools

import flax.linen as nn
import h5py
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from jslayer import block, hdf5
from jslayer.block import Graph, Sequential, cuba, sigma_delta
from tests.block import cases, own
from tests.block.own import EVENTS, Dense
from tests.hdf5 import round_trip

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")


@pytest.mark.parametrize("kind", [own.Heads, own.Images])
def test_a_module_is_exported_loaded_and_run_as_hardware_with_equal_spikes(kind, tmp_path):
    module, variables, x = own.ready(kind)
    path = tmp_path / "a.net"
    hdf5.export(path, module, variables, sample=x)
    network, loaded = hdf5.load(path)
    expected = own.sent(kind)
    own.equal(jax.jit(network.apply)(loaded, x), expected)
    hdf5.export(tmp_path / "b.net", network, loaded)
    assert hdf5.diff(path, tmp_path / "b.net") == []
    file = hdf5.read(path)
    spikes = hdf5.inference(file)(x, layers=file.outputs)
    own.equal([jnp.float32(spikes[n]["spike"]) for n in file.outputs], expected)


class Skip(nn.Module):
    """A path around a block."""

    @nn.compact
    def __call__(self, x, *, train=False):
        first = Dense(5, 6, delay=True)(x, train=train)
        second = Dense(6, 4, weight_norm=True)(first, train=train)
        return Dense(10, 2, name="head")(jnp.concatenate([second, first], axis=1), train=train)


def test_a_skip_path_is_trained_exported_loaded_and_run_as_hardware(tmp_path):
    module = Skip()
    variables = jax.jit(module.init)(cases.KEY, EVENTS)
    rest = {name: tree for name, tree in variables.items() if name != "params"}
    optimizer = optax.adam(0.1)

    @jax.jit
    def step(params, state):
        def loss(params):
            y = module.apply({**rest, "params": params}, EVENTS, train=True)
            return jnp.mean((y.mean(-1) - jnp.array([0.1, 0.4])) ** 2)

        value, gradient = jax.value_and_grad(loss)(params)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, value

    params, state, values = variables["params"], optimizer.init(variables["params"]), []
    with jax.numpy_dtype_promotion("standard"):
        for _ in range(10):
            params, state, value = step(params, state)
            values.append(float(value))
    assert values[-1] < values[0]
    trained = {**rest, "params": params}
    path = tmp_path / "skip.net"
    hdf5.export(path, module, trained, sample=EVENTS)
    y = jax.jit(module.apply)(trained, EVENTS)
    network, loaded = hdf5.load(path)
    own.equal(jax.jit(network.apply)(loaded, EVENTS), y)
    last = hdf5.read(path).outputs[-1]
    own.equal(jnp.float32(hdf5.inference(path)(EVENTS)[last]["spike"]), y)
    assert [layer.type for layer in hdf5.read(path).layers] == ["dense", "dense", "concat", "dense"]


class Row(nn.Module):
    """The blocks of a row, called one by one."""

    row: Sequential

    def __call__(self, x):
        for layer in self.row.blocks:
            x = layer(x)
        return x


@functools.cache
def every(family):
    row = round_trip.every_block(family)
    x = round_trip.events((1, 2, 4, 4, 3))
    return row, round_trip.initial(row, x), x


def entries(path):
    """Everything in the layers of a file, byte by byte."""
    found = {}

    def note(name, entry):
        found[name] = None
        if isinstance(entry, h5py.Dataset):
            found[name] = entry.dtype, entry.shape, np.asarray(entry[()]).tobytes()
        for key, value in entry.attrs.items():
            found[f"{name}@{key}"] = np.asarray(value).dtype, np.asarray(value).tobytes()

    with h5py.File(path) as file:
        file["layer"].visititems(note)
    return found


@pytest.mark.parametrize("family", ["cuba", "sigma_delta"])
def test_every_kind_of_block_is_written_as_from_a_sequential(family, tmp_path):
    row, variables, x = every(family)
    hdf5.export(tmp_path / "row.net", row, variables)
    own_variables = {name: {"row": tree} for name, tree in variables.items()}
    hdf5.export(tmp_path / "own.net", Row(row), own_variables, sample=x)
    assert entries(tmp_path / "own.net") == entries(tmp_path / "row.net")
    with h5py.File(tmp_path / "loop.net", "w") as file:
        layer = file.create_group("layer")
        for i, bound in enumerate(row.bind(variables).blocks):
            bound.export_hdf5(layer.create_group(f"{i}"))
    assert entries(tmp_path / "loop.net") == entries(tmp_path / "row.net")


def test_the_loop_over_blocks_works_on_a_module_and_with_a_function(tmp_path):
    _, variables, x = own.ready(own.Heads)
    encoder = own.Encoder()
    held = {name: tree["encoder"] for name, tree in variables.items()}
    hdf5.export(tmp_path / "a.net", encoder, held, sample=x)
    with h5py.File(tmp_path / "b.net", "w") as file, h5py.File(tmp_path / "c.net", "w") as other:
        bound = encoder.bind(held)
        for i, layer in enumerate(bound.blocks):
            layer.export_hdf5(file.create_group(f"layer/{i}"))
            hdf5.write_block(other.create_group(f"layer/{i}"), layer, layer.variables)
    assert entries(tmp_path / "a.net") == entries(tmp_path / "b.net")
    assert entries(tmp_path / "a.net") == entries(tmp_path / "c.net")
    assert len(hdf5.read(tmp_path / "b.net").layers) == 2


def test_a_block_that_is_not_bound_or_of_a_graph_with_joins_says_what_to_do(tmp_path):
    network = Graph([Dense(5, 4), Dense(9, 2)], sources=[(-1,), (0, -1)], outputs=[1])
    variables = jax.jit(network.init)(cases.KEY, EVENTS)
    with h5py.File(tmp_path / "a.net", "w") as file:
        group = file.create_group("layer/0")
        with pytest.raises(ValueError, match="`variables` is None for a Dense that is not bound"):
            network.blocks[0].export_hdf5(group)
        with pytest.raises(ValueError, match="is a block of a Graph with joins, expected one of"):
            network.bind(variables).blocks[0].export_hdf5(group)
        assert not len(group)


def test_a_module_without_a_sample_or_that_no_file_says_is_refused(tmp_path):
    path = tmp_path / "a.net"
    module, variables, x = own.ready(own.Heads)
    for network in (module, Sequential([module])):
        with pytest.raises(ValueError, match=r"`sample` is None, expected data as \w+ takes them"):
            hdf5.export(path, network, variables)
    module, variables, x = own.ready(own.Sum)
    with pytest.raises(ValueError, match=r"Dense_0 of Sum reads `add` of .* in own\.py, line"):
        hdf5.export(path, module, variables, sample=x)
    assert not path.exists()


class Decimated(nn.Module):
    """A block that no file has."""

    @nn.compact
    def __call__(self, x):
        return cuba.TimeDecimation(2, name="slower")(Dense(5, 3)(x))


class Norm(nn.Module):
    """A weight that was not quantised."""

    @nn.compact
    def __call__(self, x):
        return sigma_delta.Dense(
            {"threshold": 0.1, "activation": "relu"}, 5, 3, pre_hook_fx=None, name="free"
        )(x)


def test_errors_of_a_layer_name_the_block_in_the_module(tmp_path):
    for kind, message in [(Decimated, r"layer/1 \(slower\): `block`"), (Norm, r"layer/0 \(free\)")]:
        module = kind()
        variables = jax.jit(module.init)(cases.KEY, EVENTS)
        with pytest.raises((TypeError, ValueError), match=message):
            hdf5.export(tmp_path / "a.net", module, variables, sample=EVENTS)


def test_what_was_loaded_goes_back_into_the_module(tmp_path):
    module, variables, x = own.ready(own.Heads)
    hdf5.export(tmp_path / "a.net", module, variables, sample=x)
    _, loaded = hdf5.load(tmp_path / "a.net")
    light, weights = block.folded(module, variables, x)
    back = block.graph_of(light, weights, x).from_graph(loaded, weights)
    own.equal(jax.jit(light.apply)(back, x), own.sent(own.Heads))
