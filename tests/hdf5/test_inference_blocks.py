"""Hardware inference of one block against the golden output of the trained block."""

import warnings

import h5py
import numpy as np
import pytest

from jslayer import hdf5
from tests.golden import load

SLOW = pytest.mark.slow


def groups():
    """Every golden case that has a group in the file."""
    return [case for case in load.cases("blocks") if "hdf5" in case.data]


def write(case, path):
    """The golden group of a case as the only layer of a file."""
    with h5py.File(path, "w") as file:
        for name, described in case.data["hdf5"].items():
            if "text" in described:
                text = described["text"]
                value = text if isinstance(text, str) else np.array(text, "S10")
            else:
                value = case[f"hdf5/{name}"]
                assert list(value.shape) == described["shape"]
            file[f"layer/0/{name}"] = value
    return path


def left_out(case):
    """Why a case cannot be compared, or ``None``."""
    config, block = case.config, case.config["block"]
    params = config["neuron_params"] or {}
    if params.get("norm") and not (
        params["norm"] == "MeanOnlyBatchNorm"
        and config.get("train") is False
        and config["family"] in ("cuba", "alif")
    ):
        return "its norm acts otherwise in training, is not written, or acts before the first input"
    if block == "Input" and (config["family"] == "cuba" or config["kwargs"].get("weight")):
        return "data are cut to integers, and enter the voltage of cuba"
    if not config["kwargs"].get("dynamics", True):
        return "hardware integrates where training passes on"
    if params.get("cum_error") or params.get("activation", "relu") != "relu":
        return "hardware does not do it"
    return None


THOROUGHLY = (
    *("Affine.plain", "Average.nchwt", "Average.plain", "Conv.geometry", "Conv.weight_norm_delay"),
    *(
        "ConvT.geometry",
        "Dense.graded",
        "Dense.norm_eval",
        "Dense.other_scale",
        "Dense.per_channel",
    ),
    *("Dense.tuple_in_neurons", "Dense.weight_norm_delay", "Flatten.plain", "Input.plain"),
    *("Output.plain", "Pool.ragged", "Pool.weight_scale_delay", "Recurrent.plain"),
    *("Recurrent.delay_no_shift", "Unpool.plain"),
)
"""What is run of one family with real, one with complex and one with graded messages."""

BRIEFLY = ("Input.plain", "Dense.plain", "Conv.per_channel")
"""What is run of the others, whose synapses those show."""


def comparable():
    """The cases to run."""
    if load.folder() is None:
        reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
        return [pytest.param(None, marks=pytest.mark.skip(reason=reason))]
    rows = []
    for case in groups():
        family, rest = case.id.split(".", 1)
        wanted = THOROUGHLY if family in ("cuba", "rf", "sigma_delta") else BRIEFLY
        if rest in wanted and left_out(case) is None:
            rows.append(pytest.param(case, id=case.id, marks=() if family == "cuba" else SLOW))
    return rows


def unit(case):
    """Integers that stand for one in the block's output."""
    config = case.config
    scale = (config["neuron_params"] or {}).get("scale", 64)
    if config["family"] == "sigma_delta" and config["block"] not in ("Flatten", "Average"):
        return 2**18 if config["block"] == "Output" else 2**12
    return 64 * scale if config["block"] == "Affine" else 1


@pytest.mark.parametrize("case", comparable())
def test_hardware_gives_what_the_block_gives(case, tmp_path):
    config, block = case.config, case.config["block"]
    sigma_delta = config["family"] == "sigma_delta"
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".*gradedSpike is not done by hardware")
        network = hdf5.inference(
            write(case, tmp_path / "a.net"),
            input_message_bits=16 if sigma_delta else 0,
            conv_delay="apply",
        )
    x = case["input"]
    if block == "Input":
        x = np.asarray(network.encode(x))
    elif sigma_delta and block not in ("Flatten", "Average"):
        x = x * 4096
    elif block in ("Flatten", "Average") and sigma_delta:
        x = np.round(x * 4096)
    names = {"cuba": "voltage", "rf": "imag", "rf_iz": "imag"}
    name = names[config["family"]] if block == "Affine" else "spike"
    if "norm_eval" in case.id:
        first, state = network.run(x[..., :1], record=name)
        rest = network.run(x[..., 1:], network.rest(state), record=name)[0]
        found = np.concatenate([first[0][name], rest[0][name]], -1)
    else:
        found = np.asarray(network(x, record=name)[0][name])
    expected = case["output"] * unit(case)
    if config["neuron_params"] and config["neuron_params"].get("graded_spike"):
        expected = expected != 0
    if block in ("Flatten", "Average"):
        if sigma_delta:
            found = found / 4096
        np.testing.assert_allclose(found, case["output"], rtol=1e-6)
        return
    shifted = config["kwargs"].get("delay_shift", not sigma_delta) and block not in (
        "Affine",
        "Output",
    )
    if block == "Input" and sigma_delta:
        shifted = False
    late = (block != "Input") - shifted
    found = found.reshape(expected.shape)
    if late > 0:  # hardware takes a step that the block leaves out
        assert not found[..., :late].any()
        found, expected = found[..., late:], expected[..., :-late]
    elif late < 0:
        assert not expected[..., :-late].any()
        found, expected = found[..., :late], expected[..., -late:]
    np.testing.assert_array_equal(found, expected)
    assert expected.any()
