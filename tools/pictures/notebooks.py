"""A small picture for every notebook: one of those that it shows."""

import base64
import io
import json
from pathlib import Path

from jslayer.io import style

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHOSEN = {
    "dynamics": (4, (0, 0, 0.62, 1)),
    "from_lava_dl": (1, (0, 0, 1, 1)),
    "functional": (0, (0, 0, 1, 1)),
    "nmnist": (0, (0, 0, 0.5, 1)),
    "oxford": (2, (0, 0.5, 0.5, 1)),
    "pilotnet_sdnn": (0, (0.5, 0, 1, 1)),
    "sigma_delta_yolo": (3, (0, 0, 0.5, 1)),
    "xor": (2, (0, 0, 0.5, 1)),
}
"""Number of the picture among those of the notebook, and the part of it that is taken."""
SIDE = 240
"""Pixels of the longer side."""


def pictures(path: Path) -> list[bytes]:
    """The PNG files in the outputs of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    found = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    return [base64.b64decode("".join(data["image/png"])) for data in found if "image/png" in data]


def draw(folder: Path) -> list[Path]:
    """Writes a small picture of every notebook; returns the files."""
    image, files = style.pillow_image(), []
    for name, (number, part) in CHOSEN.items():
        files.append(folder / f"notebook_{name}.png")
        there = pictures(NOTEBOOKS / f"{name}.ipynb")
        with image.open(io.BytesIO(there[number])) as opened:
            sides = (*opened.size, *opened.size)
            cut = tuple(round(edge * side) for edge, side in zip(part, sides, strict=True))
            small = opened.convert("RGB").crop(cut)
        small.thumbnail((SIDE, SIDE))
        small.quantize(64).save(files[-1], optimize=True)
    return files
