"""Event input and output: sets, tensors of bins, files, changes to events, plots, animations.

Times are in milliseconds here and in ``datasets``; everywhere else they are in steps.
"""

from jslayer._old_names import tell as _tell

from . import augment as augment
from .animation import animate as animate
from .binary import encode_1d_spikes as encode_1d_spikes
from .binary import encode_2d_spikes as encode_2d_spikes
from .binary import read_1d_spikes as read_1d_spikes
from .binary import read_2d_spikes as read_2d_spikes
from .camera import read_aedat4 as read_aedat4
from .camera import read_es as read_es
from .camera import read_raw as read_raw
from .csv_file import read_csv as read_csv
from .dat import encode_dat as encode_dat
from .dat import read_dat as read_dat
from .event import Event as Event
from .event_batch import event_batch as event_batch
from .geometry import crop as crop
from .geometry import flip as flip
from .geometry import rotate as rotate
from .geometry import shift as shift
from .geometry import slice_time as slice_time
from .geometry import stretch_time as stretch_time
from .npz_file import encode_npz_spikes as encode_npz_spikes
from .npz_file import read_npz_spikes as read_npz_spikes
from .numpy_file import encode_np_spikes as encode_np_spikes
from .numpy_file import read_np_spikes as read_np_spikes
from .picture_plot import frame_plot as frame_plot
from .picture_plot import surface_plot as surface_plot
from .player import Player as Player
from .plot import raster as raster
from .read import read as read
from .read import write as write
from .spike_counts import SpikeCounts as SpikeCounts
from .spike_counts import encode_spike_counts as encode_spike_counts
from .spike_counts import read_spike_counts as read_spike_counts
from .surface import event_frame as event_frame
from .surface import time_surface as time_surface
from .tensor import tensor_to_event as tensor_to_event
from .video import read_video as read_video
from .video import save_gif as save_gif
from .video import save_mp4 as save_mp4

_tell(__name__)
