"""Pure functions of arrays: fixed-point arithmetic, dynamics, engines, spikes, delays, filters.

Time is the leading axis of everything that runs through an engine; nothing here knows Flax.
"""

from jslayer.ops.cuba import Cuba as Cuba
from jslayer.ops.dynamics import Dynamics as Dynamics
from jslayer.ops.engine import run as run
from jslayer.ops.engines.select import implementations as implementations
from jslayer.ops.leaky_integrator import LeakyIntegrator as LeakyIntegrator
