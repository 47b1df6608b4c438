"""The work in Spyx, on time-first arrays."""

import functools
import itertools

from benchmarks.peers import worker


def make(sizes):
    import importlib.metadata

    import jax
    import jax.numpy as jnp
    import numpy as np
    import spyx.nn
    from flax import nnx

    random = np.random.default_rng(0)
    rngs = nnx.Rngs(0)
    neurons, outputs = sizes["neurons"], sizes["outputs"]
    normal = lambda *shape: jnp.asarray(random.standard_normal(shape, np.float32))
    x = 0.3 * normal(sizes["length"], sizes["samples"], neurons)
    spikes = random.random((sizes["steps"], sizes["batch"], sizes["inputs"]), np.float32) < 0.1
    work = {
        worker.CUBA: (spyx.nn.CuBaLIF((neurons,), 0.75, 0.9, rngs=rngs), x, 1),
        worker.LIF: (spyx.nn.LIF((neurons,), 0.9, rngs=rngs), x, 1),
        worker.LAYER: (
            spyx.nn.Sequential(
                nnx.Linear(sizes["inputs"], outputs, use_bias=False, rngs=rngs),
                spyx.nn.LIF((outputs,), 0.9, rngs=rngs),
            ),
            jnp.asarray(spikes, jnp.float32),
            0,
        ),
    }
    calls = {}
    for name, (module, x, wanted) in work.items():
        graph, state = nnx.split(module)

        def run(state, x, graph=graph):
            return spyx.nn.run(nnx.merge(graph, state), x)[0]

        def loss(state, x, y_bar, run=run):
            return jnp.vdot(run(state, x), y_bar)

        y_bar = normal(*jax.eval_shape(run, state, x).shape)
        both = jax.jit(jax.grad(loss, wanted))
        calls[f"{name}, {worker.FORWARD}"] = functools.partial(_done, jax.jit(run), state, x)
        calls[f"{name}, {worker.BOTH}"] = functools.partial(_done, both, state, x, y_bar)
    calls[worker.STEP] = worker.when_called(lambda: _training(sizes, rngs, random))
    return f"spyx {importlib.metadata.version('spyx')}, jax {jax.__version__}", calls


def _training(sizes, rngs, random):
    """A call that trains for one step and keeps its state."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax
    import spyx.nn
    from flax import nnx

    samples, network = sizes["recordings"], sizes["network"]
    layers = []
    for inputs, outputs in itertools.pairwise(network):
        layers.append(nnx.Linear(inputs, outputs, use_bias=False, rngs=rngs))
        layers.append(spyx.nn.CuBaLIF((outputs,), 0.75, 0.97, rngs=rngs))
    x = random.random((sizes["length"], samples, network[0]), np.float32) < worker.DENSITY
    true = np.arange(network[-1]) == random.integers(0, network[-1], samples)[:, None]
    target = jnp.where(true, worker.TRUE_RATE, worker.FALSE_RATE)
    graph, params = nnx.split(spyx.nn.Sequential(*layers))
    optimizer = optax.adam(1e-3)
    kept = [(params, optimizer.init(params))]

    def loss(params, x, target):
        y, _ = spyx.nn.run(nnx.merge(graph, params), x)
        return jnp.sum((jnp.mean(y, axis=0) - target) ** 2)

    @functools.partial(jax.jit, donate_argnums=0)
    def step(state, x, target):
        params, moments = state
        updates, moments = optimizer.update(jax.grad(loss)(params, x, target), moments)
        return optax.apply_updates(params, updates), moments

    x = jnp.asarray(x, jnp.float32)

    def call():
        kept[0] = jax.block_until_ready(step(kept[0], x, target))

    return call


def _done(run, *arguments):
    import jax

    return jax.block_until_ready(run(*arguments))


if __name__ == "__main__":
    worker.serve(make)
