"""Files of PyTorch's, read without running what is in them."""

import math
import os
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

MOST_EXPANDED = 16
"""How much larger than a file the numbers in it may be."""


def on_host(tensor: Any) -> Any:
    """A tensor of PyTorch's as NumPy's, one of bfloat16, which NumPy has not, as float32."""
    tensor = tensor.detach().cpu()
    is_short = str(getattr(tensor, "dtype", "")).endswith("bfloat16")
    return (tensor.float() if is_short else tensor).numpy()


def read_state_dict(path: str | os.PathLike[str]) -> Mapping[str, Any]:
    """What ``torch.save(module.state_dict(), path)`` wrote; tensors by name.

    PyTorch's own errors stay hidden: one of them advises to run what is in the file.

    Raises:
      FileNotFoundError: there is no such file.
      ImportError: PyTorch is not installed.
      ValueError: the file holds something else, is damaged, or would take much more memory.
    """
    load, file = _loader(), Path(path)
    if not file.is_file():
        raise FileNotFoundError(
            f"`state_dict` is {path}, where there is no file, expected one of `torch.save`; check "
            "the name."
        )
    size = file.stat().st_size
    try:
        if zipfile.is_zipfile(file):
            with zipfile.ZipFile(file) as archive:
                _check_expanded(path, sum(entry.file_size for entry in archive.infolist()), size)
        found = load(path, map_location="cpu", weights_only=True)
    except (OSError, MemoryError, _Expanded):
        raise
    except Exception as error:
        raise ValueError(
            f"`state_dict` is {path}, which PyTorch cannot read as plain tensors "
            f"({type(error).__name__}), expected what `torch.save(module.state_dict(), ...)` "
            "writes; save that, or pass {name: array}."
        ) from None
    for name in ("state_dict", "model_state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(name), Mapping):
            found = found[name]
            break
    if isinstance(found, Mapping):
        # a tensor may say that it repeats a few numbers many times
        tensors = [value for value in found.values() if hasattr(value, "shape")]
        _check_expanded(path, sum(4 * math.prod(value.shape) for value in tensors), size)
    return found


class _Expanded(ValueError):
    """A file that holds more than its size can."""


def _check_expanded(path: str | os.PathLike[str], found: int, size: int) -> None:
    if found > MOST_EXPANDED * size:
        raise _Expanded(
            f"`state_dict` is {path}, whose {size} bytes expand to {found}, expected "
            f"{MOST_EXPANDED} times as many at most; save it again with `torch.save`."
        )


def _loader() -> Callable[..., Any]:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "`state_dict` names a file, which needs PyTorch to be read; install it, or pass "
            "{name: array} saved where it is installed."
        ) from error
    return torch.load
