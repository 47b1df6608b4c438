"""Checkpoints: one file, or a folder that keeps the last few."""

from jslayer.training.checkpoint.errors import CheckpointError as CheckpointError
from jslayer.training.checkpoint.file import load_checkpoint as load_checkpoint
from jslayer.training.checkpoint.file import save_checkpoint as save_checkpoint
from jslayer.training.checkpoint.folder import Checkpoints as Checkpoints
