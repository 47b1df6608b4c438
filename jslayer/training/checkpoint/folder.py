"""A folder of checkpoints, written with Orbax: the last few, each whole or not there."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
from flax import serialization

from jslayer.io.files import PathLike
from jslayer.ops import check
from jslayer.training.checkpoint.file import difference, leaves


class Restored(NamedTuple):
    """What a checkpoint holds.

    Attributes:
      step: Its number.
      state: The training state, or whatever nest of arrays was saved.
      extra: What was saved beside it: position in the data, statistics.
    """

    step: int
    state: Any
    extra: dict[str, Any]


class Checkpoints:
    """Keeps the last checkpoints of a run in a folder; a killed run goes on from there.

    A checkpoint is written under another name and renamed when all of it is there: whenever the
    process is killed, the newest one that is found is whole. It holds arrays bit for bit. A run
    that saves its `TrainState` (parameters, optimiser, key, step, running statistics, constants)
    and its position in the data takes the same way after a restart as without one.

    Args:
      folder: Where they are; made where needed.
      keep: How many stay; older ones are removed. ``None``: all.

    Raises:
      ValueError: ``keep`` is below 1.

    Example:
      >>> import tempfile
      >>> import jax.numpy as jnp
      >>> with tempfile.TemporaryDirectory() as folder, Checkpoints(folder) as checkpoints:
      ...     checkpoints.save(10, {"weight": jnp.arange(2.0)}, {"epoch": 1})
      ...     checkpoints.restore({"weight": jnp.zeros(2)})
      Restored(step=10, state={'weight': Array([0., 1.], dtype=float32)}, extra={'epoch': 1})
    """

    def __init__(self, folder: PathLike, *, keep: int | None = 3):
        import orbax.checkpoint as orbax  # slow to import, and not needed for training

        if keep is not None:
            check.whole("keep", keep)
        self.folder = Path(os.path.abspath(folder))
        self.folder.mkdir(parents=True, exist_ok=True)
        self._orbax = orbax
        self._manager = orbax.CheckpointManager(
            self.folder,
            item_handlers={
                "state": orbax.StandardCheckpointHandler(),
                "extra": orbax.JsonCheckpointHandler(),
            },
            options=orbax.CheckpointManagerOptions(
                max_to_keep=keep, enable_async_checkpointing=False, create=False
            ),
        )

    @property
    def steps(self) -> tuple[int, ...]:
        """Numbers of the checkpoints that are there, ascending."""
        return tuple(sorted(self._manager.all_steps()))

    @property
    def latest(self) -> int | None:
        """Number of the newest checkpoint, or ``None``."""
        return self.steps[-1] if self.steps else None

    def save(self, step: int, state: Any, extra: Mapping[str, Any] | None = None) -> None:
        """Writes a checkpoint and returns when it is there.

        Args:
          step: Its number, higher than those before.
          state: A `TrainState`, or any nest of arrays and numbers.
          extra: What JSON can express: position in the data, ``stats.to_dict()``.

        Raises:
          TypeError: ``extra`` holds something that JSON cannot express.
          ValueError: there is one of this number or a higher one, or ``extra`` holds NaN.
        """
        if self.latest is not None and step <= self.latest:
            raise ValueError(
                f"`step` is {step}, but {self.folder} has {self.latest}, expected a higher number; "
                "go on from that one, or give another folder."
            )
        extra = dict(extra or {})
        json.dumps(extra, allow_nan=False)  # says so before anything is written
        save = self._orbax.args
        self._manager.save(
            step,
            args=save.Composite(
                state=save.StandardSave(serialization.to_state_dict(state)),
                extra=save.JsonSave(extra),
            ),
        )

    def restore(self, like: Any, step: int | None = None) -> Restored:
        """Reads a checkpoint.

        Args:
          like: A nest of the same structure, shapes and dtypes, e.g. a fresh `TrainState`; arrays
            come back laid out over devices as they are here.
          step: Its number; the newest if ``None``.

        Raises:
          FileNotFoundError: There is none, or none of this number.
          ValueError: It is one of another network or optimiser.
        """
        found = self.latest if step is None else step
        if found not in self.steps:
            wanted = "a checkpoint" if step is None else f"checkpoint {step}"
            raise FileNotFoundError(
                f"`folder` is {self.folder}, which holds {list(self.steps)}, expected {wanted}; "
                "check the name."
            )
        template = serialization.to_state_dict(like)
        held = self._manager.item_metadata(found).state.tree
        unlike = difference(leaves(held), leaves(template))
        if unlike:
            raise ValueError(
                f"`folder` is {self.folder}, whose checkpoint {found} {unlike}, expected one of "
                "the same network and optimiser; check the name and the settings."
            )
        load = self._orbax.args
        abstract = jax.tree.map(self._orbax.utils.to_shape_dtype_struct, template)
        read = self._manager.restore(
            found,
            args=load.Composite(state=load.StandardRestore(abstract), extra=load.JsonRestore()),
        )
        return Restored(found, serialization.from_state_dict(like, read.state), dict(read.extra))

    def close(self) -> None:
        """Ends the threads of the checkpoint manager."""
        self._manager.close()

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
