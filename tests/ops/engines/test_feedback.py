"""The kernel with feedback, interpreted, against the loop; and what it becomes on a GPU."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.ops import recurrent
from jslayer.ops.engines import feedback, partition, select
from tests.ops.engines.compare import close, equal
from tests.ops.engines.lowering import kernels, lowered
from tests.ops.test_recurrent import PAIRS, RECORDS, draw

STEPS = 5

pytestmark = pytest.mark.skipif(select.backend("triton") is None, reason="this JAX has no Triton")


@pytest.fixture
def by_kernel(monkeypatch):
    """Feedback runs in the interpreted kernel; tells which passes did."""
    seen = []

    def run(of, fixed, carry, inputs):
        seen.append(of.name.split("_")[1])
        engine = functools.partial(feedback.run, interpret=True)
        return partition.run_samples(engine, of, fixed, carry, inputs)

    def use():
        monkeypatch.setattr(select, "run_feedback", run)
        recurrent._run.clear_cache()
        return seen

    yield use
    recurrent._run.clear_cache()


def problem(name, batch, channels):
    """Arguments of `whole`; products are exact in any order."""
    _, params = RECORDS[name]
    params = {n: jnp.full((batch, channels), v, jnp.float32) for n, v in params.items()}
    spread = 0.5 / np.sqrt(channels)
    drawn = 0.25 + draw(0, (STEPS, batch, channels), 0.75), draw(1, (channels, channels), spread)
    x, weight = ({"real": v, "imag": -v[..., ::-1]} if name in PAIRS else v for v in drawn)
    fed_back = draw(4, (batch, channels), 0.5)
    return params, x, weight, fed_back, 1.0 + draw(5, (batch, channels), 0.25)


def whole(name, given):
    """Outputs, last state and all gradients, compiled."""
    dynamics, _ = RECORDS[name]

    def total(params, x, weight, fed_back, gain):
        run = functools.partial(recurrent.run_recurrent, gain=gain)
        outputs, last = run(dynamics, params, None, x, weight, fed_back)
        wave = jnp.cos(jnp.arange(outputs["spike"].size, dtype=jnp.float32))
        return jnp.sum(outputs["spike"] * wave.reshape(outputs["spike"].shape)), (outputs, last)

    run = jax.value_and_grad(total, (0, 1, 2, 3, 4), has_aux=True, allow_int=True)
    (_, found), bars = jax.jit(run)(*given)
    return found, bars


@pytest.mark.parametrize(
    "name,batch,channels",
    [("cuba", 2, 3), ("cuba", 1, 32), *((name, 2, 33) for name in RECORDS if name != "rf")],
)
def test_the_kernel_equals_the_loop(name, batch, channels, by_kernel):
    given = problem(name, batch, channels)
    expected, expected_bars = whole(name, given)
    assert np.any(expected[0]["spike"])
    seen = by_kernel()
    found, bars = whole(name, given)
    equal(found, expected)
    close(bars, expected_bars)
    assert {"training", "backward"} <= set(seen)
    # without a gradient
    dynamics, own = RECORDS[name]
    _, x, weight, *_ = given
    seen.clear()
    outputs, _ = recurrent.run_recurrent(dynamics, own, None, x, weight)
    assert seen == ["forward"]
    assert np.any(outputs["spike"])


@pytest.mark.usefixtures("fresh_contexts")
@pytest.mark.skipif(jax.local_device_count() < 2, reason="needs two devices")
@pytest.mark.parametrize("kind", [jax.sharding.AxisType.Auto, jax.sharding.AxisType.Explicit])
def test_each_device_runs_its_samples(kind, by_kernel):
    given = problem("cuba", 4, 6)
    expected, _ = whole("cuba", given)
    by_kernel()
    mesh = jax.make_mesh((2,), ("batch",), axis_types=(kind,))
    params, x, weight, fed_back, gain = given
    with jax.set_mesh(mesh):
        place = lambda nest, *spec: jax.device_put(nest, jax.NamedSharding(mesh, jax.P(*spec)))
        row = lambda nest: place(nest, "batch")
        given = row(params), place(x, None, "batch"), place(weight), row(fed_back), row(gain)
        dynamics, _ = RECORDS["cuba"]

        def outputs(params, x, weight, fed_back, gain):
            run = functools.partial(recurrent.run_recurrent, gain=gain)
            return run(dynamics, params, None, x, weight, fed_back)

        compiled = jax.jit(outputs).lower(*given).compile()
        equal(compiled(*given), expected)
        for word in ("all-gather", "all-to-all", "collective-permute", "all-reduce"):
            assert word not in compiled.as_text()


def test_mapped_networks_share_a_kernel(by_kernel):
    given = problem("cuba", 2, 5)
    weights = jnp.stack([given[2], 0.5 * given[2]])
    one = lambda weight: whole("cuba", (*given[:2], weight, *given[3:]))
    expected = [one(weight) for weight in weights]
    by_kernel()
    found, bars = jax.jit(jax.vmap(one))(weights)
    equal(found, jax.tree.map(lambda *rows: jnp.stack(rows), *(f for f, _ in expected)))
    close(bars, jax.tree.map(lambda *rows: jnp.stack(rows), *(b for _, b in expected)))


def test_the_loop_is_left_where_reading_the_matrices_takes_longer():
    square = lambda size: jnp.zeros((size, size))
    pair = lambda size: {"real": square(size), "imag": square(size)}
    assert feedback.pays(square(160), 1000) and not feedback.pays(square(160), 2000)
    assert feedback.pays(square(256), 32)
    assert not feedback.pays(square(256), 128)
    assert not feedback.pays(square(400), 1)
    assert feedback.pays(pair(112), 1000) and not feedback.pays(pair(160), 1000)


@pytest.mark.parametrize("name", ["cuba", "rf_iz"])
def test_on_a_gpu_a_gradient_is_two_kernels_without_a_loop(name, monkeypatch):
    monkeypatch.setattr(select, "missing", lambda backend: None)
    recurrent._run.clear_cache()
    dynamics, params = RECORDS[name]

    def total(x, weight):
        outputs, _ = recurrent.run_recurrent(dynamics, params, None, x, weight)
        return jnp.sum(outputs["spike"])

    def text(channels):
        row = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
        pair = lambda one: {"real": one, "imag": one} if name in PAIRS else one
        given = pair(row(24, 2, channels)), pair(row(channels, channels))
        return lowered(jax.grad(total, (0, 1)), *given)

    assert kernels(text(100)) == (2, 0)
    assert kernels(text(400)) == (0, 2)  # too large: a loop of launches
    recurrent._run.clear_cache()
