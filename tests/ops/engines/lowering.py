"""Lowers for a GPU that is not there."""

import contextlib
import re
import warnings

import jax
from jax import export

MOSAIC, TRITON = "mosaic_gpu_v2", "__gpu$xla.gpu.triton"
CALLS = (MOSAIC, TRITON, "triton_kernel_call_ffi")


def lowered(function, *arguments, platforms=("cuda",), named_device=True):
    """StableHLO of ``function`` for an H100; Mosaic takes that for granted, Triton must be told."""
    device = jax.sharding.AbstractDevice(device_kind="NVIDIA H100", num_cores=132, platform="gpu")
    mesh = jax.sharding.AbstractMesh((), (), abstract_device=device)
    on = jax.sharding.use_abstract_mesh(mesh) if named_device else contextlib.nullcontext()
    checks = [export.DisabledSafetyCheck.custom_call(name) for name in CALLS]
    exported = export.export(jax.jit(function), platforms=platforms, disabled_checks=checks)
    with on, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The Pallas Triton backend", DeprecationWarning)
        return exported(*arguments).mlir_module()


def kernels(text):
    """Number of kernels and of loops in a module."""
    found = re.findall(r"stablehlo.custom_call @(\S+?)\(", text.replace('"', ""))
    return sum(name in CALLS for name in found), text.count("stablehlo.while")


@contextlib.contextmanager
def mosaic_modules(monkeypatch):
    """Collects the Mosaic modules that are lowered inside, as text."""
    from jax._src.pallas.mosaic_gpu import lowering

    modules = []

    def watched(lower):
        def call(*args, **kwargs):
            result = lower(*args, **kwargs)
            modules.append(str(result.module))
            return result

        return call

    for name in ("lower_unpipelined_jaxpr_to_module", "lower_pipelined_jaxpr_to_module"):
        if hasattr(lowering, name):
            monkeypatch.setattr(lowering, name, watched(getattr(lowering, name)))
    yield modules
