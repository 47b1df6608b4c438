"""Events as bits: packed and unpacked they are the same."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.ops import event_bits


@pytest.mark.parametrize("steps", [1, 7, 8, 9, 300])
@pytest.mark.parametrize("dtype", [jnp.float32, jnp.bool_])
def test_unpacking_undoes_packing(steps, dtype):
    events = jnp.asarray(np.random.default_rng(steps).random((steps, 2, 3)) < 0.5, dtype)
    bits = jax.jit(event_bits.pack)(events)
    assert bits.dtype == jnp.uint8
    assert bits.shape == (-(-steps // 8), 2, 3)
    np.testing.assert_array_equal(event_bits.unpack(bits, steps), events)


def test_the_form_for_gpus_gives_the_same_bytes():
    eights = jnp.asarray(np.random.default_rng(0).random((5, 8, 3)) < 0.5)
    expected = np.packbits(np.asarray(eights), axis=1, bitorder="little")[:, 0]
    np.testing.assert_array_equal(event_bits._behind_a_barrier(eights), expected)
    np.testing.assert_array_equal(event_bits._in_a_loop(eights), expected)


def test_bits_of_another_time_are_refused():
    with pytest.raises(ValueError, match="`bits` has 2 bytes of time, expected 3 for 17 steps"):
        event_bits.unpack(jnp.zeros((2, 4), jnp.uint8), 17)
    with pytest.raises(ValueError, match=r"`events` has shape \(\)"):
        event_bits.pack(jnp.float32(1))
