"""What a training loop is made of: step, state, assistant, statistics, checkpoints, diagnosis."""

from jslayer.training.assistant import Assistant as Assistant
from jslayer.training.checkpoint import CheckpointError as CheckpointError
from jslayer.training.checkpoint import Checkpoints as Checkpoints
from jslayer.training.checkpoint import load_checkpoint as load_checkpoint
from jslayer.training.checkpoint import save_checkpoint as save_checkpoint
from jslayer.training.diagnosis import Finding as Finding
from jslayer.training.diagnosis import Limits as Limits
from jslayer.training.diagnosis import Report as Report
from jslayer.training.diagnosis import diagnose as diagnose
from jslayer.training.metrics import CSVWriter as CSVWriter
from jslayer.training.metrics import Hook as Hook
from jslayer.training.metrics import read_csv as read_csv
from jslayer.training.progress import Progress as Progress
from jslayer.training.projection import project as project
from jslayer.training.rates import event_rate as event_rate
from jslayer.training.sharding import data_mesh as data_mesh
from jslayer.training.sharding import replicate as replicate
from jslayer.training.sharding import shard as shard
from jslayer.training.sharding import shard_batch as shard_batch
from jslayer.training.state import TrainState as TrainState
from jslayer.training.state import create_state as create_state
from jslayer.training.stats import LearningStats as LearningStats
from jslayer.training.step import eval_step as eval_step
from jslayer.training.step import train_step as train_step
from jslayer.training.tensorboard import TensorBoardWriter as TensorBoardWriter
from jslayer.training.time_chunks import time_chunks as time_chunks
