"""The package as a whole: what an import costs, who imports whom, what the files say."""

import ast
import doctest
import importlib
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

import jslayer

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "jslayer"

# Lowest first. A room may import rooms of its own layer and of those before it.
LAYERS = (
    {"_addresses", "_old_names", "ops"},
    {"persistence", "linen"},
    {"neuron", "synapse", "axon", "dendrite"},
    {"block"},
    {"hdf5", "nir", "migrate", "training", "datasets", "io", "obd", "loss", "classifier"},
    {"utils", "spike"},  # the old library's names for parts of those
    {"jslayer"},  # the flat face, jslayer/__init__.py
    {"cli"},  # written as a user would
    {"examples", "__main__"},
)
LAYER = {room: layer for layer, rooms in enumerate(LAYERS) for room in rooms}


def module_name(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(file): file for file in sorted(PACKAGE.rglob("*.py"))}


def room(module: str) -> str:
    """Names the part of the package that a module belongs to."""
    return module.split(".")[1] if "." in module else module


def imported(module: str, source: str, *, is_package: bool) -> Iterator[str]:
    """Yields the full name of whatever ``source`` imports, functions and branches included."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                parts = parts[: len(parts) - node.level + is_package]
                base = ".".join([*parts, base] if base else parts)
            for alias in node.names:
                whole = f"{base}.{alias.name}"
                yield whole if whole in MODULES else base


def imports_of(module: str) -> list[str]:
    file = MODULES[module]
    is_package = file.name == "__init__.py"
    return list(imported(module, file.read_text("utf-8"), is_package=is_package))


def test_import_leaves_the_optional_packages_alone():
    code = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
optional = {"matplotlib", "PIL", "tqdm", "torch", "faery", "tonic", "pycocotools"}
optional |= {"imageio_ffmpeg", "nir"}
print(*sorted(optional & set(sys.modules)))
"""
    names = [name for name in MODULES if not name.endswith("__main__")]
    done = subprocess.run(
        [sys.executable, "-c", code, *names], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ""


def test_import_leaves_the_devices_alone():
    code = """
import jax, jslayer
jax.config.update("jax_num_cpu_devices", 3)  # refused once a backend is up
assert len(jax.devices("cpu")) == 3
"""
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, env=environment)


@pytest.mark.parametrize("module", MODULES)
def test_imports_go_down_only(module):
    assert room(module) in LAYER, f"{module}: give its room a place in LAYERS"
    for other in imports_of(module):
        if other.split(".")[0] != "jslayer":
            continue
        assert room(other) in LAYER, f"{module} imports {other}: give its room a place in LAYERS"
        assert LAYER[room(other)] <= LAYER[room(module)], f"{module} imports {other}"


DIRECTIONS = ("read", "write", "load", "run")
"""Folders of `jslayer.hdf5`: who knows one of them need not open another."""


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_direction_of_the_network_file_knows_no_other(direction):
    others = tuple(f"jslayer.hdf5.{other}." for other in DIRECTIONS if other != direction)
    own = [name for name in MODULES if name.startswith(f"jslayer.hdf5.{direction}.")]
    assert own
    assert not [
        (module, other)
        for module in own
        for other in imports_of(module)
        if f"{other}.".startswith(others)
    ]


@pytest.mark.parametrize(
    ("module", "source", "expected"),
    [
        ("jslayer.ops.cuba", "from . import check", ["jslayer.ops.check"]),
        ("jslayer.ops.cuba", "from .check import rank", ["jslayer.ops.check"]),
        ("jslayer.ops.cuba", "def f():\n  from ..ops.check import rank", ["jslayer.ops.check"]),
        ("jslayer.ops.cuba", "from jslayer import ops", ["jslayer.ops"]),
        ("jslayer.ops.cuba", "import jslayer as slayer", ["jslayer"]),
        ("jslayer.ops.cuba", "from .. import __version__", ["jslayer"]),
    ],
)
def test_the_reader_of_imports_sees_every_form(module, source, expected):
    assert list(imported(module, source, is_package=False)) == expected


def test_the_reader_of_imports_knows_packages():
    found = list(imported("jslayer.ops", "from .check import rank", is_package=True))
    assert found == ["jslayer.ops.check"]


@pytest.mark.parametrize("module", [name for name in MODULES if room(name) == "ops"])
def test_ops_know_nothing_of_flax(module):
    assert not [other for other in imports_of(module) if other.split(".")[0] == "flax"]


@pytest.mark.parametrize("module", MODULES)
def test_every_module_has_a_docstring(module):
    assert ast.get_docstring(ast.parse(MODULES[module].read_text("utf-8")))


@pytest.mark.parametrize("module", [n for n in MODULES if ">>> " in MODULES[n].read_text("utf-8")])
def test_the_examples_in_docstrings_print_what_they_say(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.attempted
    assert not result.failed


def test_beside_a_clone_of_that_name_the_installed_package_is_imported(tmp_path):
    if not list(Path(sysconfig.get_paths()["purelib"]).glob("*jslayer*.pth")):
        pytest.skip("jslayer is not installed in editable mode here")
    (tmp_path / "jslayer").mkdir()  # an empty namespace, as a clone is to its parent folder
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [sys.executable, "-c", "import jslayer; print(jslayer.__version__)"]
    done = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == jslayer.__version__


def test_every_folder_with_modules_is_a_package():
    folders = {file.parent for file in MODULES.values()}
    assert [str(f) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_type_checkers_are_told_of_the_types():
    assert resources.files(jslayer).joinpath("py.typed").is_file()


def test_the_version_is_that_of_the_project():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert jslayer.__version__ == project["version"]


def text_files() -> Iterator[tuple[Path, str]]:
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name
            for name in folders
            if name not in {"runs", "build", "_build", "dist", "__pycache__"}
            and not name.endswith(".egg-info")
            and (not name.startswith(".") or name in {".ci", ".github"})
            and not Path(folder, name, "pyvenv.cfg").exists()
        ]
        for name in files:
            if name.endswith(".log") or name == ".git":  # a file in a worktree
                continue
            path = Path(folder, name)
            try:
                yield path, path.read_text("utf-8")
            except UnicodeDecodeError:
                continue  # an image or an array


def test_no_file_names_a_machine_or_leaves_work_behind():
    # Put together here, so that this file passes too.
    marks = "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3])
    places = "|".join(["work", "tmp", "root"])
    hosts = "|".join(["pypi" + r"\.org", "python" + r"hosted\.org"])
    pattern = re.compile(rf"\b({marks})\b|(?<![A-Za-z0-9_.])/({places})/|{hosts}")
    found = []
    for path, text in text_files():
        for number, line in enumerate(text.splitlines(), 1):
            if pattern.search(line):
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()[:80]}")
    assert found == []
