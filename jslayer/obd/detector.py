"""A detector: a network, its anchors and the names of its classes, as pure functions."""

import dataclasses
import os
import re
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import block, hdf5
from jslayer.block.graph import flat, own_variables
from jslayer.hdf5.errors import fault
from jslayer.hdf5.given import records_of
from jslayer.hdf5.write.layers import OUTPUT_BIAS
from jslayer.obd.head import Unit, detections, raw_layout
from jslayer.obd.loss import yolo_loss
from jslayer.obd.target import yolo_target
from jslayer.ops import check

Variables = Mapping[str, Any]
Found = tuple[jax.Array, jax.Array]
"""Detections: rows and where there is one, see `jslayer.obd.detections`."""


class DetectorStream(NamedTuple):
    """A detector frame by frame.

    Attributes:
      start: ``(variables, frame) -> state`` for frames like ``frame [N, C, H, W]``.
      step: ``(variables, state, frame) -> ((rows [N, D, 6], found [N, D]), state)``.
    """

    start: Any
    step: Any


@dataclasses.dataclass(frozen=True, eq=False)
class Detector:
    """A network whose heads say boxes, with all that is needed to read them.

    Attributes:
      network: Maps frames to heads ``[N, A (5 + C), H, W, T]``: a `block.Sequential`, or a
        `block.Graph` with one output per scale.
      anchors: ``[S, A, 2]``. Width and height.
      classes: Names of the labels.
      mean: Subtracted from each channel of the frames; empty: frames enter as they are.
      std: The frames are divided by it after that.
      clamp_max: Largest exponent of a width or height.
      unit: Of ``anchors``; see `obd.Unit`.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jslayer import obd
      >>> detector = obd.models.street_yolo(channels=(4, 4, 4, 4, 4, 4))
      >>> frames = jnp.zeros((1, 3, 32, 48, 2))
      >>> variables = detector.init(jax.random.key(0), frames)
      >>> rows, found = detector.detect(variables, frames, max_detections=10)
      >>> rows.shape, found.shape
      ((1, 2, 10, 6), (1, 2, 10))
    """

    network: block.Sequential
    anchors: Any
    classes: tuple[str, ...]
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    clamp_max: float = 5.0
    unit: Unit = "frame"

    def __post_init__(self):
        anchors = np.asarray(self.anchors, np.float32)
        if anchors.ndim != 3 or anchors.shape[2] != 2 or not (anchors > 0).all():
            raise ValueError(
                f"`anchors` has shape {anchors.shape}, expected widths and heights above 0 as "
                "[scales, anchors, 2]; see `obd.fit_anchors`."
            )
        if len(self.mean) != len(self.std) or not all(self.std):
            raise ValueError(
                f"`mean` and `std` are {self.mean} and {self.std}, expected one number each per "
                "channel, and no deviation of 0; give both or none."
            )
        check.choice("unit", self.unit, ("frame", "reference"))
        object.__setattr__(self, "anchors", anchors)
        object.__setattr__(self, "classes", tuple(self.classes))

    @property
    def num_outputs(self) -> int:
        """Channels of each head, ``A (5 + C)``."""
        return self.anchors.shape[1] * (5 + len(self.classes))

    def prepare(self, frames: Any) -> jax.Array:
        """Frames as the network takes them: levels of uint8 become 0 to 1, then normalised.

        Args:
          frames: ``[N, C, H, W, T]``, 0 to 1 or uint8 levels; events as they are.
        """
        check.rank("frames", frames, at_least=5, at_most=5, layout="N, C, H, W, T")
        x = jnp.asarray(frames)
        x = x.astype(jnp.float32) / 255 if x.dtype == jnp.uint8 and self.mean else x
        x = x.astype(jnp.float32)
        if not self.mean:
            return x
        check.axis_size("frames", x, axis=1, size=len(self.mean), meaning="the channels")
        shape = (-1, 1, 1, 1)
        mean, std = jnp.asarray(self.mean), jnp.asarray(self.std)
        return (x - mean.reshape(shape)) / std.reshape(shape)

    def init(self, key: jax.Array, frames: Any) -> dict[str, Any]:
        """The first variables, for frames of this size.

        Args:
          key: A random key.
          frames: ``[N, C, H, W, T]``; only the shape counts.
        """
        one = jnp.zeros((1, *np.shape(frames)[1:4], 1), jnp.float32)
        return jax.jit(self.network.init)(key, one)

    def apply(
        self, variables: Variables, frames: Any, *, train: bool = False, mutable: Any = False
    ) -> Any:
        """Runs the network.

        Args:
          variables: From `init`, or trained.
          frames: ``[N, C, H, W, T]``, see `prepare`.
          train: Norms take the mean of the batch.
          mutable: Collections that may change, as of `flax.linen.Module.apply`.

        Returns:
          Per scale ``[N, A, H, W, 5 + C, T]``; with ``mutable`` also what changed.
        """
        x = self.prepare(frames)
        found = self.network.apply(variables, x, train=train, mutable=mutable)
        y, updated = found if mutable is not False else (found, None)
        raws = self._raws(y)
        return raws if mutable is False else (raws, updated)

    def scales(self, size: tuple[int, int]) -> tuple[tuple[int, int], ...]:
        """Width and height of the grid of each scale, for frames of height and width ``size``."""
        channels = len(self.mean) or self._input_channels()
        x = jax.ShapeDtypeStruct((1, channels, *size, 1), jnp.float32)
        y, _ = jax.eval_shape(self.network.init_with_output, jax.random.key(0), x)
        return tuple((head.shape[3], head.shape[2]) for head in self._heads(y))

    def targets(
        self, rows: jax.Array, kind: jax.Array, size: tuple[int, int], *, ignore_iou: float = 0.5
    ) -> tuple[jax.Array, ...]:
        """What the heads should say; see `obd.yolo_target`.

        Args:
          rows: ``[N, T, M, 6]``. Objects.
          kind: ``[N, T, M]``: 1 object, 0 none, -1 to be ignored.
          size: Height and width of a frame.
          ignore_iou: Largest likeness of a size that still counts as background.

        Returns:
          Per scale ``[N, A, H, W, 6, T]``.
        """
        return self._targets(rows, kind, self.scales(size), ignore_iou)

    def loss(
        self,
        raws: Sequence[jax.Array],
        rows: jax.Array,
        kind: jax.Array,
        *,
        ignore_iou: float = 0.5,
        **factors: float,
    ) -> tuple[jax.Array, jax.Array]:
        """Compares what `apply` returned with the objects; see `obd.yolo_loss`.

        Args:
          raws: Per scale ``[N, A, H, W, 5 + C, T]``.
          rows: ``[N, T, M, 6]``. Objects.
          kind: ``[N, T, M]``: 1 object, 0 none, -1 to be ignored.
          ignore_iou: Largest likeness of a size that still counts as background.
          **factors: Those of `obd.yolo_loss`, e.g. ``lambda_noobj``.

        Returns:
          The loss, summed over time steps, and its terms ``[5]``.
        """
        scales = tuple((raw.shape[3], raw.shape[2]) for raw in raws)
        targets = self._targets(rows, kind, scales, ignore_iou)
        return yolo_loss(raws, targets, self.anchors, unit=self.unit, **factors)

    def detect(self, variables: Variables, frames: Any, **options: Any) -> Found:
        """Boxes of every frame.

        Args:
          variables: Trained.
          frames: ``[N, C, H, W, T]``.
          **options: Those of `obd.detections`, e.g. ``conf_threshold``.

        Returns:
          ``rows [N, T, D, 6]`` with box, score and label, and ``found [N, T, D]``.
        """
        return self.read(self.apply(variables, frames), **options)

    def read(self, raws: Sequence[jax.Array], **options: Any) -> Found:
        """Boxes from what `apply` returned; see `detect`."""
        given = {"clamp_max": self.clamp_max, "unit": self.unit, **options}
        return detections(raws, self.anchors, **given)

    def stream(self, **options: Any) -> DetectorStream:
        """The detector frame by frame, with the state of the network handed on.

        Args:
          **options: Those of `obd.detections`.

        Returns:
          ``start`` and ``step``, jitted; what they find is that of `detect`, bit for bit.
        """
        stream = block.stream(self.network)

        def start(variables: Variables, frame: Any) -> Any:
            return stream.start(variables, self.prepare(frame[..., None])[..., 0])

        def step(variables: Variables, state: Any, frame: Any) -> tuple[Found, Any]:
            y, state = stream.step(variables, state, self.prepare(frame[..., None])[..., 0])
            raws = self._raws(jax.tree.map(lambda output: output[..., None], y))
            rows, found = self.read(raws, **options)
            return (rows[:, 0], found[:, 0]), state

        return DetectorStream(start, jax.jit(step, donate_argnums=1))

    def summary(self, variables: Variables, frames: Any, *, run: bool = True) -> block.Summary:
        """The table of the network; see `block.summary`."""
        return block.summary(self.network, variables, self.prepare(frames), run=run)

    def export(self, path: str | os.PathLike[str], variables: Variables, **options: Any) -> None:
        """Writes the network file, with all that `load_detector` needs in its attributes.

        The output biases of heads are attributes of their layers, ``output_bias``, which
        `load_detector` and `hardware_raws` add; other tools have to as well.

        Args:
          path: Name of the file.
          variables: Trained.
          **options: Those of `jslayer.hdf5.export`.
        """
        attributes = {
            "anchors": self.anchors.reshape(-1),
            "anchors_per_scale": self.anchors.shape[1],
            "anchor_unit": self.unit,
            "classes": "\n".join(self.classes),
            "clamp_max": float(self.clamp_max),
        }
        if self.mean:
            attributes["mean"] = np.asarray(self.mean, np.float64)
            attributes["std"] = np.asarray(self.std, np.float64)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", f".*{re.escape(OUTPUT_BIAS)}")
            hdf5.export(path, self.network, variables, attributes=attributes, **options)

    def output_biases(self, variables: Variables) -> tuple[Any, ...]:
        """Per scale what a head adds to the sums ``[A (5 + C)]``, which hardware does not; or 0."""
        entries, ends = flat(self.network)
        own = [own_variables(entries[end].path, variables) for end in ends]
        return tuple(tree.get("params", {}).get("output_bias", 0.0) for tree in own)

    def _raws(self, y: Any) -> list[jax.Array]:
        """The heads, with anchors and numbers apart."""
        return [raw_layout(head, self.anchors.shape[1]) for head in self._heads(y)]

    def _heads(self, y: Any) -> list[Any]:
        """One output per scale of what the network returned, or of its shapes."""
        y = y[0] if isinstance(y, tuple) else y  # without counts
        heads = list(y) if isinstance(y, list) else [y]
        if len(heads) != len(self.anchors):
            raise ValueError(
                f"`network` has {len(heads)} outputs for {len(self.anchors)} sets of anchors, "
                "expected one for each; name the heads in the Graph's `outputs`."
            )
        for head in heads:
            check.axis_size("network's output", head, axis=1, size=self.num_outputs, meaning="head")
        return heads

    def _targets(self, rows, kind, scales, ignore_iou):
        make = lambda rows, kind: yolo_target(
            rows, kind, self.anchors, scales, ignore_iou=ignore_iou
        )
        by_step = jax.vmap(jax.vmap(make))(jnp.asarray(rows), jnp.asarray(kind))
        return tuple(jnp.moveaxis(target, 1, -1) for target in by_step)

    def _input_channels(self):
        for entry in flat(self.network)[0]:
            channels = getattr(entry.block, "in_features", None)
            if channels is not None:
                return channels
        raise ValueError("`network` does not say its input channels; give `mean` and `std`.")


