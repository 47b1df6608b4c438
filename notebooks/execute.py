"""Runs the notebooks top to bottom and keeps what they show.

``python notebooks/execute.py`` runs all of them at real size and writes the outputs into the files;
``python notebooks/execute.py xor dynamics`` runs those two. ``--small`` takes the size of the
tests, ``--out DIR`` leaves the files as they are and writes the executed copies to ``DIR``.

Needs the extra ``notebooks``, from a clone: ``pip install ".[notebooks]"``. Recordings are read
from the folder that the environment variable ``JSLAYER_DATA`` names; without it the notebooks that
need them run on simulated data. What names an address is written by ``tools/addresses.py``.
"""

import argparse
import base64
import io
import os
import re
import sys
import tempfile
import time
from pathlib import Path

import nbclient
import nbformat
from jupyter_client.manager import AsyncKernelManager
from PIL import Image

FOLDER = Path(__file__).resolve().parent
LIMIT = 1_500_000
"""Bytes that an executed notebook may have."""

HERE = (FOLDER.parent, Path.home(), Path(sys.prefix), Path(tempfile.gettempdir()))
PATHS = re.compile(
    r"(?<![\w/.:])/(?:home|root|tmp|var|opt|usr|mnt|Users|private)/|\b[A-Z]:\\\w|"
    + "|".join(re.escape(str(path)) for path in HERE if len(path.parts) > 1)
)
"""What the path of some machine looks like."""


def names() -> list[str]:
    """The notebooks of this folder, by name."""
    return sorted(path.stem for path in FOLDER.glob("*.ipynb"))


def texts(notebook: nbformat.NotebookNode) -> list[str]:
    """What the cells of a notebook say and print, pictures left out."""
    found = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            found += [output.get("text", ""), *output.get("traceback", ())]
            found += [text for kind, text in data.items() if kind.startswith("text/")]
    return found


def machine_paths(notebook: nbformat.NotebookNode) -> list[str]:
    """Lines with an absolute path in them, which mean nothing on another machine."""
    lines = [line for text in texts(notebook) for line in text.splitlines()]
    return [line for line in lines if PATHS.search(line)]


def execute(name: str, *, small: bool, timeout: int = 3600) -> nbformat.NotebookNode:
    """Runs one notebook in an empty folder, with this Python as its kernel.

    Args:
      name: Name of the notebook, without ending.
      small: Take the size of the tests.
      timeout: Seconds for a cell.

    Returns:
      The notebook with its outputs.

    Raises:
      CellExecutionError: a cell failed.
      ValueError: an output names a path of this machine, or there are too many bytes.
    """
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    environment = dict(os.environ)
    environment["JSLAYER_NOTEBOOK_SIZE"] = "small" if small else "real"
    if environment.get("JSLAYER_DATA"):
        environment["JSLAYER_DATA"] = str(Path(environment["JSLAYER_DATA"]).resolve())
    # the library of this checkout, installed or not
    path = [str(FOLDER.parent), *filter(None, [environment.get("PYTHONPATH")])]
    environment["PYTHONPATH"] = os.pathsep.join(path)
    manager = AsyncKernelManager(kernel_name="python3")
    manager.kernel_spec.argv[0] = sys.executable
    with tempfile.TemporaryDirectory() as folder:
        client = nbclient.NotebookClient(
            notebook,
            km=manager,
            timeout=timeout,
            extra_arguments=["--log-level=ERROR"],
            resources={"metadata": {"path": folder}},
        )
        client.execute(env=environment)
    return checked(name, tidied(notebook))


def tidied(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """Takes out what differs from run to run, times and versions, and makes pictures small."""
    notebook.metadata["language_info"] = {"name": "python"}
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            if "image/png" in data:
                data["image/png"] = smaller(data["image/png"])
    return notebook


def smaller(picture: str) -> str:
    """A PNG picture, base64, with a palette of 256 colours: a third of the bytes."""
    image = Image.open(io.BytesIO(base64.b64decode(picture))).convert("RGB")
    buffer = io.BytesIO()
    image.quantize(colors=256, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
    return base64.b64encode(buffer.getvalue()).decode()


def checked(name: str, notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook, if it may be kept.

    Raises:
      ValueError: it names a path of this machine, or has too many bytes.
    """
    found = machine_paths(notebook)
    if found:
        raise ValueError(f"`{name}` shows a path of this machine, expected none: {found[0]!r}")
    size = len(nbformat.writes(notebook).encode())
    if size > LIMIT:
        raise ValueError(f"`{name}` has {size} bytes, expected at most {LIMIT}; draw less.")
    return notebook


def main(arguments: list[str] | None = None) -> int:
    """Runs the command; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="name", help="notebooks; all if none is given")
    parser.add_argument("--small", action="store_true", help="the size of the tests")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args(arguments)
    unknown = sorted({*options.names} - {*names()})
    if unknown:
        parser.error(f"no notebook {', '.join(unknown)}; there are {', '.join(names())}")
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.names or names():
        start = time.perf_counter()
        notebook = execute(name, small=options.small)
        nbformat.write(notebook, options.out / f"{name}.ipynb")
        print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
