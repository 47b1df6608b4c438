"""Picks the engine: what runs where, decided before anything is traced."""

import functools
import importlib
from types import ModuleType

import jax
from jax import lax

from jslayer.ops.dynamics import Tree
from jslayer.ops.engines import feedback, kernel, obstacles, partition, scan
from jslayer.ops.engines.passes import Engine, FeedbackPass, Pass
from jslayer.ops.event_product import product
from jslayer.ops.time_loop import chunked_loop, time_loop

BACKENDS = ("mosaic", "triton")
"""Backends of the GPU kernel, the better one first."""

PRIMITIVES = {"mosaic": obstacles.mosaic, "triton": obstacles.triton}
TAKES_VARYING = ("triton",)
"""Backends whose kernel may be inside of a `jax.shard_map` that checks what varies."""


def implementations() -> tuple[str, ...]:
    """Names of the engines that can run here, fastest first."""
    found = kernels()
    return (*found, *(("pallas",) if found else ()), "scan")


def kernels() -> tuple[str, ...]:
    """Backends whose kernel runs on the GPU that is here, the better one first."""
    return tuple(name for name in BACKENDS if missing(name) is None)


def interpreted() -> tuple[str, ...]:
    """Kernels run step by step without a GPU, slow, for tests; Mosaic's need JAX 0.11."""
    able = lambda module: module is not None and getattr(module, "CAN_INTERPRET", True)
    return tuple(f"{name}_interpret" for name in BACKENDS if able(backend(name)))


@functools.cache  # the same engine for the same name, so that nothing is traced twice
def engine(implementation: str | None) -> Engine:
    """Returns the engine to use.

    ``"scan"`` runs everywhere. ``"mosaic"`` and ``"triton"`` are the GPU kernel by one backend or
    the other and ``"pallas"`` is the better one here; they take arrays on the GPU only, while
    ``None`` is right for those on the CPU as well. ``"mosaic_interpret"`` and
    ``"triton_interpret"`` run the kernel without a GPU, slowly; they are for tests, and Mosaic's is
    part of JAX only since 0.11.

    Args:
      implementation: ``None`` for the fastest that works with these arrays and dynamics, or a name.

    Raises:
      ValueError: no engine of that name runs here.
    """
    if implementation is None:
        found = kernels()
        return functools.partial(_fastest, found) if found else scan.run
    if implementation == "scan":
        return scan.run
    if implementation in interpreted():
        module = backend(implementation.removesuffix("_interpret"))
        interpret = functools.partial(kernel.run, module, interpret=True)
        if implementation == "mosaic_interpret":  # calls back in order, and cannot be split
            return interpret
        return functools.partial(partition.run, interpret)
    for name in BACKENDS:
        if implementation in (name, "pallas") and missing(name) is None:
            return functools.partial(_named, name)
    raise ValueError(
        f"`implementation` is {implementation!r}, expected None or one that runs here "
        f"({', '.join(map(repr, implementations()))}); None takes the fastest of them."
        + "".join(f" {name!r}: {missing(name)}." for name in BACKENDS if missing(name))
    )


def _fastest(kernels: tuple[str, ...], of: Pass, fixed: Tree, carry: Tree, inputs: Tree):
    """The kernel for arrays on a GPU, scan for others, and where no kernel can run the pass."""
    for name in kernels:
        if _obstacle(name, of, fixed, carry, inputs) is None:
            run = functools.partial(partition.run, _kernel(name), of)
            # staged, so that one jitted function is right for arrays on either device
            default = functools.partial(scan.run, of)
            return lax.platform_dependent(fixed, carry, inputs, cuda=run, default=default)
    return scan.run(of, fixed, carry, inputs)


