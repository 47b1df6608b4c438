"""Data sets of events as NumPy arrays, and batches of them."""

from .base import Dataset as Dataset
from .batches import batches as batches
from .moving_bars import MovingBars as MovingBars
from .nmnist import NMNIST as NMNIST
from .oxford import Oxford as Oxford
from .xor import XOR as XOR
from .xor import xor as xor
