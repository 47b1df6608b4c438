"""Where the files of N-MNIST come from.

The address is that of the authors' deposit, DOI 10.17632/468j46mzdv.1 (licence CC BY-SA 4.0); the
data set's home page is https://www.garrickorchard.com/datasets/n-mnist.
"""

from pathlib import Path

from jslayer.io.files import PathLike

from .base import data_folder
from .download import download
from .unzip import unzip

_DEPOSIT = "https://data.mendeley.com/public-files/datasets/468j46mzdv/files/"
_PARTS = {
    "Train": (
        _DEPOSIT + "39c25547-014b-4137-a934-9d29fa53c7a0/file_downloaded",
        "md5:20959b8e626244a1b502305a9e6e2031",
    ),
    "Test": (
        _DEPOSIT + "05a4d654-7e03-4c15-bdfa-9bb2bcbea494/file_downloaded",
        "md5:69ca8762b2fe404d9b9bad1103e97832",
    ),
}


def download_nmnist(
    root: PathLike | None = None,
    train: bool = True,
    *,
    url: str | None = None,
    checksum: str | None = None,
    progress: bool = True,
    max_bytes: int = 2**31,
) -> Path:
    """Downloads a part of N-MNIST, about a gigabyte for ``Train``, unless it is there already.

    Args:
      root: Folder that gets ``Train/`` or ``Test/``. Without it, ``nmnist`` in the folder of the
        environment variable ``JSLAYER_DATA``, or else in ``~/.cache/jslayer``.
      train: ``Train.zip``, otherwise ``Test.zip``.
      url: Another address of that archive, which holds the folder ``Train`` or ``Test``.
      checksum: Its checksum, as for ``download``; it belongs to ``url``.
      progress: Show a bar on standard error.
      max_bytes: Largest archive, as for ``download``.

    Returns:
      ``root``.

    Raises:
      ConnectionError: The archive could not be downloaded; what came is kept for the next call.
      ValueError: The archive has another checksum or is damaged, or ``checksum`` comes alone.
    """
    if url is None and checksum is not None:
        raise ValueError("`checksum` is given without `url`, expected both; give the address too.")
    root = data_folder("nmnist") if root is None else Path(root)
    part = "Train" if train else "Test"
    if (root / part).is_dir():
        return root
    if url is None:
        url, checksum = _PARTS[part]
    archive = download(
        url, root / f"{part}.zip", checksum=checksum, progress=progress, max_bytes=max_bytes
    )
    unzip(archive, root / part, below=part)
    archive.unlink()
    return root
