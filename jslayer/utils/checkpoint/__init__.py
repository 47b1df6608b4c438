"""Checkpoints: one file, or a folder that keeps the last few."""

from jslayer.utils.checkpoint.file import load_checkpoint as load_checkpoint
from jslayer.utils.checkpoint.file import save_checkpoint as save_checkpoint
from jslayer.utils.checkpoint.folder import Checkpoints as Checkpoints
