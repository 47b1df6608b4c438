"""Arguments are those of the old library, but for what the migration page lists."""

import fnmatch
import functools
import inspect
import json
from pathlib import Path

import pytest

import jslayer

FACTS = Path(__file__).parent / "data" / "reference_signatures.json"
REFERENCE = json.loads(FACTS.read_text("utf-8"))["signatures"]
PAGE = Path(__file__).parent.parent / "notebooks" / "from_lava_dl.ipynb"
HEADING = "## Signatures that differ"


def parsed(text):
    """Names and defaults of ``a, b=1``; no default is the class `inspect.Parameter.empty`."""
    space = {}
    exec(f"def function({text}): pass", space)
    parameters = inspect.signature(space["function"]).parameters.values()
    return {parameter.name: parameter.default for parameter in parameters}


def written(name, default):
    return name if default is inspect.Parameter.empty else f"{name}={default!r}"


def ours(name):
    """Our parameters, without ``self``."""
    found = functools.reduce(getattr, name.split("."), jslayer)
    parameters = list(inspect.signature(found).parameters.values())
    return parameters[1:] if parameters[0].name == "self" else parameters


def differences(name):
    """What an argument of the old library is here, where it is not the same: both as text."""
    theirs, here = parsed(REFERENCE[name]), ours(name)
    rows = [p for p in here if p.kind is not inspect.Parameter.KEYWORD_ONLY]
    names = {parameter.name: parameter for parameter in here}
    place, gone = 0, 0
    for place, (argument, default) in enumerate(theirs.items()):
        found, at = names.get(argument), place - gone
        if found is None and at < len(rows) and rows[at].name not in theirs:
            found = rows[at]
            yield written(argument, default), written(found.name, found.default)
        elif found is None:
            gone += 1
            yield written(argument, default), "none"
        elif found not in rows:
            gone += 1
            yield written(argument, default), f"{written(argument, found.default)} by keyword"
        else:
            assert rows[at] is found, f"{name}: {argument} is at another place"
            if not same(found.default, default):
                yield written(argument, default), written(argument, found.default)


def same(a, b):
    if callable(a) or callable(b) or isinstance(a, bool) or isinstance(b, bool):
        return a is b
    return a == b and (a is None) == (b is None)


def listed():
    """The rows of the table: pattern of names, theirs and ours."""
    cells = json.loads(PAGE.read_text("utf-8"))["cells"]
    (page,) = [text for c in cells if HEADING in (text := "".join(c["source"]))]
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("|")]
    return [tuple(cell.replace("`", "") for cell in row[:3]) for row in rows[2:]]


TABLE = listed()


@pytest.mark.parametrize("name", REFERENCE)
def test_arguments_are_those_of_the_old_library(name):
    for theirs, here in differences(name):
        known = [row for row in TABLE if fnmatch.fnmatch(name, row[0]) and row[1] == theirs]
        assert [row[2] for row in known] == [here], f"{name}: {theirs} is {here} here"


@pytest.mark.parametrize("row", TABLE, ids=" ".join)
def test_what_the_page_lists_is_a_difference(row):
    pattern, theirs, here = row
    matching = fnmatch.filter(REFERENCE, pattern)
    assert any((theirs, here) in differences(name) for name in matching)


def test_losses_by_position_are_those_of_the_old_library():
    assert jslayer.loss.SpikeMax(5, "softmax", "mean") == jslayer.loss.SpikeMax(
        moving_window=5, mode="softmax", reduction="mean"
    )
    assert jslayer.loss.SpikeMoid(5, "mean", 2.0, 0.5) == jslayer.loss.SpikeMoid(
        moving_window=5, reduction="mean", alpha=2.0, theta=0.5
    )
