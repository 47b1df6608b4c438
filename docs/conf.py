"""Sphinx's settings; `python -m tools.website` puts the pages together and builds them."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from jslayer import __version__, _addresses  # noqa: E402

project = "jslayer"
author = "The jslayer authors"
copyright = "2026, the jslayer authors"
version = release = __version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
    "tools.website.docstrings",
    "tools.website.mathml",
]

# Notebooks are shown with the outputs they are kept with; the tests are what executes them.
nb_execution_mode = "off"
nb_merge_streams = True
myst_enable_extensions = ["colon_fence", "dollarmath"]
myst_heading_anchors = 3

# `name` in a docstring is a link where the name is documented, and code where it is not.
default_role = "py:obj"
add_module_names = False
toc_object_entries_show_parents = "hide"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
napoleon_numpy_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "sphinx_book_theme"
html_title = f"jslayer {release}"
html_static_path = ["static"]
html_css_files = ["website.css"]
html_copy_source = False
html_last_updated_fmt = ""
html_theme_options = {
    "home_page_in_toc": True,
    "navbar_persistent": [],
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
    "use_repository_button": bool(_addresses.REPOSITORY),
    **({"repository_url": _addresses.REPOSITORY} if _addresses.REPOSITORY else {}),
}
