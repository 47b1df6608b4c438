"""Block and network cases of the golden numbers: outputs, gradients, counts, descent."""

import jax
import numpy as np
import pytest

from tests.golden import blocks, compare, load


def _cases(kind):
    """Cases of one kind as parameters, with the adapter table that decides which are skipped."""
    found = [case for case in load.cases("blocks") if case.data["kind"] == kind]
    rows = []
    for case in found:
        adapter = blocks.ADAPTERS.get(case.kind)
        if kind.startswith("net"):
            adapter = blocks.net_adapter(case)
        reason = f"no adapter yet for {case.kind} {case.id}"
        marks = [] if adapter else [pytest.mark.skip(reason=reason)]
        rows.append(pytest.param(case, id=case.id, marks=marks))
    reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
    absent = [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    return pytest.mark.parametrize("case", rows or absent)


@_cases("block")
def test_a_block_equals_the_golden_numbers(case):
    adapter = blocks.ADAPTERS[case.kind](case)
    found = adapter.run()
    compare.exact("output", found["output"], case["output"])
    seen = {"output", "input", "cotangent", "mask"}
    for name in case.data["arrays"]:
        golden = case[name]
        if name.startswith("grad/"):
            ours = np.asarray(found["grads"][name[len("grad/") :]]).reshape(golden.shape)
            if "weight" in name and case.has("mask"):
                mask = case["mask"].reshape(case["mask"].shape + (1,) * (golden.ndim - 2))
                assert (ours[np.broadcast_to(mask == 0, ours.shape)] == 0).all()
                golden = golden * mask
            compare.gradient(name, ours, golden)
        elif name.startswith("effective/"):
            compare.exact(name, adapter.effective_weight().reshape(golden.shape), golden)
        elif name.startswith("buffer_after/"):
            path = name[len("buffer_after/") :].split(".")
            ours = np.asarray(blocks.leaf(found["buffer_after"], path)).reshape(golden.shape)
            compare.forward(name, ours, golden)
        elif name == "count":
            np.testing.assert_allclose(adapter.count(), golden, rtol=1e-6)
        elif not name.startswith(("param/", "buffer/", "hdf5/")):
            assert name in seen, f"{name} was not compared"


@_cases("block_persistent")
def test_two_calls_of_a_persistent_block_equal_one(case):
    adapter = blocks.ADAPTERS[case.kind](case)
    compare.exact("whole", adapter.whole(), case["output"])
    parts = adapter.split_outputs()
    joined = np.concatenate([np.asarray(y) for y, _ in parts], axis=-1)
    compare.exact("parts", joined, case["output"])
    if case.data["reference_is_chunk_invariant"]:
        scale = adapter.block.new_neuron().s_scale
        for number, (_, state) in enumerate(parts, 1):
            for name in ("current_state", "voltage_state"):
                golden = case[f"reference/state_{number}/neuron.{name}"]
                ours = np.asarray(state["neuron"][name]).astype(np.float32) / scale
                compare.exact(name, ours, golden)
            held = case[f"reference/state_{number}/delay_buffer"]
            compare.exact("delay_buffer", state["held_back"], held)


@_cases("net")
def test_a_network_equals_the_golden_numbers(case):
    adapter = blocks.net_adapter(case)(case)
    layers = adapter.layers()
    for number, y in enumerate(layers):
        name = f"layer/{number}" if case.has(f"layer/{number}") else "output"
        compare.exact(name, y, case[name])
    params = adapter.params
    for step in range(len(case.data["losses"])):
        value, (grads, x_bar) = adapter.value_and_grad(params)
        np.testing.assert_allclose(value, case.data["losses"][step], rtol=1e-5)
        if step == 0:
            compare.gradient("grad/input", x_bar, case["grad/input"])
            largest = 0.0
            for name, path in adapter.paths.items():
                golden = case[f"grad/{name}"]
                sign = -1 if path[-1] in blocks.DECAYS else 1
                ours = sign * np.asarray(blocks.leaf(grads, path)).reshape(golden.shape)
                compare.gradient(name, ours, golden)
                largest = max(largest, np.abs(golden).max())
        params = adapter.descend(params, grads)
        for name, path in adapter.paths.items():
            key = f"step/{step + 1}/param/{name}"
            if case.has(key):
                golden = case[key]
                ours = np.asarray(blocks.leaf(params, path)).reshape(golden.shape)
                bound = 1e-4 * case.data["lr"] * largest + 1e-6
                np.testing.assert_allclose(ours, golden, rtol=0, atol=bound, err_msg=key)
    jax.clear_caches()


@_cases("net_eval")
def test_an_evaluated_network_equals_the_golden_numbers(case):
    adapter = blocks.net_adapter(case)(case)
    for number, y in enumerate(adapter.layers()):
        compare.exact(f"layer/{number}", y, case[f"layer/{number}"])
