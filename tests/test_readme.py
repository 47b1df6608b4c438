"""Every Python block of the README runs and keeps what the text says of it."""

import re

import jax
import pytest


def blocks(repository):
    """The Python blocks of the README."""
    return re.findall(r"```python\n(.*?)```", (repository / "README.md").read_text(), re.DOTALL)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:layer:UserWarning")  # what inference tools do not know
@pytest.mark.parametrize("number", [0, 1])
def test_a_block_of_the_readme_runs(repository, number, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with jax.numpy_dtype_promotion("standard"):  # what a user has
        exec(compile(blocks(repository)[number], f"README block {number}", "exec"), {})
    if number == 0:
        accuracy = float(re.search(r"accuracy ([\d.]+)", capsys.readouterr().out)[1])
        assert accuracy > 0.9
        assert (tmp_path / "network.net").is_file()


def test_the_readme_has_no_block_that_no_test_runs(repository):
    assert len(blocks(repository)) == 2


def test_the_readme_has_no_gap(repository):
    assert "@@" not in (repository / "README.md").read_text()
