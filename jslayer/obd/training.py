"""Training of a detector: one step, the recipe's weights, evaluation and counted operations."""

import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from jslayer.block import event_rates
from jslayer.block.graph import own_variables
from jslayer.block.layers import Layer
from jslayer.obd.coco import coco_ap
from jslayer.obd.detector import Detector
from jslayer.obd.hardware import hardware
from jslayer.obd.padding import check_objects
from jslayer.ops import check
from jslayer.synapse import fan_out
from jslayer.training.checked import Checked
from jslayer.training.finite import METRIC, calls, not_finite
from jslayer.training.state import TrainState, create_state

LOSS = {
    "lambda_coord": 2.0,
    "lambda_obj": 1.8,
    "lambda_noobj": 4.0,
    "lambda_cls": 1.0,
    "lambda_iou": 2.25,
    "alpha_iou": 0.8,
    "label_smoothing": 0.03,
}
"""Factors of the loss that suit `SyntheticStreet`."""

JUDGED = {
    "conf_threshold": 0.05,
    "nms_threshold": 0.5,
    "max_candidates": 100,
    "max_detections": 50,
}
"""What is kept of a frame when detections are judged."""

__all__ = [
    "JUDGED",
    "LOSS",
    "detection_state",
    "detection_step",
    "evaluate",
    "operations",
    "schedule",
]


def __dir__() -> list[str]:
    return __all__


Step = Callable[..., tuple[TrainState, dict[str, jax.Array]]]


def detection_state(
    detector: Detector,
    frames: Any,
    optimizer: optax.GradientTransformation,
    *,
    seed: int = 0,
    variables: Mapping[str, Any] | None = None,
) -> TrainState:
    """A detector and its optimiser before the first step.

    Args:
      detector: The detector.
      frames: ``[N, C, H, W, T]``; only the shape counts.
      optimizer: An Optax optimiser.
      seed: Fixes the first parameters.
      variables: Of another training, e.g. on single frames, to go on from. What they lack, as
        learned thresholds, starts as new.
    """
    one = np.zeros((1, *np.shape(frames)[1:4], 1), np.float32)
    state = create_state(detector.network, one, optimizer, seed=seed)
    if variables is None:
        return state
    others = _taken_over(state.variables, variables)
    params = others.pop("params")
    return state.replace(params=params, others=others, opt_state=optimizer.init(params))


