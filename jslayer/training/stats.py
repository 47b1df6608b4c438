"""Statistics of a training run: its three splits, one printable line, curves, and a file."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..io import style
from ..io.files import PathLike, replacing
from ..io.first import writes
from ..io.json_text import parse
from ..io.text import shown
from .learning_stat import LearningStat as LearningStat

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

IN_FOLDER = "stats.json"
"""Name of the file that is written to a folder."""

_FORMAT = "jslayer.LearningStats.1"
MOST_BYTES = 64 << 20
"""Size of a file that is read: about 400,000 epochs."""
_SPLITS = {"training": "Train", "validation": "Valid", "testing": "Test "}


class LearningStats:
    """Statistics of training, validation and testing, each a ``LearningStat``.

    Args:
      loss_str: As of `LearningStat`, of all splits; as the next three.
      loss_unit: Unit of the loss.
      accuracy_str: What is counted, or measured otherwise.
      accuracy_unit: Its unit.

    A split without samples in an epoch is logged as ``None`` and left out of lines and curves.

    Attributes:
      training: Statistics of the training split.
      validation: Statistics of the validation split.
      testing: Statistics of the testing split.

    Example:
      >>> stats = LearningStats()
      >>> stats.training.update(loss_sum=8.0, correct=3, num_samples=4)
      >>> stats.testing.update(loss_sum=1.0, correct=1, num_samples=2)
      >>> stats.end_epoch()
      >>> stats.testing.max_accuracy, stats.is_best, stats.epochs
      (0.5, True, 1)
    """

    def __init__(
        self,
        loss_str: str = "loss",
        loss_unit: str = "",
        accuracy_str: str = "accuracy",
        accuracy_unit: str = "",
    ) -> None:
        names = (loss_str, loss_unit, accuracy_str, accuracy_unit)
        self.training = LearningStat(*names)
        self.validation = LearningStat(*names)
        self.testing = LearningStat(*names)
        self._lines = 0

    def _splits(self) -> dict[str, LearningStat]:
        return {name: getattr(self, name) for name in _SPLITS}

    @property
    def epochs(self) -> int:
        """Epochs that ended."""
        return len(self.training.loss_log)

    @property
    def is_best(self) -> bool:
        """Whether the epoch that ended last is the best of the split that judges the model.

        Validation judges where it was ever measured, otherwise testing, otherwise training; by
        accuracy where it was counted, otherwise by loss.
        """
        for stat in (self.validation, self.testing):
            if any(loss is not None for loss in stat.loss_log):
                return stat.is_best
        return self.training.is_best

    def end_epoch(self) -> None:
        """Logs the epoch of every split and starts the next."""
        for stat in self._splits().values():
            stat.end_epoch()

    def update(self) -> None:
        """Does what ``end_epoch`` does; the name that lava-dl gives it."""
        self.end_epoch()

    def __str__(self) -> str:
        """Returns one line; splits without samples are left out."""
        lines = {_SPLITS[name]: str(stat) for name, stat in self._splits().items()}
        return " | ".join(f"{name} {line}" for name, line in lines.items() if line)

    def print(
        self,
        epoch: int,
        iter: int | None = None,
        time_elapsed: float | None = None,
        header: Iterable[object] | None = None,
        dataloader: Any = None,
    ) -> None:
        """Prints epoch and statistics over what it printed before; `Progress` does so in one line.

        Args:
          epoch: Number of the epoch.
          iter: Number of the batch.
          time_elapsed: Seconds.
          header: Lines in front.
          dataloader: What gives the batches, for how much of the epoch is done.
        """
        place = "" if iter is None else f": i = {iter:5d}"
        if iter is not None and dataloader is not None:
            place += f" of {len(dataloader)} ({100 * iter / len(dataloader):.0f}%)"
        if time_elapsed is not None:
            place += f", {1000 * time_elapsed:12.4f} ms elapsed"
        lines = [*map(str, header or ()), f"Epoch {epoch:4d}{place}", *str(self).split(" | ")]
        up = f"\033[{self._lines}A" if self._lines else ""
        print(up + "\n".join(f"\033[2K{line}" for line in lines))
        self._lines = len(lines)

    def new_line(self) -> None:
        """Lets the next `print` begin below what was printed before."""
        self._lines = 0

    def plot(self, path: PathLike | None = None) -> "Figure":
        """Draws loss and, where it was counted, accuracy over the epochs, side by side.

        The loss axis is logarithmic where all losses are positive; a large dot marks the best epoch
        of each split. Needs no display.

        Args:
          path: Where to save the figure as well, whole or not at all; the ending, such as
            ``.png``, chooses the format. Of several processes only the first saves.

        Returns:
          The figure.

        Raises:
          ImportError: matplotlib is not installed.
          FileNotFoundError: The folder of ``path`` does not exist.
          ValueError: The ending of ``path`` names no image format.
        """
        splits = self._splits().values()
        counted = any(stat.max_accuracy is not None for stat in splits)
        figure = style.new_figure(9.0 if counted else 4.5, 3.2, dpi=150)
        axes = figure.subplots(1, 1 + counted, squeeze=False)[0]
        self._draw(axes[0], "loss")
        losses = [loss for stat in splits for loss in stat.loss_log if loss is not None]
        if losses and all(loss > 0 for loss in losses):
            axes[0].set_yscale("log")
        if counted:
            self._draw(axes[1], "accuracy")
        if path is not None and writes():
            _save_figure(figure, path)
        return figure

    def _draw(self, axes: "Axes", quantity: str) -> None:
        marked = False
        for colour, (name, stat) in zip(style.MORE, self._splits().items(), strict=False):
            log = np.array(getattr(stat, f"{quantity}_log"), dtype=float)
            measured = np.flatnonzero(~np.isnan(log))
            if not measured.size:
                continue
            # A single epoch makes no line, so that short curves need points.
            points = "." if len(measured) < 30 else None
            axes.plot(measured, log[measured], color=colour, label=name, marker=points)
            best = getattr(stat, f"best_{quantity}_epoch")
            if best is not None:
                marked = True
                axes.plot(best, log[best], "o", color=colour, markersize=9, markeredgecolor="white")
        if marked:
            dot = axes.plot([], [], "o", color=style.TEXT, label="best epoch")[0]
            dot.set(markersize=8, markeredgecolor="white")
        axes.set_xlabel("epoch")
        axes.set_ylabel(quantity)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(color=style.GRID, linewidth=0.6)
        style.tidy(axes)
        axes.tick_params(which="minor", colors=style.TEXT, labelsize=8)
        if axes.lines:
            axes.legend(frameon=False, fontsize=8, labelcolor=style.TEXT)

    def to_dict(self) -> dict[str, Any]:
        """Returns all that the statistics hold, in values that strict JSON can express."""
        return {"format": _FORMAT} | {k: stat.to_dict() for k, stat in self._splits().items()}

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any]) -> "LearningStats":
        """Returns the statistics of which ``to_dict`` made ``saved``.

        Raises:
          ValueError: ``saved`` is not what ``to_dict`` returned.
        """
        stats = cls()
        stats._restore(saved)
        return stats

    def save(self, path: PathLike, *, about: Mapping[str, Any] | None = None) -> None:
        """Writes the statistics to a JSON file, whole or not at all; of processes, the first does.

        Into a folder, as lava-dl's, go tables of all epochs for people to read, ``loss.txt`` and,
        where anything was counted, ``accuracy.txt``, and `load` finds the file ``stats.json``.

        Args:
          path: The file, or a folder that is there.
          about: What readers should know of the run, such as its options: values that JSON can
            express, kept beside the statistics under ``"about"``; `load` does not need them.

        Raises:
          FileNotFoundError: The folder of ``path`` does not exist.
        """
        if not writes():
            return
        if Path(path).is_dir():
            self._save_tables(Path(path))
            path = Path(path) / IN_FOLDER
        more = {} if about is None else {"about": dict(about)}
        text = json.dumps(self.to_dict() | more, indent=1, allow_nan=False)
        with replacing(path) as file:
            file.write(text.encode())

    def _save_tables(self, folder: Path) -> None:
        """Writes a line per epoch, and a column for each split that was measured."""
        for quantity, name in (
            ("loss", self.training.loss_str),
            ("accuracy", self.training.accuracy_str),
        ):
            logs = {k: getattr(stat, f"{quantity}_log") for k, stat in self._splits().items()}
            logs = {k: log for k, log in logs.items() if any(v is not None for v in log)}
            if not logs:
                continue
            head = "# " + " ".join(f"{_SPLITS[split].strip():12}" for split in logs)
            rows = [
                " ".join(" " * 12 if value is None else f"{value:12.6f}" for value in row)
                for row in zip(*logs.values(), strict=True)
            ]
            with replacing(folder / f"{name}.txt") as file:
                file.write("\n".join([head, *rows, ""]).encode())

    def load(self, path: PathLike) -> None:
        """Takes over the statistics that ``save`` wrote, so that a run resumes exactly.

        Raises:
          FileNotFoundError: There is nothing at ``path``.
          ValueError: The file holds no statistics; these stay as they were.
        """
        path = Path(path)
        path = path / IN_FOLDER if path.is_dir() else path
        if path.is_file() and path.stat().st_size > MOST_BYTES:
            raise ValueError(
                f"`path` is {path}, of {path.stat().st_size} bytes, expected statistics of "
                f"{MOST_BYTES} at most; check the name."
            )
        content = path.read_bytes()
        self._restore(parse(content, source=f"`path` is {path}", expected="what `save` wrote"))

    def _restore(self, saved: Any) -> None:
        got = saved.get("format") if isinstance(saved, Mapping) else type(saved).__name__
        if got != _FORMAT:
            got = repr(shown(got)) if isinstance(got, str) else f"of type {type(got).__name__}"
            raise ValueError(
                f"`saved` has format {got}, expected {_FORMAT!r}; give what `to_dict` returned."
            )
        stats = {name: LearningStat.from_dict(saved.get(name, {})) for name in _SPLITS}
        epochs = {name: len(stat.loss_log) for name, stat in stats.items()}
        if len(set(epochs.values())) != 1:
            raise ValueError(
                f"`saved` has logs of different lengths {epochs}, expected the same number of "
                "epochs in each split; save the statistics again."
            )
        # In place, because a training loop may hold on to one of the splits.
        for name, stat in stats.items():
            vars(getattr(self, name)).update(vars(stat))


def _save_figure(figure: "Figure", path: PathLike) -> None:
    endings = sorted(figure.canvas.get_supported_filetypes())
    ending = Path(path).suffix.removeprefix(".").lower()
    if ending not in endings:
        raise ValueError(
            f"`path` is {path}, whose ending names no image format, expected one of "
            f"{', '.join(endings)}; append .png."
        )
    with replacing(path) as file:
        figure.savefig(file, format=ending)
