"""The functional training loop: one state, one jitted step."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from jslayer.block.sequential import event_rates
from jslayer.loss.labels import Reduction
from jslayer.loss.sparsity import event_rate_loss
from jslayer.ops import check
from jslayer.training.accumulate import over_parts, reduction_of
from jslayer.training.checked import Checked, checking
from jslayer.training.finite import METRIC, calls, kept_if, not_finite
from jslayer.training.projection import project
from jslayer.training.state import TrainState as TrainState
from jslayer.training.state import create_state as create_state

Loss = Callable[[jax.Array, jax.Array], jax.Array]
Count = Callable[[jax.Array, jax.Array], jax.Array]
Step = Callable[..., tuple[Any, dict[str, Any]]]


def train_step(
    loss: Loss,
    *,
    count_correct: Count | None = None,
    rates: bool = False,
    sparsity: tuple[float, float] | None = None,
    accumulate: int = 1,
    reduction: Reduction | None = None,
    gradient_norms: bool = False,
    keep_finite: bool = False,
) -> Step:
    """Makes the training step: forward, loss, gradient, update; jitted, the state donated.

    Decays and delays are clamped to their range after the update, see `jslayer.training.project`.
    Clipping and schedules are the optimiser's, as in ``optax.chain(optax.clip_by_global_norm(1.0),
    optax.adam(schedule))``.

    With ``accumulate=k`` the batch runs in k parts, one after the other, whose gradients add up to
    those of the whole batch for a loss that is a sum or mean over samples. What else depends on the
    whole is that of the parts: batch statistics, the sparsity penalty (their mean), dropout.

    Args:
      loss: ``(output, target) -> scalar``.
      count_correct: ``(output, target) -> number of right answers``, or ``None``.
      rates: Measure the event rate of every block.
      sparsity: ``(max_rate, lam)`` adds `jslayer.loss.event_rate_loss` of all blocks to the loss.
      accumulate: Parts; a divisor of the batch size.
      reduction: Whether the loss is a sum or a mean over samples, which only parts need to know;
        ``None``: as its attribute ``reduction`` says.
      gradient_norms: Measure the norm of every parameter's gradient.
      keep_finite: A step that meets NaN or infinity changes nothing: its state is the one before
        it. Reads the state once more.

    Returns:
      ``step(state, x, target) -> (state, metrics)``. The state given is used up. Metrics are
      ``loss`` (as ``loss`` gives it), ``not_finite`` (0 while loss, gradients and parameters are
      finite; else what `jslayer.training.require_finite` names: neurons make integers of NaN, so
      that the loss may look healthy) and, where asked for, ``correct``, ``event_rates`` by block,
      ``sparsity`` (the penalty), ``gradient_norms`` by parameter and ``gradient_norm`` of all.

    Raises:
      ValueError: an argument is out of range; from ``step``: a label is, the batch cannot be cut,
        or there is no block whose rate could be held down.

    Example:
      ``step = train_step(loss.SpikeRate(0.2, 0.03)); state, metrics = step(state, x, label)``
    """
    check.whole("accumulate", accumulate)
    parts = int(accumulate)
    reduction = reduction_of(loss, reduction) if parts > 1 else "mean"
    # the penalty is the parts' mean, whether the loss is or not
    share = 1 / parts if reduction == "sum" else 1.0

    def step(state, x, target):
        key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)

        def gradients_of(others, batch, key):
            x, target = batch

            def objective(params):
                y, seen, updated = _watched(
                    state.apply_fn, {"params": params, **others}, x, rates or sparsity, key
                )
                with checking(target):
                    metrics = {"loss": loss(y, target)}
                metrics |= _counted(y, target, count_correct)
                total = metrics["loss"]
                if sparsity is not None:
                    max_rate, lam = sparsity
                    metrics["sparsity"] = event_rate_loss(seen, max_rate=max_rate, lam=lam)
                    total = total + share * metrics["sparsity"]
                if rates:
                    metrics["event_rates"] = seen
                return total, (metrics, {**others, **updated})

            found = jax.value_and_grad(objective, has_aux=True)(state.params)
            (_, (metrics, others)), gradients = found
            return gradients, metrics, others

        with calls() as order:
            if parts == 1:
                gradients, metrics, others = gradients_of(state.others, (x, target), key)
            else:
                gradients, metrics, others = over_parts(
                    gradients_of, state.others, (x, target), key, parts, reduction
                )
        if gradient_norms:
            metrics["gradient_norms"] = norms(gradients)
            metrics["gradient_norm"] = jnp.linalg.norm(jnp.stack([*norms(gradients).values()]))
        after = state.apply_gradients(grads=gradients, others=others)
        after = after.replace(params=project(after.params))
        wrong = not_finite(after.params, gradients, metrics["loss"], order)
        metrics[METRIC] = wrong
        return kept_if(wrong, after, state) if keep_finite else after, metrics

    return Checked(step, donate_argnums=0)


def eval_step(loss: Loss, *, count_correct: Count | None = None, rates: bool = False) -> Step:
    """Makes the evaluation step, jitted: running statistics, no dropout, nothing learned.

    Args:
      loss: ``(output, target) -> scalar``.
      count_correct: ``(output, target) -> number of right answers``, or ``None``.
      rates: Measure the event rate of every block.

    Returns:
      ``step(state, x, target) -> (output, metrics)``, metrics as in `train_step`, but for
      ``not_finite``.

    Raises:
      ValueError: from ``step``: a label is out of range.
    """

    def step(state, x, target):
        if rates:
            y, seen = state.apply_fn(state.variables, x, mutable=["intermediates"])
            measured = {"event_rates": event_rates(seen.get("intermediates", {}))}
        else:
            y, measured = state.apply_fn(state.variables, x), {}
        with checking(target):
            value = loss(y, target)
        return y, {"loss": value, **_counted(y, target, count_correct), **measured}

    return Checked(step)


def norms(tree: Any) -> dict[str, jax.Array]:
    """Euclidean norm of every array of a nest, by its path, e.g. ``blocks_0/synapse/weight``."""
    return {
        jax.tree_util.keystr(path, simple=True, separator="/"): jnp.linalg.norm(jnp.ravel(leaf))
        for path, leaf in jax.tree_util.tree_leaves_with_path(tree)
    }


def _watched(apply_fn, variables, x, watch, key):
    """Output, event rates by block and the changed collections of a training call."""
    changing = [name for name in variables if name not in ("params", "constants")]
    watched = ["intermediates"] if watch else []
    y, updated = apply_fn(
        variables, x, train=True, rngs={"dropout": key}, mutable=[*changing, *watched]
    )
    updated = dict(updated)
    return y, event_rates(updated.pop("intermediates", {})), updated


def _counted(y, target, count_correct):
    if count_correct is None:
        return {}
    return {"correct": jnp.asarray(count_correct(y, target), jnp.float32)}
