"""The writer against the golden groups and files: names, dtypes, shapes and numbers."""

import re
import warnings

import h5py
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import hdf5
from tests.golden import blocks, load

SAID = (
    "spikes are graded|the norm|activation leaky_relu|cum_error|inference tools|the bias acts|"
    "delay_shift=False|no weight is positive"
)
"""Beginnings of the warnings that golden networks bring about."""


def groups():
    """Every case with a group of the file, by family."""
    families = {}
    for case in load.cases("blocks"):
        if case.data["kind"] == "block" and "hdf5" in case.data:
            families.setdefault(case.config["family"], []).append(case)
    reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
    absent = [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(cases, id=name) for name, cases in families.items()] or absent


def variables_of(adapter):
    """A case's variables, with the size of a step."""
    shape = jnp.array(adapter.case["output"].shape[1:-1], jnp.int32)
    constants = {**adapter.held.get("constants", {}), "shape": shape}
    return {"params": adapter.params, **adapter.held, "constants": constants}


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


def check_dataset(name, ours, described, case):
    assert kind_of(ours) == described["dtype"], name
    assert ours.shape == tuple(described["shape"]), name
    if "text" in described:
        text = ours.asstr()[()]
        assert (text.tolist() if ours.shape else text) == described["text"], name
    else:
        np.testing.assert_array_equal(ours[()], case[f"hdf5/{name}"], err_msg=name)


@pytest.mark.parametrize("cases", groups())
def test_every_golden_group_is_written_dataset_by_dataset(cases):
    for case in cases:
        adapter = blocks.BlockCase(case)
        with h5py.File("in memory", "w", driver="core", backing_store=False) as file:
            group = file.create_group("layer/0")
            with warnings.catch_warnings():
                warnings.filterwarnings("ignore", f"/layer/0: ({SAID})")
                hdf5.write_block(group, adapter.block, variables_of(adapter))
            datasets = datasets_of(group)
            own = {"mask"} if getattr(adapter.block, "mask", None) is not None else set()
            assert set(datasets) == set(case.data["hdf5"]) | own, case.id
            for key, described in case.data["hdf5"].items():
                check_dataset(key, datasets[key], described, case)


def by_id(name):
    found = [case for case in load.cases("blocks") if case.id == name]
    if not found:
        pytest.skip("golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository")
    return found[0]


@pytest.mark.parametrize("family", ["cuba", "rf", "sigma_delta"])
def test_weights_without_a_hook_are_refused(family, tmp_path):
    case = by_id(f"{family}.Dense.no_pre_hook")
    assert "hdf5" not in case.data
    adapter = blocks.BlockCase(case)
    assert adapter.block.pre_hook_fx is None
    sentence = r"layer/0 \(Dense\): `weight(/real)?` times scale 64 holds"
    with pytest.raises(ValueError, match=sentence):
        hdf5.export(tmp_path / "a.net", adapter.block, variables_of(adapter))
    assert list(tmp_path.iterdir()) == []


NETWORKS = ("mlp", "sdnn_cnn", "lif_cnn", "recurrent", "rf")


def variables_of_network(adapter, layers):
    """A network's variables, with the sizes of all steps."""
    constants = {
        f"blocks_{number}": {
            **adapter.constants.get("constants", {}).get(f"blocks_{number}", {}),
            "shape": jnp.array(np.shape(y)[1:-1], jnp.int32),
        }
        for number, y in enumerate(layers)
    }
    return {"params": adapter.params, "batch_stats": adapter.stats, "constants": constants}


def recorded(case):
    """The recorded outputs of all layers."""
    names = [f"layer/{number}" for number in range(len(case.config["blocks"]))]
    return [case[name if case.has(name) else "output"] for name in names]


@pytest.mark.parametrize("name", NETWORKS)
def test_a_golden_network_is_written_dataset_by_dataset(name, tmp_path):
    case = by_id(f"net.{name}")
    adapter = blocks.NetCase(case)
    variables = variables_of_network(adapter, recorded(case))
    hdf5.export(tmp_path / "a.net", adapter.network, variables)
    golden = load.folder() / f"net_{name}.net"
    lines = hdf5.diff(golden, tmp_path / "a.net")
    own = re.compile(r"@|layer/\d+@(w_scale|block): only in the second file$")
    assert [line for line in lines if not own.match(line)] == []
    with h5py.File(tmp_path / "a.net") as ours, h5py.File(golden) as theirs:
        mine = {key: kind_of(value) for key, value in datasets_of(ours).items()}
        assert mine == {key: kind_of(value) for key, value in datasets_of(theirs).items()}
