"""The writer against the golden groups: names, dtypes, shapes and numbers."""

import json
import warnings

import h5py
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import block, hdf5, neuron

FAMILY, BLOCKS = "cuba", ("Input", "Flatten", "Dense", "Affine")


@pytest.fixture(scope="module")
def golden(shared):
    """The block cases of the manifest by id."""
    if not (shared / "golden").is_dir():
        pytest.skip(f"golden data absent: no folder golden in {shared}; set JSLAYER_SHARED")
    with open(shared / "golden/manifest_blocks.json") as file:
        return {case["id"]: case for case in json.load(file)["cases"]}


def arrays_of(case, shared):
    """The arrays of a case by their name in it."""
    with np.load(shared / "golden" / case["file"]) as arrays:
        return {name: arrays[f"{case['id']}/{name}"] for name in case["arrays"]}


def block_of(config, neuron_params, mask=None):
    """A block from its configuration."""
    kwargs = {k: tuple(v) if isinstance(v, list) else v for k, v in config["kwargs"].items()}
    if mask is not None:
        kwargs["mask"] = mask
    if neuron_params is not None:
        norm = neuron_params.get("norm")
        kwargs["neuron_params"] = neuron_params | ({"norm": getattr(neuron, norm)} if norm else {})
    return getattr(getattr(block, config["family"]), config["block"])(**kwargs)


def variables_of(case, arrays):
    """A case's parameters, statistics and input size as our variables."""
    variables = {"params": {}, "batch_stats": {}, "constants": {}}
    for name, value in arrays.items():
        kind, _, path = name.partition("/")
        if kind not in ("param", "buffer"):
            continue
        *parents, last = path.replace("delay.delay", "delay_line.delay").split(".")
        value = jnp.asarray(value)
        if "synapse" in parents:  # [out, in, 1, 1, 1], of images [out, C, H, W, 1]
            spatial = isinstance(case["config"].get("kwargs", {}).get("in_neurons"), list)
            value = value[..., 0] if spatial else value[..., 0, 0, 0]
        elif last.endswith("_decay"):
            value = value / 4096
        if value.shape == (1,) and last not in ("running_mean", "delay"):
            value = value.reshape(())
        node = variables["params" if kind == "param" else "batch_stats"]
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    size = case["config"]["input_shape"][1:-1]
    if case["config"].get("block") == "Flatten":
        size = [np.prod(size)]
    variables["constants"]["shape"] = jnp.array(size, jnp.int32)
    return variables


def datasets_of(group):
    """Every dataset below a group, by path."""
    found = {}
    group.visititems(
        lambda name, node: found.__setitem__(name, node) if isinstance(node, h5py.Dataset) else None
    )
    return found


def kind_of(dataset):
    """A dataset's dtype in the words of the manifest."""
    string = h5py.check_string_dtype(dataset.dtype)
    if string and string.length is None:
        return f"vlen-{string.encoding}"
    if dataset.dtype == bool:
        return "bool(enum int8)"
    return dataset.dtype.str[1:] if string else dataset.dtype.name


def check_dataset(name, ours, described, numbers):
    assert kind_of(ours) == described["dtype"], name
    assert ours.shape == tuple(described["shape"]), name
    if "text" in described:
        text = ours.asstr()[()]
        assert (text.tolist() if ours.shape else text) == described["text"], name
    else:
        np.testing.assert_array_equal(ours[()], numbers[f"hdf5/{name}"], err_msg=name)


def test_every_golden_group_is_written_dataset_by_dataset(golden, shared, tmp_path):
    written = set()
    for name, case in golden.items():
        config = case["config"]
        if (
            case["kind"] != "block"
            or config["family"] != FAMILY
            or config["block"] not in BLOCKS
            or "hdf5" not in case
        ):
            continue
        arrays = arrays_of(case, shared) | numbers_of(case, shared)
        ours = block_of(config, config["neuron_params"], arrays.get("mask"))
        path = tmp_path / f"{name}.net"
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "layer/0: (spikes are graded|the norm's)")
            hdf5.export(path, ours, variables_of(case, arrays))
        with h5py.File(path) as file:
            datasets = datasets_of(file["layer/0"])
            assert set(datasets) == set(case["hdf5"]), name
            for key, described in case["hdf5"].items():
                check_dataset(key, datasets[key], described, arrays)
        written.add(config["block"])
    assert written == set(BLOCKS)


def numbers_of(case, shared):
    """The numeric datasets of the golden group, flags included."""
    with np.load(shared / "golden" / case["file"]) as arrays:
        names = [f"hdf5/{key}" for key, value in case["hdf5"].items() if "text" not in value]
        return {name: arrays[f"{case['id']}/{name}"] for name in names}


def test_weights_without_a_hook_are_refused(golden, shared, tmp_path):
    case = golden["cuba.Dense.no_pre_hook"]
    assert "hdf5" not in case
    config = case["config"]
    config = config | {"kwargs": config["kwargs"] | {"pre_hook_fx": None}}
    ours = block_of(config, config["neuron_params"])
    with pytest.raises(ValueError, match=r"layer/0 \(Dense\): `weight` times scale 64 holds"):
        hdf5.export(tmp_path / "a.net", ours, variables_of(case, arrays_of(case, shared)))
    assert list(tmp_path.iterdir()) == []


def test_the_golden_network_is_written_dataset_by_dataset(golden, shared, tmp_path):
    case = golden["net.mlp"]
    config = case["config"]
    network = block.Sequential([block_of(b, config["neuron_params"]) for b in config["blocks"]])
    tree = variables_of(case, arrays_of(case, shared))
    params = {f"blocks_{number}": p for number, p in tree["params"]["blocks"].items()}
    hdf5.export(tmp_path / "mlp.net", network, {"params": params})
    path = shared / "golden/net_mlp.net"
    with h5py.File(tmp_path / "mlp.net") as ours, h5py.File(path) as theirs:
        mine, golden_sets = datasets_of(ours), datasets_of(theirs)
        assert set(mine) == set(golden_sets)
        for name, dataset in golden_sets.items():
            assert kind_of(mine[name]) == kind_of(dataset), name
            assert mine[name].shape == dataset.shape, name
            np.testing.assert_array_equal(mine[name][()], dataset[()], err_msg=name)
    jax.clear_caches()
