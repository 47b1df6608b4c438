"""Losses on spike trains: pure functions, and small callables with their arguments fixed.

All take outputs ``[N, C, ..., T]``, reduce with ``"sum"`` (default) or ``"mean"`` over all terms,
and can be used inside `jax.grad`. The two on events take the activity of several layers.
"""

from jslayer._old_names import tell as _tell
from jslayer.loss.labels import one_hot as one_hot
from jslayer.loss.sparsity import SparsityEnforcer as SparsityEnforcer
from jslayer.loss.sparsity import event_rate_loss as event_rate_loss
from jslayer.loss.sparsity import sparsity_loss as sparsity_loss
from jslayer.loss.spike_max import SpikeMax as SpikeMax
from jslayer.loss.spike_max import spike_max_loss as spike_max_loss
from jslayer.loss.spike_moid import SpikeMoid as SpikeMoid
from jslayer.loss.spike_moid import spike_moid_loss as spike_moid_loss
from jslayer.loss.spike_rate import SpikeRate as SpikeRate
from jslayer.loss.spike_rate import spike_rate_loss as spike_rate_loss
from jslayer.loss.spike_time import SpikeTime as SpikeTime
from jslayer.loss.spike_time import spike_time_loss as spike_time_loss
from jslayer.ops.events import event_fraction as event_fraction
from jslayer.ops.filter import moving_rate as moving_rate

_tell(__name__)
