"""Writes ``docs/from_lava_dl.md``, and checks the table behind it against the old library.

``python tools/old_names.py`` writes the page from ``jslayer/lava_names.json``;
``python tools/old_names.py --against FOLDER`` compares that file with the sources of lava-dl's
SLAYER (``lava/lib/dl/slayer``, of an installation or an unpacked wheel; nothing of it is run), or
without a folder with those that are installed, and says what is missing or takes other arguments.
"""

import argparse
import ast
import importlib.util
import json
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "jslayer" / "lava_names.json"
PAGE = ROOT / "docs" / "from_lava_dl.md"

FAMILIES = ("cuba", "alif", "rf", "rf_iz", "adrf", "adrf_iz", "sigma_delta")
SHORT = (
    ("axon.delay.", "axon."),
    ("axon.delta.", "axon."),
    ("dendrite.sigma.", "dendrite."),
    ("synapse.layer.", "synapse."),
    ("neuron.dropout.", "neuron."),
    ("spike.spike.", "spike."),
    ("utils.assistant.", "utils."),
    ("utils.stats.", "utils."),
    ("utils.utils.", "utils."),
    ("utils.quantize.MODE", "utils.QUANTIZE_MODE"),
    ("utils.quantize.", "utils."),
    ("utils.time.replicate.", "utils.time."),
    ("utils.time.shift.", "utils.time."),
    ("utils.filter.conv.", "utils.filter."),
    ("utils.filter.fir.", "utils.filter."),
    ("object_detection.boundingbox.", "obd.bbox."),
    ("object_detection.dataset.bdd100k.", "obd.dataset."),
    ("object_detection.dataset.prophesee_automotive.", "obd.dataset."),
    ("object_detection.yolo_base.", "obd."),
    ("object_detection.", "obd."),
)
"""Where a name is defined, and where users find it."""

HEAD = """\
# Coming from lava-dl: every name

Made by `tools/old_names.py` from `jslayer/lava_names.json`; tests hold both against the code.

With `import jslayer as slayer` for `import lava.lib.dl.slayer as slayer`, what is *the same* is
called as before, on arrays in the same order of axes; a method of a module runs through `apply`
with its variables, and `forward` is the call itself. A name of a module that is *renamed* raises
one sentence with the new name where it is used. Arguments that differ are listed in the notebook
[from_lava_dl](../notebooks/from_lava_dl.ipynb).

Your trained networks load in one call, `slayer.migrate.from_lava(state_dict, network, sample)`,
and what `slayer.hdf5.export` then writes holds every dataset of lava-dl's own export, number by
number, as a test shows on a published checkpoint.

A `*` stands for each family of neurons that has the name.
"""


def page(names: dict[str, dict[str, str]]) -> str:
    """The page of a table of names."""
    parts = [HEAD]
    rows: dict[str, dict[str, str]] = {}
    for name, entry in names.items():
        rows.setdefault(collapsed(name, names), entry)
    for group in dict.fromkeys(name.partition(".")[0] for name in rows):
        parts.append(f"\n## {group}\n\n| lava-dl | here | remarks |\n| --- | --- | --- |\n")
        parts += [line(n, e) for n, e in rows.items() if n.partition(".")[0] == group]
    return "".join(parts)


def collapsed(name: str, names: dict[str, dict[str, str]]) -> str:
    """The name with a star for the family, where others have the same entry."""
    first, _, rest = name.partition(".")
    family, _, rest = rest.partition(".")
    if first not in ("block", "neuron") or family not in FAMILIES or not rest:
        return name
    said = lambda other: {
        key: value.replace(f"neuron.{other}.", "neuron.*.")
        for key, value in names.get(f"{first}.{other}.{rest}", {}).items()
        if key != "takes" or first == "block"
    }
    alike = [other for other in FAMILIES if said(other) == said(family)]
    return f"{first}.*.{rest}" if len(alike) > 1 else name


def line(name: str, entry: dict[str, str]) -> str:
    """A row of the page."""
    here = {"same": "the same", "none": "none"}.get(entry["is"], entry.get("here", ""))
    remarks = "; ".join(entry[key] for key in ("but", "why") if entry.get(key))
    return f"| `{name}` | {here} | {remarks} |\n".replace("|  |", "| |")


def public(name: str) -> str:
    """A name as users write it."""
    for long, short in SHORT:
        if name.startswith(long):
            return short + name.removeprefix(long)
    return name


def found(folder: Path) -> Iterator[tuple[str, str | None]]:
    """Public names in the sources of a folder, and the arguments of functions."""
    for file in sorted(folder.rglob("*.py")):
        module = ".".join(file.relative_to(folder).with_suffix("").parts)
        module = module.removesuffix("__init__").rstrip(".")
        for node in ast.parse(file.read_text("utf-8")).body:
            name = public(f"{module}.{getattr(node, 'name', '_')}")
            if isinstance(node, ast.FunctionDef):
                yield name, arguments(node, 0)
            elif isinstance(node, ast.ClassDef):
                yield name, None
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        marks = [ast.unparse(mark) for mark in method.decorator_list]
                        takes = arguments(method, 0 if "staticmethod" in marks else 1)
                        is_value = any(mark.endswith(("property", "setter")) for mark in marks)
                        yield f"{name}.{method.name}", None if is_value else takes


def arguments(node: ast.FunctionDef, skipped: int) -> str:
    """Names of the arguments of a function."""
    given = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
    return ", ".join(given[skipped:])


def wanted(name: str) -> bool:
    """False for what is not public, or is the call itself."""
    parts = name.split(".")
    hidden = any(part.startswith(("_", "Abstract", "Accelerated")) for part in parts)
    return (
        not hidden and parts[-1] not in ("forward", "backward") and parts[:2] != ["block", "base"]
    )


def compared(folder: Path, names: dict[str, dict[str, str]]) -> list[str]:
    """What the table lacks, and what it says of arguments that is not so."""
    faults = []
    for name, takes in found(folder):
        if not wanted(name):
            continue
        if name not in names:
            faults.append(f"{name} is not in the table")
        said = names.get(name, {}).get("takes")
        if takes is not None and said is not None:
            ours = arguments(ast.parse(f"def f({said}): pass").body[0], 0)  # type: ignore[arg-type]
            if ours != takes:
                faults.append(f"{name} takes ({takes}), and the table says ({ours})")
    return faults


def main() -> int:
    """Writes the page or compares; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--against", nargs="?", const="", help="sources, or the installed ones")
    given = parser.parse_args()
    names = json.loads(DATA.read_text("utf-8"))["names"]
    if given.against is None:
        PAGE.write_text(page(names), encoding="utf-8")
        return 0
    folder = given.against
    if not folder:
        spec = importlib.util.find_spec("lava.lib.dl.slayer")
        if spec is None or spec.origin is None:
            print("lava-dl is not installed; name a folder of its sources")
            return 2
        folder = str(Path(spec.origin).parent)
    faults = compared(Path(folder), names)
    print("\n".join([*faults, f"{len(names)} names, {len(faults) or 'no'} surprises"]))
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
