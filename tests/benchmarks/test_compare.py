"""The comparison with other libraries: absent ones are named, present ones take turns."""

import sys

import pytest

from benchmarks import compare
from benchmarks.peers import worker


@pytest.mark.thorough
def test_an_absent_library_is_said_to_be_absent_and_jslayer_is_measured(capsys, tmp_path):
    compare.main(["--tiny", "--rounds", "1", "--only", "lava-dl", "--out", str(tmp_path / "it")])
    printed = capsys.readouterr().out
    assert "lava-dl: not importable here (ModuleNotFoundError: No module named 'lava')" in printed
    assert printed.count("| jslayer |") == 14
    for work in (
        worker.CUBA,
        worker.LIF,
        worker.LAYER,
        worker.SMALL,
        worker.RECURRENT,
        worker.KWTA,
    ):
        for way in (worker.FORWARD, worker.BOTH):
            assert f"### {work}, {way}" in printed
    assert "| library | first call, s | median, ms | min, ms | max, ms | over jslayer |" in printed
    assert f"| library | {worker.FORWARD}, MiB | {worker.BOTH}, MiB |" in printed
    assert (tmp_path / "it.md").read_text().strip() in printed


class Peer(compare.Peer):
    """Answers without a process."""

    def __init__(self, name, log, fails=()):
        super().__init__(name, [], None, cases=("work",))
        self.log, self.fails = log, fails

    def ask(self, case, what="time"):
        self.log.append(self.name)
        if case in self.fails:
            self.failed[case] = "it fell over"
            return None
        return 0.002 if self.name == "jslayer" else 0.006


def test_libraries_take_turns_and_one_that_fails_is_left_out():
    log = []
    peers = [Peer("jslayer", log), Peer("broken", log, ["work"]), Peer("other", log)]
    rows = compare.times(peers, "work", 2, 0.0)
    assert log == ["jslayer", "broken", "other"] + ["jslayer", "other"] * 2
    assert [row["library"] for row in rows] == ["jslayer", "other"]
    assert rows[1]["over jslayer"] == pytest.approx(3)
    assert peers[1].failed == {"work": "it fell over"}


def test_a_case_that_raises_is_an_answer_not_an_end(tmp_path, monkeypatch):
    script = tmp_path / "benchmarks" / "peers" / "bad.py"
    script.parent.mkdir(parents=True)
    script.write_text(
        "from benchmarks.peers import worker\n"
        "def fail():\n    raise ValueError('no such layer')\n"
        "def make(sizes):\n"
        "    print('a library talks')\n"
        "    return f'bad {sizes[\"n\"]}', {'good': int, 'bad': fail}\n"
        "worker.serve(make)\n"
    )
    source = compare.REPOSITORY / "benchmarks" / "peers" / "worker.py"
    script.with_name("worker.py").write_text(source.read_text())
    monkeypatch.setattr(compare, "REPOSITORY", tmp_path)
    monkeypatch.setitem(compare.PEERS, "bad", ("bad", {}))
    with compare.started("bad", sys.executable, {"n": 3}) as peer:
        assert (peer.version, peer.cases) == ("bad 3", ("good", "bad"))
        assert peer.ask("bad") is None
        assert peer.failed == {"bad": "ValueError: no such layer"}
        assert 0 <= peer.ask("good") < 1
        assert peer.ask("bad") is None


def test_a_process_that_dies_is_an_absent_library(monkeypatch):
    monkeypatch.setitem(compare.PEERS, "gone", ("no_such_peer", {}))
    with compare.started("gone", sys.executable, {}) as peer:
        assert "gone ended with code 1" in peer.error
        assert peer.cases == ()


@pytest.mark.parametrize("given", ["torch=/usr/bin/python3", "snntorch"])
def test_a_peer_that_is_none_is_refused(given, capsys):
    with pytest.raises(SystemExit) as stopped:
        compare.options(["--peer", given])
    assert stopped.value.code == 2
    assert f"`--peer` is {given}, expected NAME=PYTHON" in capsys.readouterr().err
