"""Products of lists of events with a weight: rows of it are added, and no zero is multiplied.

Forward, the events of every row (one step of one sample) lie side by side, filled up behind with
an index of a row of zeros, and one column of them after the other is added. For the gradient they
lie in one list per sample, whose rows of cotangents are added up where their address says.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from jslayer.ops import layout
from jslayer.ops.event_product import product, to_weight
from jslayer.ops.forward_mode import reverse_only

PIECE = 128
"""Events of a sample whose rows are added at once for the gradient."""

ROWS = 256
"""Rows of sums that are made at once, which stay in the cache."""


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True, eq=False)
class Lists:
    """Events of a batch, in two orders.

    Attributes:
      rows: ``[N, T, K]`` addresses of the events of a step, the number of places where there is no
        more.
      used: ``[N, T]`` int32, how many there are.
      address: ``[N, E]`` addresses of the events of a sample in the order of time, the number of
        places where there is none.
      step: ``[N, E]``.
      row_value: ``[N, T, K]`` float32 for graded events, or ``None``.
      value: ``[N, E]`` float32 for graded events, or ``None``.
    """

    rows: Any
    used: Any
    address: Any
    step: Any
    row_value: Any
    value: Any

    @property
    def samples(self) -> int:
        """N."""
        return self.rows.shape[0]

    @property
    def steps(self) -> int:
        """T."""
        return self.rows.shape[1]

    def samples_of(self, size: int) -> Iterator[tuple[Any, Any, Any]]:
        """Steps, addresses and values (or ``None``) of every sample, without the empty places."""
        values = [None] * self.samples if self.value is None else np.asarray(self.value)
        for step, address, value in zip(
            np.asarray(self.step), np.asarray(self.address), values, strict=True
        ):
            some = address < size
            yield step[some], address[some], None if value is None else value[some]

    def between(self, start: int, stop: int, size: int) -> "Lists":
        """The events of a part of time; ``size`` is the number of places."""
        inside = (self.step >= start) & (self.step < stop)
        address = jnp.where(inside, self.address, jnp.asarray(size, self.address.dtype))
        step = jnp.where(inside, self.step - start, 0).astype(self.step.dtype)
        cut = lambda array: None if array is None else array[:, start:stop]
        return Lists(cut(self.rows), cut(self.used), address, step, cut(self.row_value), self.value)


def filled(lists: Lists, size: int, *, time_first: bool) -> jax.Array:
    """The tensor of the events, ``[T, N, size]`` or ``[N, size, T]``; booleans or float32."""
    if not layout.one_device():
        return _filled_apart(lists, size, time_first)
    sample = jnp.arange(lists.samples)[:, None]
    shape: tuple[int, ...] = (lists.samples, size, lists.steps)
    place = (sample, lists.address, lists.step)
    if time_first:
        shape, place = (lists.steps, lists.samples, size), (lists.step, sample, lists.address)
    if lists.value is None:
        return jnp.zeros(shape, jnp.bool_).at[place].set(True, mode="drop")
    value = lax.stop_gradient(lists.value)
    return jnp.zeros(shape, jnp.float32).at[place].add(value, mode="drop")


def _filled_apart(lists, size, time_first):
    """As `filled`, in a form in which every device fills what it holds of the samples."""

    def fill(address, step, value):
        if time_first:
            shape, place = (lists.steps, size), (step, address)
        else:
            shape, place = (size, lists.steps), (address, step)
        if value is None:
            return jnp.zeros(shape, jnp.bool_).at[place].set(True, mode="drop")
        return jnp.zeros(shape, jnp.float32).at[place].add(value, mode="drop")

    value = jax.tree.map(lax.stop_gradient, lists.value)
    return jax.vmap(fill, out_axes=int(time_first))(lists.address, lists.step, value)


def lists_product(lists: Lists, weight: jax.Array) -> jax.Array:
    """``z[t, n] = sum of value W[:, address]`` over the events; the gradient is the weight's.

    Args:
      lists: The events.
      weight: ``[O, places]`` float32.

    Returns:
      ``[T, N, O]`` float32.
    """
    lists = jax.tree.map(jnp.asarray, lists)  # loops index what may be NumPy's
    if not layout.one_device():
        return _dense_sums(lists, weight)
    return reverse_only(_lists_product)(lists, weight)


@jax.custom_vjp
def _lists_product(lists, weight):
    return _sums(lists, weight)


def _forward(lists, weight):
    return _sums(lists, weight), (lists, jnp.zeros((weight.shape[1], 0)))


def _backward(residuals, z_bar):
    lists, like = residuals
    return None, _to_weight(lists, z_bar, like.shape[0])


_lists_product.defvjp(_forward, _backward)


# Loops as long as the lists need have no derivative in reverse mode. A derivative of either product
# is, being linear, the product itself, and takes the dense form, which has all others.


@jax.custom_jvp
def _sums(lists, weight):
    return lax.platform_dependent(lists, weight, cpu=_column_by_column, default=_dense_sums)


@_sums.defjvp
def _sums_jvp(primals, tangents):
    lists, weight = primals
    return _sums(lists, weight), _dense_sums(lists, tangents[1])


def _to_weight(lists, z_bar, size):
    @jax.custom_jvp
    def total(lists, z_bar):
        added = lambda lists, z_bar: _piece_by_piece(lists, z_bar, size)
        dense = lambda lists, z_bar: _dense_to_weight(lists, z_bar, size)
        return lax.platform_dependent(lists, z_bar, cpu=added, default=dense)

    @total.defjvp
    def total_jvp(primals, tangents):
        lists, z_bar = primals
        return total(lists, z_bar), _dense_to_weight(lists, tangents[1], size)

    return total(lists, z_bar)


def _dense_sums(lists, weight):
    return product(filled(lists, weight.shape[1], time_first=True).astype(weight.dtype), weight)


def _dense_to_weight(lists, z_bar, size):
    return to_weight(filled(lists, size, time_first=True).astype(jnp.float32), z_bar)


def _column_by_column(lists, weight):
    """The sums of some rows after the other, one event of each at once."""
    samples, steps, _ = lists.rows.shape
    outputs = weight.shape[0]
    behind = jnp.concatenate([weight.T, jnp.zeros((1, outputs), weight.dtype)])
    count = samples * steps
    parts = -(-count // ROWS)
    part = -(-count // parts)
    columns = _time_first(lists.rows).reshape(count, -1).T
    values = None
    if lists.row_value is not None:
        values = _time_first(lists.row_value).reshape(count, -1).T
    used = lists.used.T.reshape(count)

    def one(number, z):
        start = jnp.minimum(number * part, count - part)  # the last overlaps, with the same sums
        own = lax.dynamic_slice_in_dim(columns, start, part, axis=1)
        most = jnp.max(lax.dynamic_slice_in_dim(used, start, part))

        def add(k, sums):
            rows = behind.at[own[k]].get(mode="clip").astype(jnp.float32)
            if values is not None:
                rows = rows * lax.dynamic_slice(values, (k, start), (1, part))[0][:, None]
            return sums + rows

        sums = lax.fori_loop(0, most, add, jnp.zeros((part, outputs), jnp.float32))
        return lax.dynamic_update_slice_in_dim(z, sums, start, axis=0)

    z = lax.fori_loop(0, parts, one, jnp.zeros((count, outputs), jnp.float32))
    return z.reshape(steps, samples, outputs)


def _piece_by_piece(lists, z_bar, size):
    """``[O, size]``: rows of cotangents added up in place, in one order."""
    steps, samples, outputs = z_bar.shape
    rows = z_bar.reshape(steps * samples, outputs)

    def sample(n, total):
        address, step = lists.address[n], lists.step[n].astype(jnp.int32)
        places = jnp.arange(address.shape[0])
        needed = jnp.max(jnp.where(address < size, places + 1, 0))

        def piece(number, total):
            cut = lambda array: lax.dynamic_slice_in_dim(array, number * PIECE, PIECE)
            own = rows.at[cut(step) * samples + n].get(mode="clip")
            if lists.value is not None:
                own = own * cut(lists.value[n])[:, None]
            return total.at[cut(address)].add(own, mode="drop")

        return lax.fori_loop(0, (needed + PIECE - 1) // PIECE, piece, total)

    total = jnp.zeros((size + 1, outputs), jnp.float32)
    return lax.fori_loop(0, samples, sample, total)[:size].T


def _time_first(array):
    return jnp.swapaxes(array, 0, 1)
