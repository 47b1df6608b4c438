"""A folder of checkpoints, written with Orbax: the last few, each whole or not there."""

import json
import os
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import jax
from flax import serialization

from jslayer.io.files import PathLike
from jslayer.io.locks import Claim
from jslayer.io.text import shown
from jslayer.ops import check
from jslayer.training import processes
from jslayer.training.checkpoint import faults
from jslayer.training.checkpoint.checksum import check_folder, list_folder
from jslayer.training.checkpoint.errors import CheckpointError, report_nan
from jslayer.training.checkpoint.file import difference, leaves
from jslayer.training.sharding import spread


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

    Beside the files of a checkpoint stand their checksums. Where the newest is damaged, `restore`
    says so and goes back to the one before. Only one run at a time may save into a folder; others
    may read.

    Several processes that train together use one folder, which all of them see. All of them save
    and restore, each what its devices hold; another number of processes or devices may go on.

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
        processes.first_says(lambda: self.folder.mkdir(parents=True, exist_ok=True))
        self._orbax = orbax
        self._claim: Claim | None = None
        self._damaged: set[int] = set()
        with faults.without_log():  # which tells of damage at length
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

        Those that `restore` found damaged do not count: they are renamed to ``<step>.damaged`` when
        their turn comes again.

        Args:
          step: Its number, a whole one from 0 on, higher than those before.
          state: A `TrainState`, or any nest of arrays and numbers.
          extra: What JSON can express: position in the data, ``stats.to_dict()``.

        Raises:
          BlockingIOError: another run saves into this folder.
          OSError: the folder cannot be written, e.g. as the disk is full.
          TypeError: ``step`` is no integer, or ``extra`` holds something that JSON cannot express.
          ValueError: there is one of this number or a higher one, or ``step`` is negative, or
            ``extra`` holds NaN.
        """
        step = faults.step_number(step)
        extra = dict(extra or {})
        json.dumps(extra, allow_nan=False)  # says so before anything is written
        processes.first_says(lambda: self._prepare(step))
        self._forget(step)
        if self.latest is not None and step <= self.latest:
            raise ValueError(
                f"`step` is {step}, but {self.folder} has {self.latest}, expected a higher number; "
                "go on from that one, or give another folder."
            )
        save = self._orbax.args
        with faults.writing(self.folder / str(step)):
            self._manager.save(
                step,
                args=save.Composite(
                    state=save.StandardSave(serialization.to_state_dict(spread(state))),
                    extra=save.JsonSave(extra),
                ),
            )
        processes.first_says(lambda: self._list(step))

    def _prepare(self, step: int) -> None:
        """Makes room for a checkpoint: what only one process does."""
        self._claim = self._claim or Claim(self.folder)
        faults.remove_leftovers(self.folder)  # ours alone may write here, so nobody needs them
        for found in self._blocking(step):
            faults.rename_damaged(self.folder / str(found))

    def _list(self, step: int) -> None:
        with faults.writing(self.folder / str(step)):
            list_folder(self.folder / str(step))

    def _blocking(self, step: int) -> set[int]:
        """Damaged checkpoints that stand where the next ones come."""
        blocking = {found for found in self._manager.all_steps() if found >= step}
        return blocking if blocking <= self._damaged else set()

    def _forget(self, step: int) -> None:
        """Looks again at what is there, where damaged checkpoints were renamed."""
        if gone := self._blocking(step):
            self._damaged -= gone
            with faults.without_log():
                self._manager.reload()

    def restore(self, like: Any, step: int | None = None) -> Restored:
        """Reads a checkpoint; where the newest is damaged, the newest whole one.

        Args:
          like: A nest of the same structure, shapes and dtypes, e.g. a fresh `TrainState`; arrays
            come back laid out over devices as they are here.
          step: Its number; the newest if ``None``.

        Raises:
          FileNotFoundError: There is none, or none of this number.
          CheckpointError: It is one of another network or optimiser; or it is damaged, or all are;
            a ``ValueError``.

        Warns:
          UserWarning: A damaged checkpoint was passed over; or the checkpoint holds NaN.
        """
        like = spread(like)
        wanted = None if step is None else faults.step_number(step)
        if not self.steps or (wanted is not None and wanted not in self.steps):
            expected = "a checkpoint" if wanted is None else f"checkpoint {wanted}"
            raise FileNotFoundError(
                f"`folder` is {self.folder}, which holds {list(self.steps)}, expected {expected}; "
                "check the name."
            )
        damages: dict[int, faults.Damage] = {}
        for found in reversed(self.steps) if wanted is None else [wanted]:
            try:
                state, extra = self._read(found, like)
            except faults.Damage as damage:
                self._damaged.add(found)
                damages[found] = damage
                continue
            if damages:
                warnings.warn(
                    f"`folder` is {self.folder}, with damaged checkpoints: {_listed(damages)}; "
                    f"restored {found}, the newest whole one.",
                    stacklevel=2,
                )
            report_nan(f"checkpoint {found} in {self.folder}", leaves(state))
            return Restored(found, serialization.from_state_dict(like, state), extra)
        raise CheckpointError(
            f"`folder` is {self.folder}, with damaged checkpoints: {_listed(damages)}, "
            "expected a whole one; take another step or folder, or start anew in another one."
        ) from damages[min(damages)]

    def _read(self, step: int, like: Any) -> tuple[Any, dict[str, Any]]:
        """State and what was saved beside it.

        Raises:
          faults.Damage: The checkpoint cannot be read.
          CheckpointError: It is of something else.
        """
        is_sound, damage = processes.first_says(lambda: self._judged(step))
        if damage:
            raise faults.Damage(damage)
        template = serialization.to_state_dict(like)
        with faults.reading(self.folder, step, is_sound):
            held = leaves(self._manager.item_metadata(step)["state"].tree)
        unlike = difference(held, leaves(template))
        if unlike:
            raise CheckpointError(
                f"`folder` is {self.folder}, whose checkpoint {step} {unlike}, expected one of "
                "the same network and optimiser; check the name and the settings."
            )
        load = self._orbax.args
        abstract = jax.tree.map(self._orbax.utils.to_shape_dtype_struct, template)
        with faults.reading(self.folder, step, is_sound):
            read = self._manager.restore(
                step,
                args=load.Composite(state=load.StandardRestore(abstract), extra=load.JsonRestore()),
            )
            return read["state"], dict(read["extra"])

    def _judged(self, step: int) -> tuple[bool, str]:
        """Whether checksums say that a checkpoint is whole, and what is wrong with it."""
        try:
            return check_folder(self.folder / str(step)), ""
        except PermissionError:
            raise
        except (OSError, ValueError) as error:
            return False, shown(error, 120)

    def close(self) -> None:
        """Ends the threads of the checkpoint manager, and lets other runs save."""
        self._manager.close()
        if self._claim is not None:
            self._claim.release()
            self._claim = None

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def _listed(damages: Mapping[int, faults.Damage]) -> str:
    more = f" and {len(damages) - 3} more" if len(damages) > 3 else ""
    return "; ".join(f"{step} ({damage})" for step, damage in [*damages.items()][:3]) + more
