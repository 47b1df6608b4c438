"""Writes the classes of all families of blocks, ``jslayer/block/cuba.py`` and so on.

Every class is a plain subclass that says in one place what its arguments are, the neuron's too.
The texts come from the classes behind it: change them there and run
``python tools/write_blocks.py`` again; a test compares.
"""

import dataclasses
import inspect
import re
import subprocess
import sys
import textwrap
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from jslayer import neuron
from jslayer.block import kinds

FOLDER = Path(__file__).resolve().parent.parent / "jslayer" / "block"
FAMILIES = {
    "cuba": "Blocks of current-based leaky integrate-and-fire neurons.",
    "alif": "Blocks of adaptive leaky integrate-and-fire neurons.",
    "rf": "Blocks of resonate-and-fire neurons at phase zero.",
    "rf_iz": "Blocks of resonate-and-fire neurons with Izhikevich's reset.",
    "adrf": "Blocks of resonate-and-fire neurons at phase zero with adaptive threshold.",
    "adrf_iz": "Blocks of resonate-and-fire neurons with adaptive threshold on the imaginary part.",
    "sigma_delta": (
        "Blocks of sigma-delta neurons; their output is not delayed by a step unless told so."
    ),
    "custom": "Blocks of neurons of your own.",
}
"""First line of each module."""

WIDTH = 100


def attributes(cls: type) -> dict[str, str]:
    """What the docstrings of a class and its bases say of each field."""
    found: dict[str, str] = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("jslayer"):
            continue
        doc = inspect.cleandoc(base.__dict__.get("__doc__") or "")
        section = re.search(r"^Attributes:\n((?:  .*\n?|\n)*)", doc, re.MULTILINE)
        for name, text in re.findall(
            r"^  (\w+): ((?:.*\n?)(?:    .*\n?)*)", section[1] if section else "", re.MULTILINE
        ):
            found.setdefault(name, " ".join(text.split()))
    return found


def description(cls: type) -> list[str]:
    """Paragraphs of a docstring before its sections, its bases' where it has none."""
    paragraphs = inspect.cleandoc(cls.__doc__).split("\n\n")
    ends = re.compile(r"^(Attributes|References|Example|Args)\b")
    kept = []
    for paragraph in paragraphs:
        if ends.match(paragraph):
            break
        kept.append(" ".join(paragraph.split()))
    return kept


def fields(cls: type) -> list[dataclasses.Field]:
    """The constructor's arguments, without those of every Flax module."""
    return [f for f in dataclasses.fields(cls) if f.name not in ("parent", "name")]


def default(field: dataclasses.Field, value=dataclasses.MISSING) -> str:
    """Says what holds where an argument is not given."""
    value = field.default if value is dataclasses.MISSING else value
    if value is dataclasses.MISSING:
        return "Required."
    shown = f'"{value}"' if isinstance(value, str) else repr(value)
    return f"Default: {shown}."


def entry(name: str, text: str, indent: int) -> list[str]:
    """One argument, wrapped."""
    start = " " * indent
    return textwrap.wrap(
        f"{name}: {text}",
        WIDTH,
        initial_indent=start,
        subsequent_indent=start + "  ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def neuron_entries(home: str) -> list[str]:
    """The keys of ``neuron_params``."""
    cls = getattr(neuron, home).Neuron
    said = attributes(cls)
    lines = []
    for field in fields(cls):
        lines += entry(field.name, f"{said[field.name]} {default(field)}", 8)
    return lines


def block(name: str, kind: type, home: str) -> str:
    """The source of one class."""
    said = attributes(kind)
    shift_off = not getattr(neuron, home).Neuron.block_shift and "delay_shift" in said
    has_neuron = "neuron_params" in said
    title, *more = description(kind)
    lines = [f'    """{title}', ""]
    if has_neuron:
        own = description(getattr(neuron, home).Neuron)[0]
        more = [f"The neuron: {own[0].lower()}{own[1:]}", *more]
    for paragraph in more:
        lines += textwrap.wrap(
            paragraph,
            WIDTH,
            initial_indent="    ",
            subsequent_indent="    ",
            break_long_words=False,
            break_on_hyphens=False,
        )
        lines.append("")
    lines.append("    Args:")
    for field in fields(kind):
        value = False if shift_off and field.name == "delay_shift" else dataclasses.MISSING
        text = f"{said[field.name]} {default(field, value)}"
        if field.name == "neuron_params":
            text = f"{text} They are those of `jslayer.neuron.{home}.Neuron`, by name:"
        lines += entry(field.name, text, 6)
        if field.name == "neuron_params":
            lines += neuron_entries(home)
    lines += ['    """', ""]
    base = f"{kind.__module__.rsplit('.', 1)[1]}.{name}"
    code = [f"class {name}({base}):", *lines, f"    neuron_kind = {home}.Neuron"]
    if shift_off:
        code += ["    delay_shift: bool = False"]
    return "\n".join(code)


def module(home: str) -> str:
    """The source of one module."""
    bases = sorted({kind.__module__.rsplit(".", 1)[1] for kind in kinds.KINDS.values()})
    head = f'''"""{FAMILIES[home]}

Written by ``tools/write_blocks.py`` from the docstrings of the classes behind them.
"""

from jslayer.block import {", ".join(bases)}
from jslayer.neuron import {home}

__all__ = [
{"".join(f'    "{name}",{chr(10)}' for name in sorted(kinds.KINDS))}]


def __dir__() -> list[str]:
    return __all__
'''
    classes = [block(name, kind, home) for name, kind in kinds.KINDS.items()]
    return head + "\n\n" + "\n\n\n".join(classes) + "\n"


def main() -> None:
    """Writes all modules."""
    for home in FAMILIES:
        (FOLDER / f"{home}.py").write_text(formatted(module(home)), encoding="utf-8")


def formatted(source: str) -> str:
    """``source`` in the repository's order of imports and names."""
    for command in (["check", "--fix", "--quiet"], ["format", "--quiet"]):
        name = ["--stdin-filename", str(FOLDER / "new.py"), "-"]
        ruff = [sys.executable, "-m", "ruff", *command, *name]
        done = subprocess.run(ruff, input=source, capture_output=True, text=True, check=True)
        source = done.stdout
    return source


if __name__ == "__main__":
    main()
