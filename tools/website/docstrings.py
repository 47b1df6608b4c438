"""Docstrings and signatures as readers of the site need them."""

import dataclasses
import re
from typing import Any

import jax
from sphinx.application import Sphinx
from sphinx.domains.python import PyObject

WRITTEN, HEADING = "Keys of ``neuron_params``:", "Keys of neuron_params"
FLAX = re.compile(r",? ?parent=<[^<>]*>, name=None")
"""What Flax adds to the fields of a module, which nobody passes."""


def _sections(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Names headings so that Napoleon reads them: fields of a dataclass are arguments."""
    for number, line in enumerate(lines):
        if line == WRITTEN:
            lines[number] = f"{HEADING}:"
        elif line == "Attributes:" and dataclasses.is_dataclass(thing) and "Args:" not in lines:
            lines[number] = "Args:"


def _signature(
    app: Sphinx, what: str, name: str, thing: Any, options: Any, given: str, returns: str
) -> tuple[str, str] | None:
    return (FLAX.sub("", given), returns) if given and FLAX.search(given) else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Registers the extension."""
    app.connect("autodoc-process-docstring", _sections, priority=100)  # before Napoleon
    app.connect("autodoc-process-signature", _signature)
    app.config.napoleon_custom_sections = [(HEADING, "params_style")]
    jax.Array.__module__ = "jax"  # as users know it, not where it is written
    for field in PyObject.doc_field_types:
        if field.name == "variable":
            field.label = "Attributes"
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
