"""Core cases of the golden numbers: forward, gradients, states and read-outs."""

import numpy as np

from tests.golden import compare, core, load


@load.parametrize(["core"], core.ADAPTERS)
def test_equals_the_golden_numbers(case):
    exact, tol = set(case.data["exact"]), case.data.get("tol", {})
    adapter = core.ADAPTERS[case.kind](case)
    outputs = case.data["outputs"]
    for spec in outputs["calls"]:
        arrays = {k: case[v] for k, v in spec.get("inputs", {}).items()}
        cotangents = {k: case[v] for k, v in spec.get("cotangents", {}).items()}
        found = adapter.call(spec, arrays, cotangents)
        for part, check in (
            ("forward", compare.forward),
            ("states", compare.forward),
            ("buffers", compare.forward),
            ("grads", compare.gradient),
        ):
            for name, key in spec.get(part, {}).items():
                golden, ours = case[key], np.asarray(getattr(found, part)[name])
                ours = ours.reshape(golden.shape) if ours.size == golden.size == 1 else ours
                if part == "buffers" and golden.size == 1:
                    # before any training the reference has not found the channels yet
                    golden = np.broadcast_to(golden, ours.shape)
                if key in exact:
                    compare.exact(key, ours, golden)
                elif check is compare.gradient:
                    check(key, ours, golden, tol.get(key, 0.0))
                else:
                    check(key, ours, golden)
        for name, key in spec.get("ints", {}).items():
            scale = adapter.ints[name]
            # beyond 2^24 the float trace has fewer bits than the integer; compare what it can say
            ours = np.asarray(found.forward[name])
            compare.exact(key, ours, (case[key] / np.float64(scale)).astype(np.float32))
        for name, value in spec.get("values", {}).items():
            compare.derived(name, found.values[name], value, 1e-5)
    derived = adapter.derived()
    for name, value in outputs.get("derived", {}).items():
        rtol = 1e-4 if name == "grad_norm" else 1e-6
        compare.derived(name, derived[name], value, rtol)
