"""Core cases of the golden numbers: forward, gradients, states and read-outs."""

import importlib.util
import sys
from pathlib import Path

import numpy as np


def _sibling(name):
    """Loads a helper beside this file, once, whatever the import mode of the runner."""
    full = f"jslayer_golden_{name}"
    if full not in sys.modules:
        spec = importlib.util.spec_from_file_location(full, Path(__file__).with_name(f"{name}.py"))
        sys.modules[full] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[full])
    return sys.modules[full]


load, compare, core = _sibling("load"), _sibling("compare"), _sibling("core")


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
