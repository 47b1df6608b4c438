"""The learnable delay as a module."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.axon import Delay

IMPULSE = jnp.zeros((1, 3, 10)).at[..., 1].set(1)


def delayed(values, x=IMPULSE, **options):
    params = {"delay": jnp.asarray(values, jnp.float32)}
    return jax.jit(Delay(**options).apply)({"params": params}, x)


def times(y):
    return np.argmax(np.asarray(y)[0], axis=-1).tolist()


def test_each_channel_waits_its_own_time_in_whole_steps():
    assert times(delayed([0.9, 1.0, 4.5])) == [1, 2, 5]
    assert times(delayed([0.9, 1.0, 4.5], sampling_time=0.5)) == [2, 3, 0]  # the last runs out
    assert times(delayed([-3.0, 2.0, 50.0], max_delay=4)) == [1, 3, 5]


def test_delays_start_at_no_step():
    params = Delay().init(jax.random.key(0), IMPULSE)["params"]
    assert params["delay"].shape == (3,)
    np.testing.assert_array_equal(Delay().apply({"params": params}, IMPULSE), IMPULSE)


def test_a_delay_learns_toward_a_later_target():
    # the output comes too early: the gradient of its distance to a later train must be negative
    bump = lambda middle: jnp.exp(-(((jnp.arange(20.0) - middle) / 3) ** 2))[None, None]
    x, target = bump(6), bump(8)
    loss = lambda d: jnp.sum((Delay().apply({"params": {"delay": d}}, x) - target) ** 2)
    slope = jax.jit(jax.grad(loss))
    assert slope(jnp.array([0.5]))[0] < 0
    assert slope(jnp.array([4.5]))[0] > 0


def test_a_clamped_delay_still_learns():
    loss = lambda d: jnp.sum(delayed(d, max_delay=4)[..., 5])
    assert jax.jit(jax.grad(loss))(jnp.array([90.0, 90.0, 90.0])).all()


def test_spikes_under_way_arrive_in_the_next_call():
    line = Delay(max_delay=8, persistent_state=True)
    variables = {"params": {"delay": jnp.array([0.0, 3.0, 8.0])}}
    whole = delayed([0.0, 3.0, 8.0])
    state, parts = {}, []
    for piece in jnp.split(IMPULSE, [2, 3, 7], axis=-1):
        y, state = line.apply({**variables, **state}, piece, mutable=["state"])
        parts.append(y)
    np.testing.assert_array_equal(jnp.concatenate(parts, -1), whole)


def test_bad_delays_are_refused():
    with pytest.raises(ValueError, match=r"`x` has shape .* expected 2 \(channels of the delay\)"):
        delayed([0.0, 1.0])
    with pytest.raises(ValueError, match="`max_delay` is None, expected a number"):
        delayed([0.0, 1.0, 2.0], persistent_state=True)
    with pytest.raises(ValueError, match="`sampling_time` is 0, expected a number above 0"):
        delayed([0.0, 1.0, 2.0], sampling_time=0)
    with pytest.raises(TypeError, match="`x` has dtype int32, expected a floating-point"):
        delayed([0.0, 1.0, 2.0], IMPULSE.astype(jnp.int32))
    with pytest.raises(ValueError, match=r"`x` has shape \(3, 10\).*expected \[N, C, ..., T\]"):
        delayed([0.0, 1.0, 2.0], IMPULSE[0])


def test_a_delay_line_of_another_batch_is_refused():
    line = Delay(max_delay=8, persistent_state=True)
    variables = {"params": {"delay": jnp.zeros(3)}}
    _, state = line.apply(variables, IMPULSE, mutable=["state"])
    with pytest.raises(
        ValueError, match=r"`state` holds tail of shape \(9, 1, 3\), expected \(9, 2, 3\)"
    ):
        line.apply({**variables, **state}, jnp.zeros((2, 3, 4)), mutable=["state"])
