"""The pages of the reference: every public name of every public module, one page a module."""

import importlib
import inspect
import types
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jslayer

FAMILIES = ("cuba", "alif", "rf", "rf_iz", "adrf", "adrf_iz", "sigma_delta", "custom")
INNER = {
    "block": FAMILIES,
    "io": ("augment",),
    "neuron": (*FAMILIES, "base", "fields"),
    "obd": ("models", "training", "boxes", "augment", "dataset", "dataset.utils"),
    "ops": ("dynamics", "quantize", "spike", "surrogate"),
    "spike": ("complex",),
    "synapse": ("complex",),
    "utils": ("filter", "mask", "plot"),
}
"""Public modules inside of those that ``import jslayer`` brings."""

TOPICS = {
    "Networks": ("block", "neuron", "synapse", "axon", "dendrite"),
    "Functions of arrays": ("ops",),
    "Learning": ("loss", "classifier", "training"),
    "Events and data": ("io", "datasets"),
    "Files of networks": ("hdf5", "nir", "migrate"),
    "Object detection": ("obd",),
}
"""Order of the modules; one that is missing here comes last."""


def topics() -> dict[str, list[str]]:
    """The modules that ``import jslayer`` brings, without the package's name, below each topic."""
    faces = [
        name
        for name in jslayer.__all__
        if isinstance(getattr(jslayer, name), types.ModuleType) and name != "utils"
    ]
    known = {name for names in TOPICS.values() for name in names}
    found = {topic: [name for name in names if name in faces] for topic, names in TOPICS.items()}
    return found | {"Others": [*(name for name in faces if name not in known), "utils", ""]}


def names(module: types.ModuleType) -> Iterator[tuple[str, Any]]:
    """Public names of a module that are no modules, with what they mean."""
    listed = getattr(module, "__all__", None) or dir(module)
    for name in sorted(listed, key=str.lower):
        value = getattr(module, name)
        home = getattr(value, "__module__", None) or "jslayer"
        private = name.startswith("_") or isinstance(value, types.ModuleType)
        if not private and (home.startswith("jslayer") or name in getattr(module, "__all__", ())):
            yield name, value


def write(folder: Path) -> None:
    """Writes a page for every module, and one that lists them.

    Args:
      folder: Where to; made if it is missing.
    """
    folder.mkdir(parents=True, exist_ok=True)
    homes: dict[int, str] = {}
    index = ["Reference", "=" * 9, "", "Everything public, by module.", ""]
    for topic, faces in topics().items():
        index += [topic, "-" * len(topic), "", *_toctree(_full(face) for face in faces)]
        for face in faces:
            inner = [_full(f"{face}.{name}") for name in INNER.get(face, ())]
            for name in (_full(face), *inner):
                lines = page(importlib.import_module(name), homes)
                if inner and name == _full(face):
                    lines += ["Modules", "-" * 7, "", *_toctree(inner)]
                (folder / f"{name}.rst").write_text("\n".join(lines), "utf-8")
    (folder / "index.rst").write_text("\n".join(index), "utf-8")


def _full(name: str) -> str:
    return f"jslayer.{name}".rstrip(".")


def _toctree(names: Iterable[str]) -> list[str]:
    return [".. toctree::", "   :maxdepth: 1", "", *(f"   {name}" for name in names), ""]


def page(module: types.ModuleType, homes: dict[int, str]) -> list[str]:
    """The lines of a module's page.

    Args:
      module: The module.
      homes: Where what was written before is documented, by its `id`; this page adds its own.

    Returns:
      Lines of reStructuredText. What another page documents is a link to it.
    """
    title = module.__name__
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", "   :no-members:", ""]
    elsewhere = []
    for name, value in names(module):
        full = f"{title}.{name}"
        # a tuple or a number may stand under many names
        known = homes.setdefault(id(value), full) if callable(value) else full
        if known == full:
            lines += [f".. {_directive(value)}:: {full}", *_options(value), ""]
        else:
            elsewhere.append(f"``{name}``: see :py:obj:`{known}`.")
    if elsewhere:
        lines += ["Also here:", "", *(f"- {line}" for line in elsewhere), ""]
    return lines


def _directive(value: Any) -> str:
    if inspect.isclass(value):
        return "autoexception" if issubclass(value, BaseException) else "autoclass"
    return "autofunction" if inspect.isroutine(value) else "autodata"


def _options(value: Any) -> list[str]:
    return ["   :members:", "   :exclude-members: neuron_kind"] if inspect.isclass(value) else []
