"""Links of the repository's pages, as those of the site."""

import posixpath
import re
from collections.abc import Mapping

LINK = re.compile(r"(?P<picture>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s]+)\)")
"""A link or picture of Markdown."""


def rewritten(text: str, page: str, places: Mapping[str, str], repository: str) -> str:
    """A page whose links lead to pages of the site.

    Args:
      text: The page, as Markdown or as the JSON of a notebook.
      page: Its path in the repository.
      places: The site's path of every path of the repository that the site has.
      repository: Address of the repository, or ``""``.

    Returns:
      The page. A link to a file that the site does not have leads to the repository, or, without
      an address of it, is plain text.

    Example:
      >>> places = {"docs/a.md": "a.md", "notebooks/b.ipynb": "notebooks/b.ipynb"}
      >>> rewritten("[b](../notebooks/b.ipynb#c), [d](d.py)", "docs/a.md", places, "")
      '[b](notebooks/b.ipynb#c), d'
    """
    here = posixpath.dirname(places[page])

    def new(match: re.Match[str]) -> str:
        target = match["target"]
        if re.match(r"[a-z]+:|#", target):
            return match[0]
        path, mark, anchor = target.partition("#")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(page), path))
        if path in places:
            place = posixpath.relpath(places[path], here or ".")
            return f"{match['picture']}[{match['text']}]({place}{mark}{anchor})"
        if repository:
            return f"[{match['text']}]({repository}/blob/main/{path})"
        return match["text"]

    return LINK.sub(new, text)
