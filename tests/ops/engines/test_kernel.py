"""The kernel, interpreted, against scan: the same bits forward, float rounding backward."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer.ops.engines import body, kernel, passes, scan, select, tuning
from tests.ops.engines.cases import BY_NAME, DYNAMICS, scanned, through
from tests.ops.engines.compare import ENGINES, close, equal

WALKS = ("forward", "training", "backward")
SIZES = ((7, 129), (1, 128), (17, 1), (9, 127), (8, 257), (3, 160))


def compare(case, walk, engine, steps, neurons):
    found = through(engine, *case.passes(steps, neurons)[walk])
    expected = scanned(case, walk, steps, neurons)
    exact = case.exact and walk != "backward"
    (equal if exact else close)(found, expected)
    assert jax.tree.structure(found) == jax.tree.structure(expected)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize(
    "name", [pytest.param(c.name, marks=pytest.mark.slow) for c in DYNAMICS if c.name != "nested"]
)
def test_the_kernel_of_every_dynamics_equals_scan(name, walk, engine):
    sizes = SIZES[list(BY_NAME).index(name) % len(SIZES)]
    compare(BY_NAME[name], walk, ENGINES[engine], *sizes)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("walk", WALKS)
@pytest.mark.parametrize(
    "steps,neurons",
    [
        (7, 129),
        *(
            pytest.param(*size, marks=pytest.mark.slow)
            for size in ((1, 1), (1, 1000), (7, 127), (300, 128), (16, 1000), (41, 129))
        ),
    ],
)
def test_sizes_need_not_be_multiples_of_anything(steps, neurons, walk, engine):
    compare(BY_NAME["cuba"], walk, ENGINES[engine], steps, neurons)
    compare(BY_NAME["nested"], walk, ENGINES[engine], steps, neurons)


@pytest.mark.parametrize("tile", [tuning.Tile(128, 1, 3), tuning.Tile(256, 2, 1)])
@pytest.mark.parametrize("walk", ["training", "backward"])
def test_any_tile_gives_the_same(tile, walk):
    module = select.backend("triton") or select.backend("mosaic")
    engine = functools.partial(kernel.run, module, tile=tile, interpret=True)
    compare(BY_NAME["cuba"], walk, engine, 8, 300)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 8, 9])
@pytest.mark.parametrize("chunk", [1, 2, 8])
def test_a_walk_takes_every_step_once_and_in_order(steps, chunk, reverse):
    rows = jnp.arange(steps)

    def step(t, carry, row):
        seen, n = carry
        return seen.at[n].set(10 * t + row), n + 1

    walk = lambda: body.loop(
        steps, chunk, reverse, lambda t: rows[t], step, (jnp.zeros(steps, jnp.int32), 0)
    )
    seen, n = jax.jit(walk)()
    order = np.arange(steps)[:: -1 if reverse else 1]
    np.testing.assert_array_equal(seen, 11 * order)
    assert n == steps


@pytest.mark.parametrize("neurons", [128, 129, 200, 256, 1000])
@pytest.mark.parametrize("block", [32, 128])
def test_tiles_cover_all_neurons_and_stay_inside(neurons, block):
    tile = tuning.Tile(block, 1, 1)
    starts = [int(tile.start(jnp.int32(i), neurons)) for i in range(tile.programs(neurons))]
    covered = {start + k for start in starts for k in range(block)}
    assert covered == set(range(neurons))


@pytest.mark.parametrize("choose", [tuning.mosaic, tuning.triton])
@pytest.mark.parametrize("streams", [1, 3, 12, 40])
@pytest.mark.parametrize("neurons", [128, 1001, 16384, 131072, 131073])
def test_tiles_are_what_the_backends_take(neurons, streams, choose):
    for steps in (1, 3, 300):
        tile = choose(steps, neurons, streams)
        assert tile.block <= neurons and tile.block & (tile.block - 1) == 0
        assert neurons % tile.vec == 0 and tile.vec * tuning.THREADS <= max(tile.block, 128)
        assert 1 <= tile.chunk <= max(steps, 1)
        rows = 2 * tile.chunk * streams * max(1, tile.block // tuning.THREADS)
        assert tile.chunk == 1 or rows <= tuning.LOADED_REGISTERS


def test_few_neurons_over_many_steps_load_more_at_once():
    assert tuning.mosaic(2000, 4096, 3).chunk == 16 and tuning.mosaic(300, 4096, 3).chunk == 8
    assert tuning.mosaic(2000, 1 << 17, 1).chunk == 8 and tuning.mosaic(2000, 4096, 9).chunk == 4


@pytest.mark.slow
def test_no_program_writes_what_another_reads_or_writes():
    if "mosaic_interpret" not in ENGINES:
        pytest.skip("Mosaic has no interpreter before JAX 0.11")
    import jax.experimental.pallas.mosaic_gpu as plgpu
    from jax._src.pallas.mosaic_gpu.interpret import interpret_pallas_call

    watch = plgpu.InterpretGPUParams(detect_races=True)
    module = select.backend("mosaic")
    for walk in WALKS:
        run = functools.partial(kernel.run, module, interpret=watch)
        jax.block_until_ready(through(run, *BY_NAME["cuba"].passes(9, 256)[walk]))
        assert not interpret_pallas_call.get_races().races_found


def test_a_state_without_entries_and_no_parameters_will_do():
    walk = passes.Pass("square", lambda fixed, carry, x: (carry, {"y": x * x}))
    arguments = walk, {}, {}, jnp.arange(6.0).reshape(2, 3)
    for engine in ENGINES.values():
        equal(through(engine, *arguments), through(scan.run, *arguments))
