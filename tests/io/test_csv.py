"""Events as text: columns by name or by order, and lines that are no events."""

import random
import re

import numpy as np
import pytest

from jslayer import io

ROWS = "1000,5,7,1\n2500,6,8,0\n"


def written(folder, text):
    path = folder / "a.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (ROWS, None),
        ("t,x@34,y@34,on\n" + ROWS, None),  # as faery writes it
        ("# made by hand\n\nTimestamp [us],X,Y,Polarity\n" + ROWS, None),
        ('"x";"y";"p";"t_us"\n5;7;1;1000\n6;8;-1;2500\n', None),
        ("5 7 true 1000\n6 8 false 2500", "xypt"),
        ("number\ttime\tx\ty\tp\n0\t1000\t5\t7\t1.0\n1\t2500\t6\t8\t0.0\n", None),
        ("a,b,c,d\n5,7,1,1000\n6,8,0,2500\n", "xypt"),
        ("9,5,7,1,1000\n9,6,8,0,2500\n", "-xypt"),
    ],
)
def test_columns_are_found_by_name_or_by_order(text, columns, tmp_path):
    event = io.read_csv(written(tmp_path, text), columns=columns)
    for name, wanted in (("t", [1.0, 2.5]), ("x", [5, 6]), ("y", [7, 8]), ("c", [1, 0])):
        np.testing.assert_array_equal(getattr(event, name), wanted)
    if columns is None:
        assert len(io.read(tmp_path / "a.csv")) == 2
    assert io.read_csv(tmp_path / "a.csv", columns=columns, first_at_zero=True).t[0] == 0


@pytest.mark.parametrize("text", ["", "t,x,y,p\n", "# nothing\n"])
def test_a_file_without_events_is_an_empty_set(text, tmp_path):
    assert len(io.read(written(tmp_path, text))) == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5,7,1,1000\n", "polarity of 0 or 1"),  # x, y, p, t without names
        ("1000,5,7\n", "expected an event"),
        ("1000,-5,7,1\n", "a pixel from 0"),
        ("1000,5.5,7,1\n", "a pixel from 0"),
        ("nan,5,7,1\n", "finite"),
        ("t,x,y,p\n1000,5,7,1\nend\n", "'end'"),
        ("when,x,y,p\n" + ROWS, "expected t, x, y and p among them"),
        ("\x00\xff\x1b[31m,1,2,3\n", "expected an event"),
    ],
)
def test_what_is_no_event_is_refused_and_named(text, words, tmp_path):
    with pytest.raises(ValueError, match=r"`path` is .*a\.csv") as caught:
        io.read(written(tmp_path, text))
    assert words in str(caught.value)
    assert str(caught.value).isprintable()


def test_whatever_bytes_change_it_reads_or_is_refused(tmp_path):
    draw, text, path = random.Random(0), ("t,x,y,on\n" + ROWS).encode(), tmp_path / "a.csv"
    counts = {"read": 0, "refused": 0}
    for _ in range(300):
        content = bytearray(text)
        likely = draw.choice([b"0123456789", bytes(range(256))])
        for _ in range(draw.randrange(1, 4)):
            content[draw.randrange(9, len(content))] = draw.choice(likely)
        path.write_bytes(content)
        try:
            io.read(path)
            counts["read"] += 1
        except ValueError as error:
            assert str(error).isprintable() and len(str(error)) < 700
            counts["refused"] += 1
    assert min(counts.values()) > 20


def test_bad_arguments_are_refused(tmp_path):
    path = written(tmp_path, ROWS)
    with pytest.raises(ValueError, match="`columns` is 'xyt', expected t, x, y and p once each"):
        io.read_csv(path, columns="xyt")
    with pytest.raises(ValueError, match="expected at most 3; pass a larger `max_bytes`"):
        io.read_csv(path, max_bytes=3)


def test_the_error_for_a_suffix_says_what_there_is_and_what_it_needs(tmp_path):
    with pytest.raises(ValueError, match=r"\.csv \(\.raw, \.aedat4, \.es with the extra camera\)"):
        io.read(tmp_path / "a.mat")


def test_the_table_of_formats_names_every_suffix():
    from jslayer.io.read import EXTRAS, SUFFIXES

    rows = [line for line in io.read.__doc__.splitlines() if line.startswith("    ``.")]
    for suffix in SUFFIXES:
        (row,) = [row for row in rows if suffix in re.findall(r"\.[a-z0-9]+", row.split("  ")[2])]
        assert row.rstrip().endswith("extra camera" if suffix in EXTRAS else "nothing")
