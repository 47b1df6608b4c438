"""Block and network cases of the golden numbers: outputs, gradients, counts, descent."""

import jax
import numpy as np
import pytest

from tests.golden import blocks, compare, load

CANCELLING = {("alif.Conv.norm_train", "grad/neuron.voltage_decay")}  # see test_cancellation.py
BPTT = ("Recurrent", "KWTA")  # their grad/* drop the membrane; bptt/* are the whole gradients


def _cases(kind):
    """Cases of one kind as parameters."""
    found = [case for case in load.cases("blocks") if case.data["kind"] == kind]
    rows = [pytest.param(case, id=case.id) for case in found]
    reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
    absent = [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    return pytest.mark.parametrize("case", rows or absent)


@_cases("block")
def test_a_block_equals_the_golden_numbers(case):
    adapter = blocks.BlockCase(case)
    found = adapter.run()
    exact = case.config["block"] not in ("Average", "TimeDecimation")
    check = compare.exact if exact else compare.forward
    check("output", found["output"], case["output"])
    recurrent = case.config["block"] in BPTT
    seen = {"output", "input", "cotangent", "mask", "recurrent_bias", "spike", "neuron_input"}
    for name in case.data["arrays"]:
        golden = case[name]
        kind, _, rest = name.partition("/")
        if (case.id, name) in CANCELLING:
            continue
        if kind == "bptt" or (kind == "grad" and not recurrent):
            ours = np.asarray(found["grads"][rest]).reshape(golden.shape)
            if "weight" in name and case.has("mask"):
                mask = case["mask"].reshape(case["mask"].shape + (1,) * (golden.ndim - 2))
                assert (ours[np.broadcast_to(mask == 0, ours.shape)] == 0).all()
                golden = golden * mask
            compare.gradient(name, ours, golden)
        elif kind == "effective":
            compare.exact(name, found["effective"][rest].reshape(golden.shape), golden)
        elif kind == "buffer_after":
            ours = np.asarray(blocks.leaf(found["buffer_after"], rest.split(".")))
            compare.forward(name, ours.reshape(golden.shape), golden)
        elif name == "count":
            if adapter.block.new_neuron().graded_spike:  # negative events count too
                golden = np.mean(case["output"] != 0)
            np.testing.assert_allclose(found["count"], golden, rtol=1e-6)
        elif name == "recurrent_weight":
            ours = found["recurrent_weight"]
            compare.exact(name, ours, golden.reshape(ours.shape))
        elif kind not in ("param", "buffer", "hdf5", "grad"):
            assert name in seen, f"{name} was not compared"
    if recurrent:  # the shift and the delay behind it are those of the other blocks
        compare.exact("spike", found["spike"], case["spike"])


STATES = {
    "neuron.sigma.pre_state": "sum_state",
    "neuron.delta.pre_state": "previous_state",
    "neuron.delta.residual_state": "residual_state",
    "neuron.delta.error_state": "error_state",
}


@_cases("block_persistent")
def test_two_calls_of_a_persistent_block_equal_one(case):
    adapter = blocks.PersistentCase(case)
    compare.exact("whole", adapter.whole(), case["output"])
    parts = adapter.split_outputs()
    joined = np.concatenate([np.asarray(y) for y, _ in parts], axis=-1)
    compare.exact("parts", joined, case["output"])
    if not case.data["reference_is_chunk_invariant"]:
        return
    neuron = adapter.block.new_neuron()
    compared = 0
    for number, (_, state) in enumerate(parts, 1):
        prefix = f"reference/state_{number}/"
        for name in case.data["arrays"]:
            if not name.startswith(prefix):
                continue
            golden, short = case[name], name[len(prefix) :]
            compared += 1
            if short == "delay_buffer":
                delayed = "delay_line" in state  # then the line holds it, as its newest spike
                held = state["delay_line"]["tail"][-1] if delayed else state["held_back"]
                compare.exact(name, held, golden)
                continue
            ours = STATES.get(short, short.split(".")[-1])
            if ours == "threshold_state":
                value = state["neuron"]["adaptation_state"] + neuron.v_th_mant * 64
            else:
                value = state["neuron"][ours]
            if value.dtype == np.int32:
                value = np.asarray(value).astype(np.float32) / neuron.s_scale
            compare.exact(name, value, golden)
    assert compared


@_cases("net")
def test_a_network_equals_the_golden_numbers(case):
    adapter = blocks.NetCase(case)
    stats = adapter.stats
    for number, y in enumerate(adapter.layers(stats=stats, train=True)):
        name = f"layer/{number}" if case.has(f"layer/{number}") else "output"
        compare.exact(name, y, case[name])
    params, kind = adapter.params, "bptt" if case.has("bptt/input") else "grad"
    for step in range(len(case.data["losses"])):
        (value, stats), (grads, x_bar) = adapter.value_and_grad(params, stats)
        np.testing.assert_allclose(value, case.data["losses"][step], rtol=1e-5)
        if step == 0:
            compare.gradient(f"{kind}/input", x_bar, case[f"{kind}/input"])
            largest = 0.0
            for name, path in adapter.paths.items():
                if not case.has(f"{kind}/{name}"):
                    continue
                golden = case[f"{kind}/{name}"]
                ours = np.asarray(blocks.leaf(grads, path)).reshape(golden.shape)
                compare.gradient(name, blocks.sign(name) * ours, golden)
                largest = max(largest, np.abs(golden).max())
        if kind == "bptt":
            break  # the recorded descent is that of the reference's gradients
        for name in case.data["arrays"]:
            prefix = f"step/{step}/buffer/blocks."
            if name.startswith(prefix):
                number, *rest = name[len(prefix) :].split(".")
                ours = np.asarray(blocks.leaf(stats, (f"blocks_{number}", *rest)))
                compare.forward(name, ours.reshape(case[name].shape), case[name])
        params = adapter.descend(params, grads)
        for name, path in adapter.paths.items():
            key = f"step/{step + 1}/param/{name}"
            if case.has(key):
                golden = case[key]
                ours = np.asarray(blocks.leaf(params, path)).reshape(golden.shape)
                bound = 1e-4 * case.data["lr"] * largest + 1e-6
                np.testing.assert_allclose(ours, golden, rtol=0, atol=bound, err_msg=key)
    for prefix, delayed in (("eval", False), ("eval_delayed", True)):
        names = [n for n in case.data["arrays"] if n.startswith(f"{prefix}/layer/")]
        if names:
            recorded = adapter.statistics_of("buffer/")
            layers = adapter.layers(stats=recorded, delayed=delayed)
            for name in names:
                compare.exact(name, layers[int(name.split("/")[-1])], case[name])
    jax.clear_caches()


@_cases("net_eval")
def test_an_evaluated_network_equals_the_golden_numbers(case):
    adapter = blocks.NetCase(case)
    for number, y in enumerate(adapter.layers()):
        compare.exact(f"layer/{number}", y, case[f"layer/{number}"])
