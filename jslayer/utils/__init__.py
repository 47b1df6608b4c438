"""Training loop, statistics, checkpoints, filters and rates."""

from jslayer.utils.checkpoint import load_checkpoint as load_checkpoint
from jslayer.utils.checkpoint import save_checkpoint as save_checkpoint
from jslayer.utils.filter import FIR as FIR
from jslayer.utils.progress import Progress as Progress
from jslayer.utils.projection import project as project
from jslayer.utils.rates import event_rate as event_rate
from jslayer.utils.stats import LearningStats as LearningStats
from jslayer.utils.training import TrainState as TrainState
from jslayer.utils.training import create_state as create_state
from jslayer.utils.training import eval_step as eval_step
from jslayer.utils.training import train_step as train_step
