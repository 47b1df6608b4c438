"""Data sets of events and of driving as NumPy arrays; batches, loading and downloading."""

from .augmented import Augmented as Augmented
from .base import Dataset as Dataset
from .batches import batches as batches
from .chirps import Chirps as Chirps
from .consecutive_spikes import ConsecutiveSpikes as ConsecutiveSpikes
from .download import download as download
from .drive_plot import drive_plot as drive_plot
from .from_tonic import from_tonic as from_tonic
from .intervals import Intervals as Intervals
from .loader import Loader as Loader
from .match_to_sample import MatchToSample as MatchToSample
from .moving_bars import MovingBars as MovingBars
from .nmnist import NMNIST as NMNIST
from .nmnist_files import download_nmnist as download_nmnist
from .oxford import Oxford as Oxford
from .pilotnet import PilotNet as PilotNet
from .recording_folder import RecordingFolder as RecordingFolder
from .recordings import Binning as Binning
from .recordings import Recordings as Recordings
from .synthetic_road import SyntheticRoad as SyntheticRoad
from .unzip import unzip as unzip
from .xor import XOR as XOR
from .xor import xor as xor