def _taken_over(fresh: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """New variables with the numbers given, except constants, which belong to the network."""

    def mixed(new: Any, old: Any) -> Any:
        if not isinstance(new, Mapping):
            return old
        return {name: mixed(v, old[name]) if name in old else v for name, v in new.items()}

    return {
        name: mixed(tree, given[name]) if name in given and name != "constants" else tree
        for name, tree in fresh.items()
    }


def detection_step(
    detector: Detector,
    *,
    sparsity: float = 0.0,
    free_rate: float = 0.02,
    flip: bool = True,
    ignore_iou: float = 0.5,
    **factors: float,
) -> Step:
    """One step of training, jitted.

    The loss is that of the heads, per time step, plus ``sparsity`` times the sum over layers of
    what their event rates have above ``free_rate``.

    Args:
      detector: The detector.
      sparsity: Weight of the event rates.
      free_rate: Event rate that costs nothing.
      flip: Mirror each video left to right with probability 1/2.
      ignore_iou: See `obd.yolo_target`.
      **factors: Those of `obd.yolo_loss`; `LOSS` where not given.

    Returns:
      ``(state, frames [N, C, H, W, T], rows [N, T, M, 6], kind [N, T, M]) -> (state, metrics)``.
      The metrics are ``loss``, its ``parts [5]`` per time step, ``rates``, one per block but the
      last, and ``not_finite``, see `jslayer.training.train_step`. The state given is used up.

    Raises:
      ValueError: from the step: a row is no object of the frame, or of no known class.
    """
    factors = {**LOSS, **factors}

    def loss(params, others, frames, rows, kind):
        variables = {"params": params, **others}
        mutable = ["batch_stats", "intermediates"]
        raws, updated = detector.apply(variables, frames, train=True, mutable=mutable)
        total, parts = detector.loss(raws, rows, kind, ignore_iou=ignore_iou, **factors)
        rates = jnp.stack(list(event_rates(updated.pop("intermediates")).values())[:-1])
        steps = frames.shape[-1]
        total = total / steps
        if sparsity:  # otherwise zeros would go back through all layers
            total = total + sparsity * jnp.sum(jax.nn.relu(rates - free_rate))
        return total, (parts / steps, rates, updated)

    def step(state, frames, rows, kind):
        if flip:
            key = jax.random.fold_in(jax.random.wrap_key_data(state.key), state.step)
            frames, rows = _flipped(key, frames, rows)
        given = (state.params, state.others, frames, rows, kind)
        with calls() as order:
            (total, aux), gradients = jax.value_and_grad(loss, has_aux=True)(*given)
        parts, rates, updated = aux
        state = state.apply_gradients(grads=gradients, others={**state.others, **updated})
        wrong = not_finite(state.params, gradients, total, order)
        return state, {"loss": total, "parts": parts, "rates": rates, METRIC: wrong}

    def require(state, frames, rows, kind):
        del state, frames
        if check.is_concrete(rows) and check.is_concrete(kind):
            given = np.asarray(rows), np.asarray(kind)
            check_objects("rows", *given, num_classes=len(detector.classes))

    return Checked(step, require, donate_argnums=0)


def _flipped(key, frames, rows):
    """Half of the videos mirrored; a center at the very edge stays in the frame."""
    flips = jax.random.bernoulli(key, 0.5, (frames.shape[0],))
    frames = jnp.where(flips[:, None, None, None, None], frames[:, :, :, ::-1], frames)
    x = jnp.where(flips[:, None, None], 1 - rows[..., 0], rows[..., 0])
    return frames, rows.at[..., 0].set(x)


def schedule(
    rate: float, steps: int, *, others: float | None = None, warmup: int = 50, clip: float = 5.0
) -> optax.GradientTransformation:
    """Muon for the weights and Adam for the rest; rates rise, then fall as a cosine to 2 %.

    Muon makes the columns of each update orthogonal. On `SyntheticStreet` half as many steps reach
    what Adam alone does not.

    Args:
      rate: Largest learning rate of the weights of synapses.
      steps: Steps in all.
      others: That of thresholds, biases and norms; 0.15 times ``rate`` if not given.
      warmup: Steps of the rise.
      clip: Largest norm of the gradients.

    References:
      Jordan et al., Muon: An optimizer for hidden layers in neural networks, 2024.
    """
    warmup = min(warmup, max(steps - 1, 0))

    def course(most: float) -> optax.Schedule:
        return optax.warmup_cosine_decay_schedule(0.0, most, warmup, max(steps, 1), 0.02 * most)

    muon = optax.contrib.muon(
        course(rate),
        muon_weight_dimension_numbers=_matrices,
        adam_learning_rate=course(0.15 * rate if others is None else others),
    )
    return optax.chain(optax.clip_by_global_norm(clip), muon)


def _matrices(params: Any) -> Any:
    """Which parameters are matrices, from all but their first axis to that: kernels of synapses."""

    def kernel(leaf: Any) -> Any:
        whole = jnp.ndim(leaf) > 2 and jnp.size(leaf) > jnp.shape(leaf)[0]
        axes = tuple(range(1, jnp.ndim(leaf)))
        return optax.contrib.MuonDimensionNumbers(axes, 0) if whole else None

    return jax.tree.map(kernel, params)


def evaluate(
    detector: Detector,
    variables: Mapping[str, Any],
    batches: Iterable[tuple[Any, ...]],
    *,
    one_by_one: bool = False,
    file: str | os.PathLike[str] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """Judges a detector on videos, by `obd.coco_ap`.

    Args:
      detector: The detector.
      variables: Trained.
      batches: Of ``(frames [N, C, H, W, T], rows [N, T, M, 6], kind [N, T, M], ..)``.
      one_by_one: Every frame is a video of its own: the same network as an artificial one.
      file: Judge its network file instead, in the integers of the hardware.
      **options: Those of `obd.detections`; `JUDGED` where not given.

    Returns:
      What `obd.coco_ap` does.
    """
    given = {**JUDGED, **options}
    if file is None:
        detect = jax.jit(lambda frames: detector.detect(variables, frames, **given))
    else:
        read = jax.jit(lambda raws: detector.read(raws, **given))
        raws = hardware(file)
        detect = lambda frames: read(raws(frames))
    rows, found, truth, kinds, size = [], [], [], [], (1, 1)
    for frames, objects, kind, *_ in batches:
        frames, size = np.asarray(frames), np.shape(frames)[2:4]
        if one_by_one:
            frames, objects, kind = _single(frames, objects, kind)
        one, there = jax.device_get(detect(frames))
        rows.append(one.reshape(-1, *one.shape[2:]))
        found.append(there.reshape(-1, there.shape[-1]))
        truth.append(np.asarray(objects).reshape(-1, *np.shape(objects)[2:]))
        kinds.append(np.asarray(kind).reshape(-1, np.shape(kind)[-1]))
    joined = [np.concatenate(part) for part in (rows, found, truth, kinds)]
    return coco_ap(*joined, size=(int(size[0]), int(size[1])), classes=detector.classes)


def _single(frames, rows, kind):
    """Every frame as a video of its own, and its objects."""
    per_frame = lambda value: np.asarray(value).reshape(-1, 1, *np.shape(value)[2:])
    return _alone(frames), per_frame(rows), per_frame(kind)


def _alone(frames):
    """``[N, C, H, W, T]`` as ``[N T, C, H, W, 1]``."""
    return np.moveaxis(frames, -1, 1).reshape(-1, *frames.shape[1:-1])[..., None]


def operations(
    detector: Detector, variables: Mapping[str, Any], batches: Iterable[Any]
) -> dict[str, float]:
    """Synaptic operations of a chain per frame: events that come in times their fan-out.

    Args:
      detector: A detector whose network is a `block.Sequential`.
      variables: Trained.
      batches: Of frames ``[N, C, H, W, T]``.

    Returns:
      ``dense``: products of the network as an artificial one; ``nonzero``: those of its values
      that are not zero, every frame a video of its own; ``first``: synaptic operations of the first
      frame of a video; ``steady``: of each later one.
    """
    blocks = detector.network.blocks
    own = [own_variables((f"blocks_{k}",), variables) for k in range(len(blocks))]

    @jax.jit
    def counts(frames):
        x, found = detector.prepare(frames), []
        for block, held in zip(blocks, own, strict=True):
            if isinstance(block, Layer):
                ways = fan_out(block.new_synapse(parent=None), x.shape[1:-1])
                into = jnp.sum(x != 0, axis=0, dtype=jnp.float32)
                found.append(jnp.sum(into * ways[..., None].astype(np.float32), axis=(0, 1, 2)))
            x = block.apply(held, x)
        return sum(found)

    videos, steps, alone, by_step, whole = 0, 0, 0.0, None, {}
    for frames in batches:
        frames = np.asarray(frames)
        if by_step is None:
            whole = detector.summary(variables, frames, run=False).total
        now = np.asarray(counts(frames), np.float64)
        by_step = now if by_step is None else by_step + now
        alone += float(np.sum(np.asarray(counts(_alone(frames)), np.float64)))
        videos, steps = videos + frames.shape[0], steps + frames.shape[0] * frames.shape[-1]
    per_step = by_step / videos
    return {
        "dense": float(whole["synapses"]),
        "nonzero": alone / steps,
        "first": float(per_step[0]),
        "steady": float(per_step[1:].mean()) if len(per_step) > 1 else float("nan"),
    }
