"""Reading pictures that anyone may have made."""

from pathlib import Path
from typing import Any

from . import style
from .text import shown

FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "PPM", "TIFF", "GIF")
"""Formats that are decoded; others run programs, or are rarely tried."""

MOST_PIXELS = 2**26


def read_rgb(path: Path) -> Any:
    """Reads a picture of a data set, as Pillow's in red, green and blue.

    Raises:
      FileNotFoundError: There is no such file.
      ImportError: Pillow is not installed.
      ValueError: It is no picture, a broken one, or one of too many pixels; names the file.
    """
    image = style.pillow_image()
    try:
        is_there = path.is_file()
    except OSError:  # e.g. a name that is too long
        is_there = False
    if not is_there:
        raise FileNotFoundError(
            f"`root` lacks {shown(path, 300)}, which the data set names, expected that picture; "
            "restore it."
        )
    try:
        with image.open(path, formats=FORMATS) as opened:
            if opened.width * opened.height > MOST_PIXELS:
                raise ValueError(f"{opened.width} x {opened.height} pixels")
            return opened.convert("RGB")
    except PermissionError:
        raise
    except Exception as error:  # of many kinds, by the format
        raise ValueError(
            f"`root` has {shown(path, 300)}, which is no picture or a broken one ({shown(error)}), "
            f"expected one of at most {MOST_PIXELS} pixels; restore it."
        ) from error