def run_feedback(
    of: FeedbackPass, fixed: tuple[Tree, Tree], carry: Tree, inputs: Tree
) -> tuple[Tree, Tree]:
    """Runs a pass with feedback: as a scan, and on a GPU as one kernel where that pays.

    Args:
      of: The pass.
      fixed: ``[C, C]`` matrices, a row for each receiver, and ``[N, C]`` arrays: a pair of nests.
      carry: ``[N, C]`` arrays.
      inputs: ``[T, N, C]`` arrays, at least one.

    Returns:
      The last carry and the outputs.
    """

    def step(fixed, carry, now):
        matrices, rows = fixed
        heard = jax.tree.map(product, of.message(rows, carry), matrices)
        return of.step(rows, carry, (now, heard))

    def loop(kind, fixed, carry, inputs):
        return kind(functools.partial(step, fixed), carry, inputs, reverse=of.reverse)

    default, on_gpu = (functools.partial(loop, kind) for kind in (time_loop, chunked_loop))
    found = kernels()
    if not found:  # nothing is staged
        return default(fixed, carry, inputs)
    if "triton" in found and _pays(of, fixed, carry, inputs):
        on_gpu = functools.partial(partition.run_samples, feedback.run, of)
    return lax.platform_dependent(fixed, carry, inputs, cuda=on_gpu, default=default)


def _pays(of, fixed, carry, inputs):
    """True if the kernel with feedback can run the pass, and sooner than the loop."""
    matrices, rows = fixed
    if not feedback.pays(matrices, jax.tree.leaves(inputs)[0].shape[1]):
        return False
    heard = jax.tree.map(lambda _: jax.tree.leaves(inputs)[0], matrices)
    given = rows, carry, (inputs, heard)
    return _obstacle("triton", of.step_alone, *given) is None


def _named(name: str, of: Pass, fixed: Tree, carry: Tree, inputs: Tree):
    """The kernel, or an error that says what stands in its way."""
    if obstacle := _obstacle(name, of, fixed, carry, inputs):
        raise ValueError(
            f"`implementation` is {name!r}, which cannot run {of.name}: {obstacle}; expected "
            "a dynamics of arithmetic on each neuron by itself; None falls back to 'scan'."
        )
    return partition.run(_kernel(name), of, fixed, carry, inputs)


def _obstacle(name, *given):
    able = name in TAKES_VARYING
    return obstacles.obstacle(*given, PRIMITIVES[name](), takes_varying=able)


def _kernel(name: str) -> Engine:
    """The kernel of one device."""
    return functools.partial(kernel.run, backend(name))


@functools.cache
def missing(name: str) -> str | None:
    """Says why a backend does not run here, or ``None`` if it does."""
    if backend(name) is None:
        return f"JAX {jax.__version__} has no such backend, or another one"
    try:
        devices = jax.devices("cuda")
    except RuntimeError:
        return "there is no CUDA device, or jax[cuda12] is not installed"
    return next(filter(None, (unfit(name, device) for device in devices)), None)


def unfit(
    name: str, device: jax.Device, version: tuple[int, ...] = jax.__version_info__
) -> str | None:
    """Says why a backend does not run on a CUDA device, or ``None`` if it does.

    Before JAX 0.11 Mosaic's compiler aborts the process below compute capability 9.0; consumer
    Blackwell (12.x) is refused by the assembler.
    """
    try:
        capability = float(device.compute_capability)
    except (AttributeError, TypeError, ValueError):
        return f"{device.device_kind} tells no compute capability"
    least = 9.0 if name == "mosaic" and version < (0, 11) else 8.0
    most = 12.0 if name == "mosaic" else float("inf")
    if least <= capability < most:
        return None
    upper = f" and below {most}" if name == "mosaic" else ""
    return (
        f"{device.device_kind} has compute capability {capability}, expected {least} or more{upper}"
    )


@functools.cache
def backend(name: str) -> ModuleType | None:
    """The module of a backend, imported when first asked for, or ``None`` where JAX has it not."""
    try:
        return importlib.import_module(f"jslayer.ops.engines.{name}")
    except (ImportError, AttributeError):
        return None
