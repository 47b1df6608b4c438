"""A small picture for every notebook: one of those that it shows."""

import base64
import io
import json
from pathlib import Path

from jslayer.io import style

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
CHOSEN = {
    "dynamics": 0,
    "from_lava_dl": 0,
    "functional": 2,
    "nmnist": 0,
    "oxford": 2,
    "pilotnet_sdnn": 0,
    "sigma_delta_yolo": 0,
    "xor": 3,
}
"""Number of the picture among those of the notebook."""
SIDE = 280
"""Pixels of the longer side."""


def pictures(path: Path) -> list[bytes]:
    """The PNG files in the outputs of a notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    found = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    return [base64.b64decode("".join(data["image/png"])) for data in found if "image/png" in data]


def draw(folder: Path) -> list[Path]:
    """Writes a small picture of every notebook; returns the files."""
    image, files = style.pillow_image(), []
    for name, number in CHOSEN.items():
        files.append(folder / f"notebook_{name}.png")
        there = pictures(NOTEBOOKS / f"{name}.ipynb")
        with image.open(io.BytesIO(there[number])) as opened:
            small = opened.convert("RGB")
        small.thumbnail((SIDE, SIDE))
        small.quantize(64).save(files[-1], optimize=True)
    return files
