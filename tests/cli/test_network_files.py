"""The command line: what it prints, writes and returns, and how it says no."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

from jslayer import hdf5
from jslayer.cli.main import main
from tests.hdf5.files import CUBA, SDNN, conv, dense, even, layer, written


@pytest.fixture
def network(tmp_path):
    """A network file of two layers."""
    quick = CUBA | {"vThMant": 20}
    return written(tmp_path / "a.net", [dense(4, 3, quick), dense(2, 4, quick)])


@pytest.fixture
def x(tmp_path):
    """Events for it, and the file that holds them."""
    events = np.random.default_rng(0).integers(0, 2, (2, 3, 20))
    np.save(tmp_path / "x.npy", events)
    return events


def test_info_prints_a_table(network, capsys):
    assert main(["info", str(network)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["layer", "type", "shape"]
    assert lines[-1] == "6 neurons, 20 synapses"


def test_info_prints_json(network, capsys):
    assert main(["info", str(network), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["layers"][1]["synapses"] == 8


def test_run_writes_what_inference_gives(network, x, tmp_path, capsys):
    arguments = ["run", network, "--input", tmp_path / "x.npy", "--output", tmp_path / "y.npy"]
    assert main([*map(str, arguments), "--layers", str(tmp_path / "all")]) == 0
    found = hdf5.inference(network)(x, layers="all", record="all")
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), found[1]["spike"])
    assert sorted(os.listdir(tmp_path / "all")) == sorted(
        f"layer-{n}-{name}.npy" for n in (0, 1) for name in ("spike", "current", "voltage")
    )
    voltage = np.load(tmp_path / "all/layer-0-voltage.npy")
    np.testing.assert_array_equal(voltage, found[0]["voltage"])
    assert capsys.readouterr() == ("", "")


def test_run_holds_encodes_and_takes_the_clients_layout(tmp_path):
    image = layer("input", (2, 5, 4), SDNN, weight=np.float32([40]), bias=np.float32([36]))
    path = written(tmp_path / "a.net", [image, conv((3, 4, 3), even(3, 2, 2, 2), SDNN)])
    frame = np.random.default_rng(1).uniform(-1, 1, (4, 5, 2))
    np.save(tmp_path / "x.npy", frame)
    arguments = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")]
    options = ["--steps", "4", "--layout", "client", "--encode"]
    assert main(["run", str(path), *arguments, *options]) == 0
    network = hdf5.inference(path, layout="client")
    expected = network(network.encode(frame), steps=4)[1]["spike"]
    np.testing.assert_array_equal(np.load(tmp_path / "y.npy"), expected)
    assert expected.shape == (3, 4, 3, 4)


@pytest.mark.parametrize("command", ["info", "diff", "run"])
def test_files_that_would_expand_are_read_when_asked_for(command, network, x, tmp_path, capsys):
    more = {"info": [], "diff": [network], "run": ["--input", tmp_path / "x.npy"]}[command]
    more += ["--output", tmp_path / "y.npy"] if command == "run" else []
    arguments = [command, *map(str, [network, *more]), "--max-bytes"]
    assert main([*arguments, "100"]) == 2
    assert "would expand a file of" in capsys.readouterr().err
    assert main([*arguments, "10000"]) == 0


def test_warnings_become_notes(tmp_path, capsys):
    path = written(tmp_path / "a.net", [dense(4, 3, CUBA | {"gradedSpike": True})])
    np.save(tmp_path / "x.npy", np.ones((1, 3, 5)))
    arguments = ["--input", str(tmp_path / "x.npy"), "--output", str(tmp_path / "y.npy")]
    assert main(["run", str(path), *arguments]) == 0
    assert "note: " in capsys.readouterr().err


def test_diff_returns_whether_files_differ(network, tmp_path, capsys):
    other = written(tmp_path / "b.net", [dense(4, 3), dense(2, 4)])
    assert main(["diff", str(network), str(network)]) == 0
    assert capsys.readouterr().out == "no difference\n"
    assert main(["diff", str(network), str(other)]) == 1
    assert "layer/0/neuron/vThMant: 1 of 1 numbers differ, by up to 60" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["info", "none.net"], "none.net: No such file or directory"),
        (["info", "."], "`path` is the folder ., expected a network file"),
        (["info", "x.npy"], "x.npy: the file begins with"),
        (["diff", "a.net", "none.net"], "none.net: No such file or directory"),
        (["run", "a.net", "--input", "none.npy", "--output", "y.npy"], "none.npy: No such file"),
        (["run", "a.net", "--input", "a.net", "--output", "y.npy"], "`--input` a.net cannot be r"),
        (["run", "a.net", "--input", "x.npz", "--output", "y.npy"], "`--input` x.npz holds severa"),
        (["run", "a.net", "--input", "o.npy", "--output", "y.npy"], "`--input` o.npy cannot be re"),
        (
            ["run", "a.net", "--input", "z.npy", "--output", "y.npy"],
            "`--input` z.npy holds several",
        ),
        (
            ["run", "a.net", "--input", "s.npy", "--output", "y.npy"],
            "numbers of dtype [('a', '<f4')",
        ),
        (
            ["run", "a.net", "--input", "h.npy", "--output", "y.npy"],
            "of uint8, more than the 128 bytes",
        ),
        (
            ["run", "a.net", "--input", ".", "--output", "y.npy"],
            "`--input` . is a folder, a pipe or",
        ),
        (["run", "a.net", "--input", "p.npy", "--output", "y.npy"], "p.npy is a folder, a pipe or"),
        (["run", "a.net", "--input", "e.npy", "--output", "y.npy"], "`x` has shape (0, 3, 20)"),
        (["run", "a.net", "--input", "t.npy", "--output", "y.npy"], "`x` has shape (2, 3, 0)"),
        (
            ["run", "a.net", "--input", "x.npy", "--output", "no/y.npy"],
            "whose folder does not exis",
        ),
        (
            ["run", "a.net", "--input", "x.npy", "--output", "y.npy", "--steps", "99"],
            "`steps` is 99",
        ),
        (["run", "a.net", "--input", "x.npy", "--output", "y.npy", "--encode"], "expected input;"),
        (
            ["run", "a.net", "--input", "x.npy", "--output", "y.npy", "--layers", "a.net"],
            "a.net: File exists",
        ),
    ],
)
def test_errors_are_one_line_and_code_2(
    arguments, sentence, network, x, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "x.npz", a=x)
    np.save(tmp_path / "o.npy", np.array([{}], object), allow_pickle=True)
    (tmp_path / "z.npy").write_bytes((tmp_path / "x.npz").read_bytes())
    np.save(tmp_path / "s.npy", np.zeros((2, 3, 20), [("a", "f4")]))
    np.save(tmp_path / "h.npy", np.zeros(0, np.uint8))
    header = (tmp_path / "h.npy").read_bytes()
    (tmp_path / "h.npy").write_bytes(header.replace(b"(0,), }   ", b"(9999,), }"))
    os.mkfifo(tmp_path / "p.npy")
    np.save(tmp_path / "e.npy", np.zeros((0, 3, 20)))
    np.save(tmp_path / "t.npy", np.zeros((2, 3, 0)))
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("jslayer: ")
    assert sentence in err
    assert err.count("\n") == 1
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".part")]


@pytest.mark.parametrize("arguments", [[], ["info"], ["run", "a.net"], ["other"]])
def test_wrong_usage_ends_with_code_2(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: jslayer" in capsys.readouterr().err


def test_the_module_runs_and_a_closed_pipe_is_no_traceback(network):
    command = [sys.executable, "-m", "jslayer", "info", str(network)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("synapses\n")
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")
