"""Videos with boxes: drawn ones, those of public data sets, and plain files.

``ds[i] -> (x, rows, kind, track)``: frames ``[C, H, W, T]``, objects ``[T, M, 6]`` in fractions of
the frame, their kinds ``[T, M]`` (1 object, 0 none, -1 to be ignored) and numbers ``[T, M]``.
"""

from jslayer.obd.dataset import utils as utils
from jslayer.obd.dataset.bdd100k import BDD100K as BDD100K
from jslayer.obd.dataset.camera_events import camera_events as camera_events
from jslayer.obd.dataset.coco_json import CocoJson as CocoJson
from jslayer.obd.dataset.prophesee import Prophesee as Prophesee
from jslayer.obd.dataset.sequence import Labels as Labels
from jslayer.obd.dataset.sequence import PictureFiles as PictureFiles
from jslayer.obd.dataset.sequence import Sequences as Sequences
from jslayer.obd.dataset.street import Clip as Clip
from jslayer.obd.dataset.street import SyntheticStreet as SyntheticStreet
from jslayer.obd.dataset.video_files import VideoFiles as VideoFiles
from jslayer.obd.dataset.voc import VOC as VOC
from jslayer.obd.dataset.yolo_txt import YoloTxt as YoloTxt
from jslayer.obd.renamed import renamed

__all__ = [
    "BDD100K",
    "VOC",
    "Clip",
    "CocoJson",
    "Labels",
    "PictureFiles",
    "Prophesee",
    "Sequences",
    "SyntheticStreet",
    "VideoFiles",
    "YoloTxt",
    "camera_events",
]

_ROWS = (
    "a sample has padded rows and kinds in place of annotations (`obd.rows_of`), sequences cover "
    "the whole videos and `datasets.Loader(shuffle=True)` draws them (`randomize_seq`), "
    "`obd.augment` changes them (`augment_prob`)"
)
BDD = renamed("obd.dataset.BDD", f"use `obd.dataset.BDD100K(root, train=True)`: {_ROWS}")
PropheseeAutomotive = renamed(
    "obd.dataset.PropheseeAutomotive",
    f"use `obd.dataset.Prophesee(root, step_ms=1)` (`delta_t`): {_ROWS}",
)


def __dir__() -> list[str]:
    return __all__
