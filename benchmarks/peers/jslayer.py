"""The work in jslayer, on time-first arrays as inside a network, or on ``[N, C, T]``."""

import functools

from benchmarks.peers import worker


def make(sizes):
    import jax
    import jax.numpy as jnp
    import numpy as np

    import jslayer
    from jslayer import synapse
    from jslayer.block import cuba as block
    from jslayer.neuron import cuba

    random = np.random.default_rng(0)
    samples, neurons, length = sizes["samples"], sizes["neurons"], sizes["length"]
    outer = sizes.get("outer", False)
    shape = (samples, neurons, length) if outer else (length, samples, neurons)
    x = jnp.asarray(random.standard_normal(shape, np.float32) * 0.3)
    y_bar = jnp.asarray(random.standard_normal(shape, np.float32))
    leak = {"threshold": 1.0, "voltage_decay": 0.1}
    calls = {}

    def add(name, run, params, x, y_bar, wanted):
        loss = lambda params, x, y_bar: jnp.vdot(run(params, x), y_bar)
        both = jax.jit(jax.grad(loss, wanted))
        calls[f"{name}, {worker.FORWARD}"] = functools.partial(_done, jax.jit(run), params, x)
        calls[f"{name}, {worker.BOTH}"] = functools.partial(_done, both, params, x, y_bar)

    for name, current_decay in ((worker.CUBA, 0.25), (worker.LIF, 1.0)):
        neuron = cuba.Neuron(current_decay=current_decay, **leak)
        run = functools.partial(neuron.apply, method=None if outer else "time_first")
        add(name, run, {}, x, y_bar, 1)

    order = (lambda n, c, t: (n, c, t)) if outer else (lambda n, c, t: (t, n, c))
    spikes = random.random(order(sizes["batch"], sizes["inputs"], sizes["steps"]), np.float32)
    spikes = jnp.asarray(spikes < 0.1, jnp.float32)
    bar = random.standard_normal(order(sizes["batch"], sizes["outputs"], sizes["steps"]))
    lif, outputs = {"current_decay": 1.0, **leak}, sizes["outputs"]
    # plain weights, as the others have
    if outer:
        layer = block.Dense(lif, None, outputs, pre_hook_fx=None, delay_shift=False)
        rest = layer.init(jax.random.key(0), spikes)
        params = rest.pop("params")
        run = lambda params, x: layer.apply({**rest, "params": params}, x)
    else:
        dense, neuron = synapse.Dense(None, outputs), cuba.Neuron(**lif)
        params = dense.init(jax.random.key(0), spikes, method="time_first")
        run = lambda params, x: neuron.apply(
            {}, dense.apply(params, x, method="time_first"), method="time_first"
        )
    add(worker.LAYER, run, params, spikes, jnp.asarray(bar, jnp.float32), 0)

    cuba_params = {"current_decay": 0.25, **leak}
    for name, looped, batch, size in (
        (worker.SMALL, block.Recurrent, *worker.SMALL_SIZES),
        (worker.RECURRENT, block.Recurrent, samples, neurons),
        (worker.KWTA, block.KWTA, samples, neurons),
    ):
        winners = (worker.winners(size),) if name == worker.KWTA else ()
        loop = looped(cuba_params, size, size, *winners)
        shape = (batch, size, length)
        spikes = jnp.asarray(random.random(shape, np.float32) < 0.1, jnp.float32)
        bar = jnp.asarray(random.standard_normal(shape, np.float32))
        rest = jax.jit(loop.init)(jax.random.key(0), spikes)
        params = rest.pop("params")
        run = lambda params, x, loop=loop, rest=rest: loop.apply({**rest, "params": params}, x)
        add(name, run, params, spikes, bar, 0)
    training = worker.when_called(functools.partial(_training, sizes, outer))
    calls[worker.STEP] = functools.partial(_done, training)
    return f"jslayer {jslayer.__version__}, jax {jax.__version__}", calls


def _training(sizes, outer):
    """The network of `benchmarks.nmnist_step`; it keeps its state from call to call."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from benchmarks import nmnist_step, steps
    from jslayer.ops import EventBatch

    samples, (inputs, *_, classes) = sizes["recordings"], sizes["network"]
    random = np.random.default_rng(0)
    x = random.random((samples, inputs, sizes["length"]), np.float32) < worker.DENSITY
    labels = random.integers(0, classes, samples)
    true = np.arange(classes) == labels[:, None]
    target = jnp.where(true, worker.TRUE_RATE, worker.FALSE_RATE)
    x = jnp.asarray(x) if outer else jax.device_put(EventBatch.from_dense(x))
    return steps.training(nmnist_step.network(sizes["network"]), x, target)


def _done(run, *arguments):
    import jax

    return jax.block_until_ready(run(*arguments))


if __name__ == "__main__":
    worker.serve(make)
