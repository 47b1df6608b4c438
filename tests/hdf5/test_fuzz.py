"""Mutated files: each reads, or is refused with one clear error; no crash, no hang."""

import pytest

from jslayer import hdf5
from tools.fuzz_network_file import CHANGES, fuzz, judged, mutated, samples


def test_the_samples_are_valid(tmp_path):
    kinds, neurons = set(), set()
    for content in samples():
        (tmp_path / "a.net").write_bytes(content)
        assert judged(tmp_path / "a.net") == "read"
        for layer in hdf5.read(tmp_path / "a.net").layers:
            kinds.add(layer.type)
            neurons.add(layer.neuron.type if layer.neuron else None)
    assert len(kinds) == 10
    assert len(neurons) == 7


def test_a_mutation_can_be_made_again(tmp_path):
    files = samples()
    for number in range(20):
        kinds = {mutated(number, files, tmp_path / "a.net") for _ in range(2)}
        assert len(kinds) == 1


@pytest.mark.slow
def test_hundreds_of_mutations_read_or_are_refused():
    tally = fuzz(first=1_000_000, mutations=250)  # more by the script itself
    assert tally.bad == []
    assert sum(tally.verdicts.values()) == 250
    assert tally.verdicts["NetworkFileError"] > 100
    assert tally.verdicts["read"] > 25
    assert len(CHANGES) >= 10
