"""Batches of events as lists: the same tensor, the same sums, and errors that say what is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import ops
from jslayer.ops import EventBatch, event_lists
from jslayer.ops.event_product import product

DIMS, STEPS = (2, 3, 4), 9
SIZE = 24


@pytest.fixture(autouse=True)
def one_device(monkeypatch):
    """The way of a process with one device, whose lists are read as they are."""
    monkeypatch.setattr(jax, "device_count", lambda *_: 1)


def recordings(graded=False):
    """Three samples, in no order; the second is empty, and some events come twice."""
    random = np.random.default_rng(0)
    made = []
    for count in (60, 0, 150):
        places = [random.integers(0, size, count) for size in (STEPS, *DIMS)]
        values = [random.integers(-3, 9, count) / 4] if graded else []
        made.append([*places, *values])
    return made


def tensor(given):
    """``[N, C, H, W, T]`` of them, by NumPy."""
    graded = len(given[0]) == 5
    x = np.zeros((len(given), *DIMS, STEPS), np.float32)
    for sample, (t, c, y, column, *value) in zip(x, given, strict=True):
        if graded:
            np.add.at(sample, (c, y, column, t), value[0])
        else:
            sample[c, y, column, t] = 1
    return x


@pytest.fixture(params=[False, True], ids=["binary", "graded"])
def both(request):
    """A batch and its tensor."""
    given = recordings(request.param)
    return EventBatch.from_events(given, (*DIMS, STEPS)), tensor(given)


def test_a_batch_is_the_tensor_of_the_same_events(both):
    batch, x = both
    assert batch.shape == x.shape
    assert batch.ndim == x.ndim
    assert repr(batch).startswith(f"EventBatch(shape=(3, 2, 3, 4, 9), dtype={batch.dtype}, ")
    assert batch.to_dense().dtype == batch.dtype
    np.testing.assert_array_equal(batch.to_dense(), x)
    np.testing.assert_array_equal(batch.flat().to_dense(), x.reshape(3, SIZE, STEPS))
    again = EventBatch.from_dense(x)
    np.testing.assert_array_equal(again.to_dense(), x)
    assert again.dtype == batch.dtype


def test_events_in_no_order_make_the_same_lists():
    given = recordings()
    turned = [[array[::-1] for array in one] for one in given]
    one, other = (EventBatch.from_events(r, (*DIMS, STEPS)) for r in (given, turned))
    jax.tree.map(np.testing.assert_array_equal, one, other)


def test_samples_and_steps_are_cut_as_those_of_the_tensor(both):
    batch, x = both
    np.testing.assert_array_equal(batch[1:].to_dense(), x[1:])
    np.testing.assert_array_equal(batch[..., 2:7].to_dense(), x[..., 2:7])
    part = batch[..., 2:7]
    np.testing.assert_array_equal(sums(part, np.eye(SIZE, dtype=np.float32)), flat(x[..., 2:7]))
    assert batch.events().tolist() == np.count_nonzero(x, axis=(1, 2, 3, 4)).tolist()
    with pytest.raises(TypeError, match=r"cut by 3, expected samples"):
        _ = batch[3]
    with pytest.raises(ValueError, match="cut from 0 to 9 by 2, expected"):
        _ = batch[..., ::2]


def flat(x):
    return np.moveaxis(x.reshape(len(x), SIZE, -1), 2, 0)


@jax.jit
def sums(batch, weight):
    return event_lists.lists_product(batch.flat().lists, weight)


@pytest.mark.parametrize(("rows", "devices"), [(event_lists.ROWS, 1), (4, 1), (4, 2)])
def test_sums_and_gradient_are_those_of_the_tensor_bit_for_bit(both, rows, devices, monkeypatch):
    monkeypatch.setattr(event_lists, "ROWS", rows)
    monkeypatch.setattr(jax, "device_count", lambda *_: devices)
    batch, x = both
    random = np.random.default_rng(1)
    on_grid = lambda *shape: np.round(random.uniform(-2, 2, shape) * 32).astype(np.float32) / 32
    weight, bar = on_grid(5, SIZE), on_grid(STEPS, 3, 5)

    @jax.jit
    def run(batch, weight, bar):
        z, pull = jax.vjp(lambda w: event_lists.lists_product(batch.lists, w), weight)
        return z, pull(bar)[0]

    z, found = run(batch, weight, bar)
    np.testing.assert_array_equal(z, np.einsum("tnc,oc->tno", flat(x), weight))
    np.testing.assert_array_equal(found, np.einsum("tno,tnc->oc", bar, flat(x)))


def test_second_derivatives_are_those_of_the_product(both):
    batch, x = both
    weight = jnp.asarray(np.random.default_rng(2).normal(size=(5, SIZE)), jnp.float32)
    rows = jnp.asarray(flat(x))

    def derivatives(run):
        loss = lambda w: jnp.sum(jnp.sin(run(w)))
        along = jnp.cos(jnp.arange(weight.size * 1.0)).reshape(weight.shape)
        forward = jax.jvp(jax.grad(loss), (weight,), (along,))[1]
        backward = jax.grad(lambda w: jnp.sum(jax.grad(loss)(w) * along))(weight)
        return forward, backward

    ours = jax.jit(lambda: derivatives(lambda w: event_lists.lists_product(batch.lists, w)))()
    due = jax.jit(lambda: derivatives(lambda w: product(rows, w)))()
    for one, other in zip(ours, due, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-4)
    run = lambda w: event_lists.lists_product(batch.lists, w)  # of NumPy arrays, not compiled
    along = ops.jvp(run, (weight,), (weight,))[1]
    np.testing.assert_allclose(along, run(weight), rtol=1e-5, atol=1e-6)
    with pytest.raises(TypeError, match=r"jslayer\.ops\.jvp"):
        jax.jvp(lambda w: event_lists.lists_product(batch.lists, w), (weight,), (weight,))


def test_it_maps_over_weights_and_over_batches(both):
    batch, _ = both
    weight = jnp.asarray(np.arange(5.0 * SIZE).reshape(5, SIZE), jnp.float32)
    z = jax.jit(jax.vmap(sums, (None, 0)))(batch, jnp.stack([weight, -weight]))
    np.testing.assert_array_equal(z[1], -z[0])
    twice = jax.tree.map(lambda leaf: jnp.stack([leaf, leaf]), batch)
    np.testing.assert_array_equal(jax.jit(jax.vmap(sums, (0, None)))(twice, weight)[1], z[0])


def test_batches_of_like_size_have_one_shape_and_a_capacity_gives_one_for_all():
    events = lambda count: [(np.zeros(count, int), np.arange(count))]
    shapes = [EventBatch.from_events(events(n), (20, 5)).capacity for n in (5, 6, 7, 8, 9)]
    assert shapes == [(8, 128), (8, 128), (8, 128), (8, 128), (16, 128)]
    batch = EventBatch.from_events(events(3), (20, 5), capacity=(16, 200))
    assert batch.capacity == (16, 256)
    roomy = EventBatch.from_events(events(3), (20, 5)).with_room((16, 200))
    jax.tree.map(np.testing.assert_array_equal, roomy, batch)
    with pytest.raises(ValueError, match=r"sample 0 has 9 events in one step, expected at most 8"):
        EventBatch.from_events(events(9), (20, 5), capacity=(8, 128))
    with pytest.raises(ValueError, match=r"sample 0 has 9 events in all, expected at most 8"):
        EventBatch.from_events(events(9), (20, 5), capacity=(12, 8))


BAD = {
    "behind": (
        ([0], [1], [0], [4]),
        ValueError,
        r"`x` of recordings\[0\] is 4 at event 0.* 0 to 3",
    ),
    "negative": (([0, 1], [0, -1], [0, 0], [0, 0]), ValueError, "`c` of .* is -1 at event 1"),
    "late": (([9], [1], [0], [0]), ValueError, "`t` of .* is 9 at event 0, expected 0 to 8"),
    "fraction": (([0.5], [1], [0], [0]), TypeError, "`t` of .* float64, expected whole numbers"),
    "lengths": (([0], [1, 1], [0], [0]), ValueError, "one entry per event"),
    "axes": (([0], [1]), ValueError, r"has 2 arrays, expected 4 \(t, c, y, x\)"),
    "value": (([0], [1], [0], [0], [np.nan]), ValueError, "NaN or infinity"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_recording_is_refused_with_one_sentence(name):
    given, kind, message = BAD[name]
    with pytest.raises(kind, match=message):
        EventBatch.from_events([given], (*DIMS, STEPS))


def test_other_bad_arguments_are_refused():
    with pytest.raises(ValueError, match="`recordings` is empty"):
        EventBatch.from_events([], (3, 4))
    with pytest.raises(ValueError, match=r"`shape` is \(3,\), expected"):
        EventBatch.from_events([([0], [1])], (3,))
    with pytest.raises(TypeError, match="values for all recordings or none"):
        EventBatch.from_events([([0], [1]), ([0], [1], [0.5])], (3, 4))
    with pytest.raises(TypeError, match="`x` is complex"):
        EventBatch.from_dense(np.ones((1, 2, 3), np.complex64))
    with pytest.raises(TypeError, match="`x` is traced"):
        jax.jit(EventBatch.from_dense)(jnp.zeros((1, 2, 3)))
