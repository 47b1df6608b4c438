"""The notebooks: what every one of them must have, and that they run top to bottom."""

import builtins
import os
import subprocess
import sys
import warnings
from pathlib import Path

import jax
import pytest

from tools import addresses

nbformat = pytest.importorskip("nbformat", reason="needs nbformat: extra notebooks")

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
EXPECTED = {
    "dynamics",
    "from_lava_dl",
    "functional",
    "nmnist",
    "oxford",
    "pilotnet_sdnn",
    "sigma_delta_yolo",
    "xor",
}
LIMIT = 1_500_000
HOMES = (*(f"/{name}/" for name in ("home", "root", "tmp", "Users")), "\\Users\\")

every = pytest.mark.parametrize("name", NAMES)


def read(path):
    """The notebook, checked against the format."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def texts(notebook):
    """Sources and printed outputs, pictures left out."""
    found = [cell.source for cell in notebook.cells]
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            found.append(output.get("text", ""))
            found += output.get("traceback", ())
            found += [v for k, v in output.get("data", {}).items() if k.startswith("text/")]
    return found


def test_no_notebook_is_missing():
    assert EXPECTED <= set(NAMES)


@every
def test_starts_with_a_title_and_the_badge_that_the_setting_gives(name):
    first = read(FOLDER / f"{name}.ipynb").cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    badge = addresses.colab_badge(name)
    assert first.source.count("[![") == bool(badge)
    assert badge in first.source


@every
def test_installs_the_library_first_and_only_where_it_is_missing(name):
    code = [c.source for c in read(FOLDER / f"{name}.ipynb").cells if c.cell_type == "code"]
    assert code[0] == addresses.first_cell()
    assert not any("%pip" in source or "!pip" in source for source in code[1:])


@every
def test_is_committed_whole_small_and_without_errors(name):
    path = FOLDER / f"{name}.ipynb"
    notebook = read(path)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    counts = [cell.execution_count for cell in code]
    assert counts == list(range(1, len(code) + 1)), "run notebooks/execute.py to fill it"
    assert not any(out.output_type == "error" for cell in code for out in cell.outputs)
    assert not any(out.get("name") == "stderr" for cell in code for out in cell.outputs)
    assert path.stat().st_size < LIMIT


@every
def test_names_no_path_of_any_machine(name):
    for text in texts(read(FOLDER / f"{name}.ipynb")):
        assert not any(home in text for home in HOMES), text


@pytest.mark.slow
def test_the_runner_executes_a_notebook_as_a_browser_would(tmp_path):
    pytest.importorskip("nbclient", reason="needs nbclient: extra notebooks")
    pytest.importorskip("ipykernel", reason="needs ipykernel: extra notebooks")
    command = [sys.executable, str(FOLDER / "execute.py"), "xor", "--small", "--out", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    notebook = read(tmp_path / "xor.ipynb")
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", ())]
    assert outputs
    assert not any(out.output_type == "error" for out in outputs)
    assert not any(str(tmp_path) in text for text in texts(notebook))


@pytest.fixture
def run_cells(tmp_path, monkeypatch):
    """Runs the cells of a notebook in this process, which has all imported; gives the output."""
    shells = pytest.importorskip("IPython.core.interactiveshell", reason="needs IPython")
    from IPython.utils.capture import capture_output
    from matplotlib import pyplot
    from traitlets.config import Config

    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JSLAYER_NOTEBOOK_SIZE", "small")
    monkeypatch.setattr(sys, "displayhook", sys.displayhook)  # a shell puts its own there
    monkeypatch.setattr(builtins, "display", None, raising=False)

    def run(name, data):
        if data is None:
            monkeypatch.delenv("JSLAYER_DATA", raising=False)
        else:
            monkeypatch.setenv("JSLAYER_DATA", str(data))
        shell = shells.InteractiveShell(config=Config({"HistoryManager": {"enabled": False}}))
        with jax.numpy_dtype_promotion("standard"), warnings.catch_warnings():
            warnings.simplefilter("default")
            with capture_output() as captured:
                for cell in read(FOLDER / f"{name}.ipynb").cells:
                    if cell.cell_type == "code":
                        shell.run_cell(cell.source).raise_error()
        pyplot.close("all")
        shell.reset(new_session=False)  # or its arrays stay as long as the process
        return captured.stdout

    return run


@pytest.mark.parametrize("name", [name for name in NAMES if name != "xor"])
@pytest.mark.slow
def test_runs_top_to_bottom(name, run_cells, tmp_path):
    named = Path(os.environ.get("JSLAYER_SHARED", FOLDER.parent.parent / "shared"))
    data = (named / "data").resolve()
    said = run_cells(name, data if data.is_dir() else None)
    assert said
    assert not any(str(folder) in said for folder in (data, tmp_path))


@pytest.mark.slow
@pytest.mark.parametrize("name,instead", [("oxford", "drawn raster"), ("nmnist", "moving bars")])
def test_takes_simulated_data_where_recordings_are_absent(name, instead, run_cells, tmp_path):
    assert instead in run_cells(name, tmp_path)


def test_the_runner_refuses_what_must_not_be_committed():
    pytest.importorskip("nbclient", reason="needs nbclient: extra notebooks")
    pytest.importorskip("PIL", reason="needs Pillow: extra viz")
    from notebooks import execute

    assert set(execute.names()) == set(NAMES)
    for line, refused in {
        f"see {HOMES[0]}somebody/network.net": True,
        f"File {HOMES[2]}ipykernel_12/34.py": True,
        str(FOLDER / "xor.ipynb"): True,
        "wrote network.net, 3 / 4 events": False,
        "https://colab.research.google.com/github/home/page": False,
    }.items():
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
        notebook.cells[0].outputs = [nbformat.v4.new_output("stream", text=line)]
        assert bool(execute.machine_paths(notebook)) == refused, line
