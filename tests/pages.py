"""Pages with Python blocks, each followed by a ``text`` block that says what it prints."""

import contextlib
import doctest
import io
import re
from pathlib import Path

import jax

BLOCK = re.compile(r"```python\n(.*?)```(?:\s*```text\n(.*?)```)?", re.DOTALL)
SAME = doctest.OutputChecker().check_output
LOOSELY = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def run(page: Path) -> dict:
    """Runs the blocks of a page one after the other and compares what they print.

    ``...`` on the page stands for anything, as in a doctest.

    Args:
      page: A Markdown file.

    Returns:
      The names that the blocks left behind.
    """
    names = {"__name__": "page"}
    with jax.numpy_dtype_promotion("standard"):  # what a user has
        for number, (source, said) in enumerate(BLOCK.findall(page.read_text("utf-8"))):
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile(source, f"{page.name} block {number}", "exec"), names)
            assert SAME(said, printed.getvalue(), LOOSELY), (
                f"{page.name}, block {number} prints\n{printed.getvalue()}and the page says\n{said}"
            )
    return names
