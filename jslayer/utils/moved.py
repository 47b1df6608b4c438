"""Modules that were here before `jslayer.training` was: their old names still find them."""

import importlib
import sys
from types import ModuleType

MOVED = {
    **{name: name for name in ("accumulate", "assistant", "learning_stat", "metrics", "progress")},
    **{name: name for name in ("projection", "rates", "scalars", "sharding", "state", "stats")},
    **{name: name for name in ("tensorboard", "time_chunks", "checkpoint", "diagnosis")},
    **{name: name for name in ("checkpoint.file", "checkpoint.folder")},
    **{name: name for name in ("diagnosis.probe", "diagnosis.report", "diagnosis.run")},
    "training": "step",
}
"""Name in `jslayer.utils`, and in `jslayer.training`."""

for _old, _new in MOVED.items():
    # the same module under both names, so that a class is the same class and old pickles load
    sys.modules[f"jslayer.utils.{_old}"] = importlib.import_module(f"jslayer.training.{_new}")


def moved_module(name: str) -> ModuleType:
    """Finds ``jslayer.utils.name`` where it is now.

    Raises:
      AttributeError: nothing of that name was here.
    """
    if name in MOVED and "." not in name:
        return sys.modules[f"jslayer.utils.{name}"]
    raise AttributeError(f"module 'jslayer.utils' has no attribute {name!r}")
