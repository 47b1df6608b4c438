"""Where jslayer lies and what it is called on an index: the one setting for all that names it.

Both are empty: no address is ours yet. After a change run ``python tools/addresses.py``, which
writes the notebooks and the README anew; error messages and the metadata of a build follow by
themselves.
"""

REPOSITORY = ""
"""Address of the repository, such as ``https://host/owner/jslayer``, without a slash at its end."""

NAME = ""
"""Name of the package on the index that ``pip`` asks."""

PACKAGES = {
    "viz": ("matplotlib", "pillow"),
    "camera": ("faery",),
    "detection": ("matplotlib", "pillow", "pycocotools"),
    "video": ("imageio-ffmpeg",),
    "notebooks": ("matplotlib", "pillow", "ipykernel", "nbclient", "nbformat"),
}
"""What the extras bring, by their names on the index."""


def install(extra: str) -> str:
    """The command that brings what an extra needs, for error messages.

    Args:
      extra: Name of the extra.

    Returns:
      A line for a shell. Without a name on an index it names the packages of others alone.

    Example:
      >>> print(install("camera"))
      pip install faery
    """
    if NAME:
        return f'pip install "{NAME}[{extra}]"'
    return f"pip install {' '.join(PACKAGES[extra])}"