def load_detector(
    path: str | os.PathLike[str] | hdf5.NetworkFile, **options: Any
) -> tuple[Detector, dict[str, Any]]:
    """A detector from its network file, which says all that is needed.

    Args:
      path: Name of the file that `Detector.export` wrote, or what `hdf5.read` returned.
      **options: Those of `jslayer.hdf5.load`.

    Returns:
      The detector and its variables.

    Raises:
      NetworkFileError: The file is damaged, or of a network that is no detector.
    """
    file = records_of(path)
    given = file.attributes

    def said(name: str, kind: type | tuple[type, ...]) -> Any:
        if not isinstance(given.get(name), kind):
            came, expected = f"has no attribute {name} of a detector", "one"
            raise fault(file.path, "", came, expected, "write it by `Detector.export`")
        return given[name]

    per_scale, anchors = said("anchors_per_scale", int), said("anchors", np.ndarray)
    mean, std = (said(n, np.ndarray) if n in given else np.zeros(0) for n in ("mean", "std"))
    network, variables = hdf5.load(file, **options)
    try:
        detector = Detector(
            network,
            anchors.reshape(-1, per_scale, 2),
            tuple(said("classes", str).split("\n")),
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            clamp_max=float(said("clamp_max", float)),
            unit=said("anchor_unit", str),
        )
    except (ValueError, ZeroDivisionError) as error:
        came = f"says of its detector what cannot be ({error})"
        raise fault(file.path, "", came[:300], "other attributes", "export it again") from error
    return detector, variables
