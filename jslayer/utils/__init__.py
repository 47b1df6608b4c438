"""The names of the old library's `utils`: `jslayer.training`, and filters, masks and plots."""

from jslayer.training import Assistant as Assistant
from jslayer.training import Checkpoints as Checkpoints
from jslayer.training import CSVWriter as CSVWriter
from jslayer.training import Finding as Finding
from jslayer.training import Hook as Hook
from jslayer.training import LearningStats as LearningStats
from jslayer.training import Limits as Limits
from jslayer.training import Progress as Progress
from jslayer.training import Report as Report
from jslayer.training import TensorBoardWriter as TensorBoardWriter
from jslayer.training import TrainState as TrainState
from jslayer.training import create_state as create_state
from jslayer.training import data_mesh as data_mesh
from jslayer.training import diagnose as diagnose
from jslayer.training import eval_step as eval_step
from jslayer.training import event_rate as event_rate
from jslayer.training import load_checkpoint as load_checkpoint
from jslayer.training import project as project
from jslayer.training import read_csv as read_csv
from jslayer.training import replicate as replicate
from jslayer.training import save_checkpoint as save_checkpoint
from jslayer.training import shard as shard
from jslayer.training import shard_batch as shard_batch
from jslayer.training import time_chunks as time_chunks
from jslayer.training import train_step as train_step
from jslayer.utils.filter import FIR as FIR
from jslayer.utils.filter import FIRBank as FIRBank
from jslayer.utils.mask import diagonal_mask as diagonal_mask
from jslayer.utils.moved import moved_module as __getattr__  # noqa: F401  for `utils.metrics`
from jslayer.utils.plot import plot_event_rates as plot_event_rates
from jslayer.utils.plot import plot_gradient_flow as plot_gradient_flow
from jslayer.utils.plot import series as series
