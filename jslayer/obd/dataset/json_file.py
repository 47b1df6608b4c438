"""Files of JSON, read with errors that say which file is broken."""

import json
from pathlib import Path
from typing import Any

from jslayer.io.text import shown


def read_json(path: Path, expected: type, what: str) -> Any:
    """Reads a file of JSON.

    Args:
      path: The file.
      expected: ``dict`` or ``list``, its outermost value.
      what: What it should hold, for the error.

    Raises:
      FileNotFoundError: There is no such file.
      ValueError: It is no JSON, or something else.
    """
    if not path.is_file():
        raise FileNotFoundError(f"`root` lacks {path}, expected {what}; restore that file.")
    try:
        content = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"`root` has {path}, which is no JSON ({shown(error)}); restore it."
        ) from None
    if not isinstance(content, expected):
        raise ValueError(
            f"`root` has {path} with a {type(content).__name__}, expected {what}; restore it."
        )
    return content
