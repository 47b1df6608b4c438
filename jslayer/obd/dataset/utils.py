"""Lava-dl's functions that mirror and scale frames, by their names here."""

from jslayer.obd.renamed import renamed

__all__: list[str] = []


def __dir__() -> list[str]:
    return __all__


_FLIP = "`obd.augment.flip((frames, rows, kind), x={}, y={}, seed=0)` mirrors videos and boxes"

flip_lr = renamed("obd.dataset.utils.flip_lr", _FLIP.format(1.0, 0.0))
flip_ud = renamed("obd.dataset.utils.flip_ud", _FLIP.format(0.0, 1.0))
fliplr_events = renamed("obd.dataset.utils.fliplr_events", _FLIP.format(1.0, 0.0))
resize_events_frame = renamed(
    "obd.dataset.utils.resize_events_frame",
    "`obd.dataset.Prophesee(root, size=(H, W))` scales events, as they are read",
)
