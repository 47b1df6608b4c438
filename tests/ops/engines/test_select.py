"""Who runs where: the choice by device, by version and by what a dynamics computes."""

import dataclasses
import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import ops
from jslayer.ops.engines import scan, select
from tests.ops.engines.cases import BY_NAME, Case, Counter, through
from tests.ops.engines.lowering import kernels, lowered

OLD, NEW = (0, 10, 2), (0, 11, 0)


@pytest.mark.parametrize(
    "capability,version,mosaic,triton",
    [
        ("7.5", NEW, False, False),
        ("8.0", OLD, False, True),
        ("8.0", NEW, True, True),
        ("8.9", NEW, True, True),
        ("9.0", OLD, True, True),
        ("10.0", OLD, True, True),
        ("12.0", NEW, False, True),
        ("gfx90a", NEW, False, False),
    ],
)
def test_each_gpu_gets_the_backend_that_works_on_it(capability, version, mosaic, triton):
    device = types.SimpleNamespace(device_kind="a GPU", compute_capability=capability)
    for name, runs in (("mosaic", mosaic), ("triton", triton)):
        reason = select.unfit(name, device, version)
        assert (reason is None) == runs
        assert runs or "a GPU" in reason


def test_without_a_gpu_scan_is_taken_as_it_is():
    assert select.implementations() == ("scan",)
    assert select.engine(None) is select.engine("scan") is scan.run


@pytest.mark.parametrize("name", ["mosaic", "triton", "pallas", "cuda", "mosaic_interpreted"])
def test_a_named_engine_that_cannot_run_says_why_and_what_can(name):
    expected = (
        rf"`implementation` is '{name}', expected None or one that runs here \('scan'\).*"
        "'mosaic': there is no CUDA device"
    )
    with pytest.raises(ValueError, match=expected):
        ops.run(ops.Cuba(), BY_NAME["cuba"].params, None, jnp.ones((3, 2)), implementation=name)


def spikes(case, **options):
    """Outputs and gradient of one case, as a function of ``x``."""

    def outputs(x):
        return ops.run(case.dynamics, case.rows(200), None, x, **options)[0]

    return outputs, jax.grad(lambda x: sum(jnp.sum(y**2) for y in outputs(x).values()))


def test_with_a_gpu_forward_and_gradient_are_kernels_for_its_arrays(with_gpu):
    assert select.implementations() == ("mosaic", "pallas", "scan")
    case = BY_NAME["cuba traced"]
    x = case.inputs(9, 200)
    forward, gradient = spikes(case)
    assert kernels(lowered(forward, x)) == (1, 0)
    assert kernels(lowered(gradient, x)) == (2, 0)
    for name in ("mosaic", "pallas"):
        assert kernels(lowered(spikes(case, implementation=name)[0], x)) == (1, 0)


def test_one_function_is_scan_on_the_cpu_and_a_kernel_on_the_gpu(with_gpu):
    case = BY_NAME["cuba traced"]
    x = case.inputs(9, 200)
    found = [jax.jit(function)(x) for function in spikes(case)]
    expected = [jax.jit(function)(x) for function in spikes(case, implementation="scan")]
    jax.tree.map(np.testing.assert_array_equal, found, expected)
    assert kernels(lowered(spikes(case)[0], x, platforms=("cpu",))) == (0, 1)
    assert kernels(lowered(spikes(case)[0], x)) == (1, 0)


@dataclasses.dataclass(frozen=True)
class Strange(Counter):
    """Does what no backend can."""

    kind: str = "tan"

    def step(self, constants, state, x):
        after, outputs = super().step(constants, state, x)
        if self.kind == "tan":
            outputs["tan"] = jnp.tan(x["real"])
        elif self.kind == "array":
            outputs["array"] = x["real"] * np.linspace(0, 1, 200, dtype=np.float32)
        elif self.kind == "mean":
            outputs["mean"] = x["real"] - jnp.mean(x["real"])
        return after, outputs


@pytest.mark.parametrize("kind", ["tan", "array", "mean"])
def test_a_dynamics_that_no_kernel_can_run_goes_to_scan(kind, with_gpu):
    case = Case("strange", Strange(kind), {"level": 2.0}, BY_NAME["nested"].inputs)
    x = case.inputs(9, 200)
    assert kernels(lowered(spikes(case)[0], x)) == (0, 1)
    expected = {"tan": "the step uses tan", "array": "of its own", "mean": "the step uses reduce"}
    with pytest.raises(ValueError, match=f"'mosaic', which cannot run .*{expected[kind]}"):
        jax.jit(spikes(case, implementation="mosaic")[0])(x)


def test_types_that_arrays_cannot_have_go_to_scan(with_gpu):
    walk = BY_NAME["cuba"].passes(3, 200)["forward"][0]
    keep = dataclasses.replace(walk, step=lambda fixed, carry, x: (~carry, x))
    arguments = keep, {}, jnp.zeros(200, bool), jnp.ones((3, 200))
    through(select.engine(None), *arguments)
    with pytest.raises(ValueError, match="the step has arrays of bool"):
        through(select.engine("mosaic"), *arguments)


def test_no_neurons_at_all_are_no_error(with_gpu):
    outputs, _ = ops.run(ops.Cuba(), BY_NAME["cuba"].params, None, jnp.ones((3, 0)))
    assert outputs["spike"].shape == (3, 0)
