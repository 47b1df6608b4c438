"""Where the axes are: outside [N, C, ..., T], inside [T, N, ..., C].

Inside, time leads so that a scan reads contiguous rows, and the channel is last so that a dense
synapse is one matrix product and a convolution a 2-d one over T*N images. Two neighbouring layers'
moves cancel in the compiler.
"""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from jslayer.ops import check


def time_first(x: jax.Array) -> jax.Array:
    """``[N, C, ..., T] -> [T, N, ..., C]``."""
    return jnp.moveaxis(x, (-1, 1), (0, -1))


def time_last(x: jax.Array) -> jax.Array:
    """``[T, N, ..., C] -> [N, C, ..., T]``."""
    return jnp.moveaxis(x, (0, -1), (-1, 1))


def channel_last(x: jax.Array) -> jax.Array:
    """``[C, ...] -> [..., C]``: one parameter per neuron, brought to the inner order."""
    return jnp.moveaxis(x, 0, -1)


def step_last(x: jax.Array) -> jax.Array:
    """``[N, C, ...] -> [N, ..., C]``: one step, brought to the inner order."""
    return jnp.moveaxis(x, 1, -1)


def step_first(x: jax.Array) -> jax.Array:
    """``[N, ..., C] -> [N, C, ...]``: one step, brought to the outer order."""
    return jnp.moveaxis(x, -1, 1)


def one_device() -> bool:
    """False if a batch may be split over devices: it must then stay an axis, or the major one."""
    return jax.device_count() == 1


def varies(*nests: Any) -> frozenset[str]:
    """Names of the axes over which some array varies, as a `jax.shard_map` that checks it says."""
    varying = (jax.typeof(leaf).manual_axis_type.varying for leaf in jax.tree.leaves(nests))
    return frozenset().union(*varying)


def vary_alike(*nests: Any) -> tuple[Any, ...]:
    """Lets all arrays vary over the axes of any, as a loop's carry and a gradient must.

    Inside of a `jax.shard_map` that checks what varies, JAX then sums the gradient of what was the
    same on all devices.
    """
    axes = varies(nests)

    def vary(leaf):
        missing = tuple(sorted(axes - varies(leaf)))
        return lax.pcast(leaf, missing, to="varying") if missing else leaf

    return jax.tree.map(vary, nests) if axes else nests


def over_images(function: Callable[[jax.Array], jax.Array], x: jax.Array) -> jax.Array:
    """Applies a function of images ``[B, H, W, C]`` to ``[T, N, H, W, C]``, all steps at once."""
    swap = (lambda array: array) if one_device() else lambda array: jnp.swapaxes(array, 0, 1)
    x = swap(x)
    y = function(x.reshape(-1, *x.shape[2:]))
    return swap(y.reshape(*x.shape[:2], *y.shape[1:]))


def check_input(x: jax.Array, name: str = "x", *, events: bool = False) -> None:
    """Raises unless ``x`` is a floating-point ``[N, C, ..., T]`` with samples, steps and no NaN.

    Where ``events`` are taken, booleans are welcome too (an event or none), and so are integers
    that float32 holds exactly: they become floats where they are used.
    """
    _no_lists(x, name)
    check.rank(name, x, at_least=3, at_most=5, layout="N, C, ..., T")
    check.samples(name, x)
    check.time_steps(name, x, axis=-1)
    if events and is_events(x):
        check.exact_in_float(name, x)
        return
    check.floating(name, x)
    check.no_nan(name, x)


def is_events(x: jax.Array) -> bool:
    """True for booleans and integers: a recording, which no layer has turned yet."""
    dtype = jnp.result_type(x)
    return dtype == jnp.bool_ or jnp.issubdtype(dtype, jnp.integer)


def parts(x: Any, name: str = "x") -> dict[str, jax.Array]:
    """A complex drive as a nest of ``real`` and ``imag``: from a pair, such a nest, or an array.

    Raises:
      TypeError: ``x`` is one real array.
      ValueError: the parts differ in shape.
    """
    _no_lists(x, name)
    if isinstance(x, Mapping) and set(x) == {"real", "imag"}:
        real, imag = x["real"], x["imag"]
    elif isinstance(x, tuple | list) and len(x) == 2:
        real, imag = x
    elif not isinstance(x, tuple | list | Mapping) and jnp.iscomplexobj(x):
        real, imag = jnp.real(x), jnp.imag(x)
    else:
        raise TypeError(
            f"`{name}` is {_said(x)}, expected a pair (real, imag) or a complex array; this "
            "neuron is complex: use a complex synapse in front."
        )
    if jnp.shape(real) != jnp.shape(imag):
        raise ValueError(
            f"`{name}` has a real part of shape {jnp.shape(real)} and an imaginary part of "
            f"{jnp.shape(imag)}, expected the same; pass both of one drive."
        )
    return {"real": real, "imag": imag}


def one_part(x: Any, name: str = "x") -> jax.Array:
    """``x`` itself; raises ``TypeError`` if it is a pair or a complex array."""
    _no_lists(x, name)
    if isinstance(x, tuple | list | Mapping) or jnp.iscomplexobj(x):
        raise TypeError(
            f"`{name}` is {_said(x)}, expected one real array; pass one part of it, or use a "
            "complex family (rf, rf_iz, adrf, adrf_iz)."
        )
    return x


def _no_lists(x: Any, name: str) -> None:
    """Refuses lists of events, which this module must not know, where they cannot be read."""
    if hasattr(x, "to_dense"):
        raise TypeError(
            f"`{name}` is a batch of events, expected an array here; pass `batch.to_dense()`."
        )


def _said(x: Any) -> str:
    if isinstance(x, tuple | list | Mapping):
        return f"a {type(x).__name__} of {len(x)}"
    return f"an array of {jnp.result_type(x)}"
