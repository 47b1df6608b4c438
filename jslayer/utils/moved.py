"""Modules that were here before `jslayer.training` was: their old names still find them."""

import importlib
import sys
from types import ModuleType

from jslayer._old_names import told

MOVED = (
    *("accumulate", "assistant", "learning_stat", "metrics", "progress", "projection", "rates"),
    *("scalars", "sharding", "state", "stats", "tensorboard", "time_chunks", "training"),
    *("checkpoint", "checkpoint.file", "checkpoint.folder"),
    *("diagnosis", "diagnosis.probe", "diagnosis.report", "diagnosis.run"),
)
"""Names in `jslayer.utils`; in `jslayer.training` they are the same, but for ``training``."""

for _name in MOVED:
    # the same module under both names, so that a class is the same class and old pickles load
    _new = "step" if _name == "training" else _name
    sys.modules[f"jslayer.utils.{_name}"] = importlib.import_module(f"jslayer.training.{_new}")


def moved_module(name: str) -> ModuleType:
    """Finds ``jslayer.utils.name`` where it is now.

    Raises:
      AttributeError: nothing of that name was here.
    """
    if name in MOVED and "." not in name:
        return sys.modules[f"jslayer.utils.{name}"]
    told("utils")(name)
    raise AssertionError
