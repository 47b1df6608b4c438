"""Writes the block families, `jslayer/block/cuba.py` and the others: classes and docstrings.

Every block lists all of its arguments and those of its neuron. The words are those of the kinds of
blocks (`jslayer.block.layers` ...) and of the neurons (`jslayer.neuron.cuba` ...); change them
there, then run

    python tools/write_blocks.py

A test holds that the files are what this writes.
"""

import dataclasses
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from jslayer import neuron as neurons
from jslayer.block import layers
from jslayer.block.base import Hook
from jslayer.block.kinds import KINDS
from jslayer.neuron import base, parameters
from jslayer.neuron.dropout import Dropout
from jslayer.ops.surrogate import PhaseExponential, Surrogate

FOLDER = Path(layers.__file__).parent

FAMILIES = {
    "cuba": "current-based leaky integrate-and-fire neurons",
    "alif": "adaptive leaky integrate-and-fire neurons",
    "rf": "resonate-and-fire neurons that spike at phase zero",
    "rf_iz": "resonate-and-fire neurons with Izhikevich's reset",
    "adrf": "resonate-and-fire neurons at phase zero with an adaptive threshold",
    "adrf_iz": "resonate-and-fire neurons with an adaptive threshold on the imaginary part",
    "sigma_delta": "sigma-delta neurons",
    "custom": "neurons of your own, see `jslayer.neuron.custom.Neuron`",
}

TYPES: dict[Any, str] = {
    Hook: 'function, None or "neuron"',
    layers.Delays: 'bool or "inputs"',
    layers.Size: "int or (height, width)",
    layers.Size | None: "int, (height, width) or None",
    tuple[float, ...] | float | None: "float, tuple or None",
    int | tuple[int, ...] | None: "int, tuple or None",
    parameters.Number: "float or array",
    parameters.Spread: "float, (min, max) or array",
    parameters.Spread | None: "float, (min, max), array or None",
    parameters.Granularity: 'bool or "neuron"',
    base.Policy: "str",
    Dropout | parameters.Number | None: "Dropout, float, array or None",
    Surrogate | PhaseExponential | None: "function or None",
}
"""How a type reads in a docstring, where its own name would be long."""

UNTYPED = {
    "activation": "str, function or Neuron",
    "dtype": "dtype or None",
    "mask": "array or None",
    "norm": "class or None",
    "recurrent_mask": "array or None",
}
"""The same, by argument, for those that take objects of many types."""


def attributes(kind: type) -> dict[str, str]:
    """What a class and its bases say of their fields, by field."""
    found: dict[str, str] = {}
    for parent in kind.__mro__:
        doc = inspect.cleandoc(parent.__doc__ or "")
        section = re.search(r"^Attributes:\n((?:  .*\n?|\n(?=  ))+)", doc, re.MULTILINE)
        text = section[1] if section else ""
        for name, meaning in re.findall(r"^  (\w+): (.*(?:\n    .*)*)", text, re.MULTILINE):
            found.setdefault(name, " ".join(meaning.split()))
    return found


def type_text(field: dataclasses.Field, default: Any) -> str:
    """A field's type in words, with its default if it has one."""
    if field.type is Any:
        text = UNTYPED[field.name]
    else:
        text = TYPES.get(field.type) or name_of(field.type)
    if default is dataclasses.MISSING:
        return text
    shown = f'"{default}"' if isinstance(default, str) else repr(default)
    return f"{text} = {shown}"


def name_of(kind: Any) -> str:
    """The name of a type, or of a union's types; of generic ones without their arguments."""
    if isinstance(kind, types.UnionType):
        names = [name_of(part) for part in get_args(kind)]
        return " or ".join("None" if name == "NoneType" else name for name in names)
    return kind.__name__


def arguments(kind: type, **defaults: Any) -> Iterator[str]:
    """One entry per argument of a module, wrapped; ``defaults`` are other than the class's."""
    meanings = attributes(kind)
    for field in dataclasses.fields(kind):
        if field.name in ("parent", "name"):
            continue
        default = defaults.get(field.name, field.default)
        entry = f"{field.name} ({type_text(field, default)}): {meanings[field.name]}"
        entry = entry.replace("the family's neuron", "the neuron, listed below")
        yield wrapped(entry, 100, " " * 6, " " * 8)


def wrapped(text: str, width: int, first: str = "", others: str = "") -> str:
    """Text in lines; code and pairs stay in one line."""
    whole = r"``.*?``|\(min, max\)|\(height, width\)"
    lines = textwrap.fill(
        re.sub(whole, lambda found: found[0].replace(" ", "\0"), text),
        width,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return lines.replace("\0", " ")


def class_of(name: str, family: ModuleType) -> str:
    """The source of one class."""
    kind, neuron = KINDS[name], family.Neuron
    names = {field.name for field in dataclasses.fields(kind)}
    changed = {"delay_shift": False} if "delay_shift" in names and not neuron.block_shift else {}
    doc = re.split(r"^Attributes:", inspect.cleandoc(kind.__doc__), flags=re.MULTILINE)[0].strip()
    head, *body = (" ".join(part.split()) for part in doc.split("\n\n"))
    paragraphs = body[:1]
    if "neuron_params" in names:
        does = inspect.cleandoc(neuron.__doc__).splitlines()[0]
        does = does[0].lower() + does[1:]
        paragraphs.append(f"The neuron, `{neuron.__module__}.Neuron`: {does}")
    sections = [wrapped(text, 100, " " * 4, " " * 4) for text in paragraphs]
    sections.append("\n".join(["    Args:", *arguments(kind, **changed)]))
    if "neuron_params" in names:
        sections.append("\n".join(["    Keys of ``neuron_params``:", *arguments(neuron)]))
    more = f"More is in `{kind.__module__}.{name}`. " if body[1:] else ""
    rest = f"{more}`init`, `apply` and the rest are those of `flax.linen.Module`."
    sections.append(wrapped(rest, 100, " " * 4, " " * 4))
    return CLASS.format(
        name=name,
        home=kind.__module__.rpartition(".")[2],
        head=head,
        sections="\n\n".join(sections),
        changed="".join(f"    {key}: bool = {value}\n" for key, value in changed.items()),
    )


CLASS = '''
class {name}(_{home}.{name}):
    """{head}

{sections}
    """

    neuron_kind = _neuron.Neuron
{changed}'''

FILE = '''"""Blocks of {neurons}."""

# Written by tools/write_blocks.py from the kinds of blocks and the neuron: change those and run it.

from jslayer.block import layers as _layers
from jslayer.block import recurrent as _recurrent
from jslayer.block import unweighted as _unweighted
from jslayer.neuron import {family} as _neuron

__all__ = [
{names}
]

{classes}'''


def source(family: str) -> str:
    """The whole file of a family."""
    home = getattr(neurons, family)
    ordered = sorted(KINDS, key=lambda name: (not name.isupper(), name))  # as ruff has it
    return FILE.format(
        family=family,
        neurons=FAMILIES[family],
        names="\n".join(f'    "{name}",' for name in ordered),
        classes="\n".join(class_of(name, home) for name in KINDS),
    )


if __name__ == "__main__":
    for name in FAMILIES:
        (FOLDER / f"{name}.py").write_text(source(name), "utf-8")
