"""Frames to a file and back: GIF by Pillow, MP4 by the program ffmpeg."""

import io
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from jslayer._addresses import install
from jslayer.ops import check

from . import style
from .files import PathLike, existing, replacing


def save_gif(
    frames: Sequence[np.ndarray] | np.ndarray,
    path: PathLike,
    *,
    frame_rate: float = 12,
    loop: bool = True,
) -> None:
    """Writes frames to a GIF file.

    Args:
      frames: ``[frames, height, width, 3]`` uint8, or as many single frames.
      path: The file, replaced only when all is well.
      frame_rate: Frames per second. A GIF counts in hundredths of a second, so that the rate is
        rounded to ``100 / n``, 50 at most.
      loop: Start again at the end, for ever.

    Raises:
      ImportError: Pillow is not installed.
      ValueError: There are no frames, or they differ in shape, or are no colour pictures.
      TypeError: The frames are not uint8.
    """
    check.positive("frame_rate", frame_rate)
    image = style.pillow_image()
    array = stack(frames)
    # One palette for all frames: with one each, still parts of the picture would flicker.
    sample = array[:: max(1, len(array) // 8)]
    palette = image.fromarray(sample.reshape(-1, *array.shape[2:])).quantize(colors=128)
    pictures = [
        image.fromarray(frame).quantize(palette=palette, dither=image.Dither.NONE)
        for frame in array
    ]
    buffer = io.BytesIO()
    pictures[0].save(
        buffer,
        format="GIF",
        save_all=True,
        append_images=pictures[1:],
        duration=10 * max(2, round(100 / frame_rate)),
        optimize=False,
        **({"loop": 0} if loop else {}),
    )
    with replacing(path) as file:
        file.write(buffer.getvalue())


def save_mp4(
    frames: Sequence[np.ndarray] | np.ndarray, path: PathLike, *, frame_rate: float = 12
) -> None:
    """Writes frames to an MP4 file (H.264), by way of ffmpeg: installed, or that of imageio-ffmpeg.

    Args:
      frames: ``[frames, height, width, 3]`` uint8, or as many single frames. An odd height or
        width gets one more row or column, a copy of the last, which the format asks for.
      path: The file, replaced only when all is well.
      frame_rate: Frames per second.

    Raises:
      FileNotFoundError: There is no program ffmpeg, on the search path or in imageio-ffmpeg.
      RuntimeError: ffmpeg failed.
      ValueError: There are no frames, or they differ in shape, or are no colour pictures.
      TypeError: The frames are not uint8.
    """
    check.positive("frame_rate", frame_rate)
    array = stack(frames)
    program = _ffmpeg("Writing MP4", "save a .gif or .html file")
    array = np.pad(
        array, [(0, 0), (0, array.shape[1] % 2), (0, array.shape[2] % 2), (0, 0)], "edge"
    )
    height, width = array.shape[1:3]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "made.mp4"
        command = [program, "-loglevel", "error", "-f", "rawvideo", "-pix_fmt", "rgb24"]
        command += ["-s", f"{width}x{height}", "-r", f"{frame_rate:g}", "-i", "-", "-an"]
        # yuv420p and a leading index: what every browser plays, from the first byte on.
        command += ["-c:v", "libx264", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(made)]
        done = subprocess.run(command, input=array.tobytes(), capture_output=True, check=False)
        if done.returncode or not made.exists():
            reason = done.stderr.decode(errors="replace").strip()
            raise RuntimeError(
                f"`frames` could not be written, for ffmpeg says {reason!r}, expected an ffmpeg "
                "with libx264; install one, or save a .gif file."
            )
        data = made.read_bytes()
    with replacing(path) as file:
        file.write(data)


def read_video(path: PathLike, size: tuple[int, int], *, most: int | None = None) -> np.ndarray:
    """Reads the frames of a video, scaled to one size, by way of ffmpeg.

    Args:
      path: A file that ffmpeg reads.
      size: Height and width of the frames to return.
      most: Read so many frames at most; ``None``: all.

    Returns:
      ``[frames, height, width, 3]`` uint8.

    Raises:
      FileNotFoundError: There is no such file, or no program ffmpeg.
      ValueError: ffmpeg cannot read the file, or it holds no frame.
    """
    source, (height, width) = existing(path), size
    program = _ffmpeg(f"Reading {source}", "unpack its frames to files of pictures")
    command = [program, "-loglevel", "error", "-nostdin", "-i", str(source.absolute()), "-an"]
    command += [] if most is None else ["-frames:v", str(most)]
    command += ["-vf", f"scale={width}:{height}", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    done = subprocess.run(command, capture_output=True, check=False)
    frame = height * width * 3
    if done.returncode or len(done.stdout) < frame:
        reason = done.stderr.decode(errors="replace").strip()[-200:] or "it holds no frame"
        raise ValueError(
            f"`path` is {source}, which ffmpeg cannot read ({reason!r}), expected a video; check "
            "the file."
        )
    whole = len(done.stdout) // frame
    return np.frombuffer(done.stdout, np.uint8, whole * frame).reshape(whole, height, width, 3)


def _ffmpeg(purpose: str, instead: str) -> str:
    """Finds the program ffmpeg, or else that of the package imageio-ffmpeg.

    Args:
      purpose: What needs it.
      instead: What to do without it.
    """
    if program := shutil.which("ffmpeg"):
        return program
    try:
        import imageio_ffmpeg

        return str(imageio_ffmpeg.get_ffmpeg_exe())
    except (ImportError, RuntimeError):
        raise FileNotFoundError(
            f"{purpose} needs the program ffmpeg, which is not on the search path, expected it "
            "there; install it with the system's packages or by "
            f"{install('video')}, or {instead}."
        ) from None


def stack(frames: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """Returns ``[frames, height, width, 3]`` uint8; raises unless ``frames`` are just that."""
    shapes = {np.shape(frame) for frame in frames}
    if len(shapes) != 1 or len(shape := shapes.pop()) != 3 or shape[-1] != 3 or 0 in shape:
        raise ValueError(
            f"`frames` has {len(frames)} frames of the wrong shape, expected at least one, all of "
            "the same [height, width, 3]; stack colour pictures of one size."
        )
    array = np.asarray(frames)
    if array.dtype != np.uint8:
        raise TypeError(
            f"`frames` has dtype {array.dtype}, expected uint8; scale to 0 .. 255 and convert."
        )
    return array
