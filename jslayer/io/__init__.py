"""Event input and output: event sets, tensors of bins, event files, rasters and animations.

Times are in milliseconds here and in ``datasets``; everywhere else they are in steps.
"""

from .animation import animate as animate
from .animation import save_gif as save_gif
from .binary import encode_1d_spikes as encode_1d_spikes
from .binary import encode_2d_spikes as encode_2d_spikes
from .binary import read_1d_spikes as read_1d_spikes
from .binary import read_2d_spikes as read_2d_spikes
from .event import Event as Event
from .numpy_file import encode_np_spikes as encode_np_spikes
from .numpy_file import read_np_spikes as read_np_spikes
from .plot import raster as raster
from .read import read as read
from .tensor import tensor_to_event as tensor_to_event
