"""Several trainings of one network in one program, by ``vmap``: one for each seed."""

import collections
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from benchmarks.recipes.fit import Clock
from jslayer import datasets, training
from jslayer.cli.recipes import Recipe

Start = Callable[[Any, jax.Array], Any]


def fit_together(
    recipes: Sequence[Recipe],
    seeds: Sequence[int],
    *,
    start: Start = lambda params, key: params,
    same_data: bool = False,
) -> tuple[Any, list[dict[str, Any]]]:
    """Trains recipes that differ in their data and seeds alone.

    Args:
      recipes: One for each seed.
      seeds: Fix weights and the order of samples.
      start: Changes the parameters before the first step.
      same_data: All learn from the first one's batches, in its order, which are kept once.

    Returns:
      All variables, stacked along a first axis; and a row for each seed as from `fit.fit`, with the
      time of all of them together divided by their number.
    """
    clock, recipe = Clock(), recipes[0]
    axis = None if same_data else 0
    pick = (lambda parts: parts[0]) if same_data else (lambda parts: jax.tree.map(_stack, *parts))
    sources = recipes[:1] if same_data else recipes
    keys = jnp.stack([jax.random.key(seed) for seed in seeds])
    sample = recipe.training.batch(range(recipe.batch_size))[0]

    def begin(key):
        variables = recipe.network.init(key, sample)
        params = start(variables.pop("params"), jax.random.fold_in(key, 1))
        return params, recipe.optimizer.init(params), variables

    def learn(params, memory, others, key, x, target):
        def objective(params):
            rngs = {"dropout": key}
            y = recipe.network.apply({"params": params, **others}, x, train=True, rngs=rngs)
            return recipe.loss(y, target)

        loss, gradient = jax.value_and_grad(objective)(params)
        updates, memory = recipe.optimizer.update(gradient, memory, params)
        return training.project(optax.apply_updates(params, updates)), memory, loss

    def judge(params, others, x, target):
        y = recipe.network.apply({"params": params, **others}, x)
        correct = recipe.count_correct(y, target) if recipe.count_correct else jnp.float32(0)
        return recipe.loss(y, target), correct

    params, memory, others = jax.jit(jax.vmap(begin))(keys)
    learn = jax.jit(jax.vmap(learn, (0, 0, 0, 0, axis, axis)), donate_argnums=(0, 1))
    judge = jax.jit(jax.vmap(judge, (0, 0, axis, axis)))
    step, curves = 0, collections.defaultdict(list)
    for epoch in range(recipe.epochs):
        streams = [
            datasets.batches(one.data(epoch), one.batch_size, seed=(seed, epoch), drop_last=True)
            for one, seed in zip(sources, seeds, strict=False)
        ]
        losses = []
        for parts in zip(*streams, strict=True):
            batch = pick(parts)
            now = jax.vmap(jax.random.fold_in, (0, None))(keys, step)
            params, memory, loss = learn(
                params, memory, others, now, batch[0], recipe.target(batch)
            )
            losses.append(loss)
            step += 1
        if (epoch + 1) % recipe.log_every and epoch + 1 < recipe.epochs:
            continue
        found = _judged(recipe, sources, functools.partial(judge, params, others), pick)
        train_loss = np.mean(jax.device_get(losses), axis=0) / recipe.batch_size
        for name, values in {"train_loss": train_loss, **found}.items():
            curves[name].append(np.broadcast_to(values, len(seeds)))
        curves["epoch"].append(np.full(len(seeds), epoch + 1))
        print(f"  epoch {epoch + 1}", {k: np.round(v, 4) for k, v in found.items()}, flush=True)
    times = clock.read()
    times |= {name: round(times[name] / len(seeds), 2) for name in ("processor_s", "wall_s")}
    rows = []
    for number, seed in enumerate(seeds):
        mine = {
            name: [round(float(values[number]), 5) for values in kept]
            for name, kept in curves.items()
        }
        last = {name: mine[name][-1] for name in found}
        rows.append({"seed": seed, **last, "curves": mine, **times, "in_one_program": len(seeds)})
    return {"params": params, **others}, rows


def _stack(*parts):
    return np.stack(parts)


def _judged(recipe, sources, judge, pick) -> dict[str, np.ndarray]:
    tests = [one.training if one.testing is None else one.testing for one in sources]
    streams = [datasets.batches(test, recipe.batch_size, shuffle=False) for test in tests]
    loss = correct = 0.0
    for parts in zip(*streams, strict=True):
        batch = pick(parts)
        losses, right = judge(batch[0], recipe.target(batch))
        loss, correct = loss + np.asarray(losses), correct + np.asarray(right)
    found = {"loss": loss / len(tests[0])}
    return found if recipe.count_correct is None else {**found, "accuracy": correct / len(tests[0])}
