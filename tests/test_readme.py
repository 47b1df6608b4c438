"""Every Python block of the README runs and keeps what the text says of it."""

import pytest

from tests import pages


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:layer:UserWarning")  # what inference tools do not know
def test_the_blocks_of_the_readme_run_and_print_what_it_says(repository, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = pages.run(repository / "README.md")
    assert names["accuracy"] > 0.9
    assert (tmp_path / "network.net").is_file()


def test_the_readme_has_no_gap(repository):
    assert "@@" not in (repository / "README.md").read_text()
