"""Events, bins and files against the recorded numbers, driven by the manifest alone."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from jslayer import io

SHARED = Path(os.environ.get("JSLAYER_SHARED", Path(__file__).parents[2].parent / "shared"))
GOLDEN = SHARED / "golden"
MANIFEST = GOLDEN / "manifest_io.json"

if not MANIFEST.is_file():
    pytest.skip(
        f"golden numbers are absent: no {MANIFEST}; set JSLAYER_SHARED", allow_module_level=True
    )

CASES = {case["id"]: case for case in json.loads(MANIFEST.read_text())["cases"]}


class Case:
    """One case: its settings and arrays; notes which arrays were compared or used."""

    def __init__(self, entry):
        self.id, self.config, self.names = entry["id"], entry["config"], set(entry["arrays"])
        self._file = np.load(GOLDEN / entry["file"])
        self.used = set()

    def has(self, name):
        return name in self.names

    def __getitem__(self, name):
        self.used.add(name)
        return self._file[f"{self.id}/{name}"]

    def event(self, group, **kwargs):
        x, y, c, t, p = (
            self[f"{group}/{k}"] if self.has(f"{group}/{k}") else None for k in "xyctp"
        )
        return io.Event(x, y, c, t, p, **kwargs)

    def equals(self, group, event):
        for k in "xyctp":
            got = getattr(event, k)
            if self.has(f"{group}/{k}"):
                np.testing.assert_array_equal(got, self[f"{group}/{k}"])
            else:
                assert got is None or (group == "read" and not self.has("read/x"))


def binning(case):
    if case.has("given/t"):
        given = case.event("given", shift_channel=True)
        case.equals("event", given)
        fill = dict(case.config["fill"])
        tensor = np.zeros(fill.pop("shape"))
        np.testing.assert_array_equal(given.fill_tensor(tensor, **fill), case["fill"])
        return
    event = case.event("event")
    # The reference keeps the last graded event of a bin, which has its own mode here.
    mode = "LAST" if case.config["graded"] else "OR"
    for i, arguments in enumerate(case.config["to_tensor"]):
        tensor = event.to_tensor(**arguments, binning_mode=mode)
        np.testing.assert_array_equal(tensor, case[f"to_tensor/{i}"])
    for i, fill in enumerate(case.config["fill"]):
        arguments = dict(fill)
        shape = arguments.pop("shape")
        intended = event.fill_tensor(np.zeros(shape), **arguments)
        np.testing.assert_array_equal(intended, case[f"fill/{i}/intended"])
        last = event.fill_tensor(np.zeros(shape), **(arguments | {"binning_mode": "LAST"}))
        np.testing.assert_array_equal(last, case[f"fill/{i}/reference"])


def tensor_to_event(case):
    sampling_time = case.config["sampling_time"]
    event = io.tensor_to_event(case["tensor"], sampling_time)
    case.equals("event", event)
    assert (event.p is not None) == case.config["graded"]
    np.testing.assert_array_equal(event.to_tensor(sampling_time), case["back"])


def files(case, folder):
    path = GOLDEN / case.config["file"]
    read = io.read(path)
    case.equals("read", read)
    written = folder / path.name
    dims = "" if path.suffix == ".npy" else f"{read.num_dims}d"
    encode = {"": io.encode_np_spikes, "1d": io.encode_1d_spikes, "2d": io.encode_2d_spikes}[dims]
    if case.has("event/t"):
        encode(written, case.event("event"))
        assert written.read_bytes() == path.read_bytes()
    if case.has("bytes"):
        np.testing.assert_array_equal(np.frombuffer(written.read_bytes(), np.uint8), case["bytes"])
    if case.has("reference/bytes"):
        theirs, ours = case["reference/bytes"].reshape(-1, 5), case["bytes"].reshape(-1, 5)
        assert (theirs[:, 0] == 0).all()
        np.testing.assert_array_equal(theirs[:, 1:], ours[:, 1:])
    if case.has("array"):
        np.testing.assert_array_equal(np.load(written), case["array"])
    if case.has("read_us/t"):
        case.equals("read_us", io.read_np_spikes(path, fmt=case.config["fmt"], time_unit=1e-6))
    if case.has("bin"):
        np.testing.assert_array_equal(np.round(read.t).astype(int), case["bin"])
        dim = (int(read.c.max()) + 1, int(read.x.max()) + 1, int(case["bin"].max()) + 1)
        filled = np.flatnonzero(read.to_tensor(dim=dim).any(axis=(0, 1)))
        np.testing.assert_array_equal(filled, np.unique(case["bin"]))


def adapter(name):
    for prefix in ("io.bin.", "io.tensor_to_event.", "io.file."):
        if name.startswith(prefix):
            return prefix
    return None


@pytest.mark.parametrize("name", CASES)
def test_every_recorded_number_is_reproduced(name, tmp_path):
    case = Case(CASES[name])
    prefix = adapter(name)
    if prefix is None:
        pytest.fail(f"no adapter for the case {name}")
    if prefix == "io.bin.":
        binning(case)
    elif prefix == "io.tensor_to_event.":
        tensor_to_event(case)
    else:
        files(case, tmp_path)
    assert case.used == case.names, f"not looked at: {sorted(case.names - case.used)}"


def test_every_file_beside_the_manifest_is_in_a_case():
    named = {case["config"].get("file") for case in CASES.values()} - {None}
    events = {p.name for p in GOLDEN.glob("io_*") if p.suffix in (".bs1", ".bs2", ".npy")}
    assert events == named
