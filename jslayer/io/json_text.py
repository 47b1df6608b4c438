"""JSON from files that anyone may have written."""

import json
from typing import Any

from .text import shown


def parse(content: bytes | str, *, source: str, expected: str) -> Any:
    """What a JSON text says.

    Args:
      content: The text.
      source: Where it is from, as an error begins: "`path` is ...".
      expected: What it should have been, for the error.

    Raises:
      ValueError: It is no JSON, or nested too deep to be read.
    """
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise ValueError(
            f"{source}, which holds no JSON ({shown(error)}), expected {expected}; check the name."
        ) from error
