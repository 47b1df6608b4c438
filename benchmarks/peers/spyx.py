"""The work in Spyx, on time-first arrays."""

import functools

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
    return f"spyx {importlib.metadata.version('spyx')}, jax {jax.__version__}", calls


def _done(run, *arguments):
    import jax

    return jax.block_until_ready(run(*arguments))


if __name__ == "__main__":
    worker.serve(make)
