"""Frames as a small player for notebooks and browsers, with nothing to load from elsewhere."""

import base64
import html
import io
import json
import uuid
from collections.abc import Sequence

import numpy as np

from jslayer.ops import check

from . import style
from .files import PathLike, replacing
from .video import stack

_TEMPLATE = """\
<div id="@ID@" style="display:inline-block;font:12px sans-serif;color:#333;background:#fff">
<img alt="@ALT@" width="@WIDTH@" height="@HEIGHT@" style="display:block">
<div style="display:flex;gap:8px;align-items:center;padding:4px">
<button type="button" aria-label="play or pause">&#9208;</button>
<input type="range" min="0" max="@LAST@" value="0" style="flex:1" aria-label="frame">
</div></div>
<script>(function () {
  const box = document.getElementById("@ID@"), frames = @FRAMES@;
  const image = box.querySelector("img"), button = box.querySelector("button");
  const slider = box.querySelector("input");
  let timer = null;
  const show = (n) => { slider.value = n; image.src = "data:image/png;base64," + frames[n]; };
  const step = () => {
    if (!document.body.contains(box)) { clearInterval(timer); return; }
    show((Number(slider.value) + 1) % frames.length);
  };
  const pause = () => { clearInterval(timer); timer = null; button.innerHTML = "&#9654;"; };
  const play = () => { timer = setInterval(step, @INTERVAL@); button.innerHTML = "&#9208;"; };
  button.onclick = () => (timer === null ? play() : pause());
  slider.oninput = () => { pause(); show(Number(slider.value)); };
  show(0);
  play();
})();</script>
"""


class Player:
    """An animation with a slider and a button; a notebook shows it where a cell returns it.

    Args:
      frames: ``[frames, height, width, 3]`` uint8, or as many single frames.
      frame_rate: Frames per second.
      title: Text for readers who do not see the picture.

    Attributes:
      frames: ``[frames, height, width, 3]`` uint8.

    Raises:
      ImportError: Pillow is not installed.
      ValueError: There are no frames, or they differ in shape, or are no colour pictures.
      TypeError: The frames are not uint8.

    Example::

      jslayer.io.Player(jslayer.io.animate(events))
    """

    def __init__(
        self,
        frames: Sequence[np.ndarray] | np.ndarray,
        *,
        frame_rate: float = 12,
        title: str = "animation of events",
    ):
        check.positive("frame_rate", frame_rate)
        image = style.pillow_image()
        self.frames = stack(frames)
        self._interval = max(10, round(1000 / frame_rate))
        self._title = title
        self._encoded = []
        for frame in self.frames:
            buffer = io.BytesIO()
            # Few colours: a tenth of the bytes.
            image.fromarray(frame).quantize(64).save(buffer, format="PNG", optimize=True)
            self._encoded.append(base64.b64encode(buffer.getvalue()).decode("ascii"))

    def html(self) -> str:
        """Returns the player as a piece of HTML that can stand anywhere in a page."""
        height, width = self.frames.shape[1:3]
        values = {
            "ID": f"jslayer-{uuid.uuid4().hex}",
            "ALT": html.escape(self._title),
            "WIDTH": str(width),
            "HEIGHT": str(height),
            "LAST": str(len(self.frames) - 1),
            "INTERVAL": str(self._interval),
            "FRAMES": json.dumps(self._encoded),
        }
        text = _TEMPLATE
        for name, value in values.items():
            text = text.replace(f"@{name}@", value)
        return text

    def save(self, path: PathLike) -> None:
        """Writes a page with the player alone.

        Args:
          path: The file, replaced only when all is well.

        Raises:
          FileNotFoundError: The folder does not exist.
        """
        head = f'<!doctype html><meta charset="utf-8"><title>{html.escape(self._title)}</title>\n'
        with replacing(path) as file:
            file.write((head + self.html()).encode("utf-8"))

    def _repr_html_(self) -> str:
        return self.html()
