"""Pure functions of arrays: fixed-point arithmetic, dynamics, engines, spikes, delays, filters.

Time is the leading axis of everything that runs through an engine; nothing here knows Flax.
"""

from jslayer.ops import quantize as quantize
from jslayer.ops import surrogate as surrogate
from jslayer.ops.adaptive_threshold import AdaptiveThreshold as AdaptiveThreshold
from jslayer.ops.alif import Alif as Alif
from jslayer.ops.cuba import Cuba as Cuba
from jslayer.ops.dynamics import Dynamics as Dynamics
from jslayer.ops.engine import run as run
from jslayer.ops.engines.select import implementations as implementations
from jslayer.ops.event_batch import EventBatch as EventBatch
from jslayer.ops.forward_mode import jvp as jvp
from jslayer.ops.leaky_integrator import LeakyIntegrator as LeakyIntegrator
from jslayer.ops.resonate_and_fire import Adrf as Adrf
from jslayer.ops.resonate_and_fire import AdrfIz as AdrfIz
from jslayer.ops.resonate_and_fire import Rf as Rf
from jslayer.ops.resonate_and_fire import RfIz as RfIz
from jslayer.ops.resonator import Resonator as Resonator
from jslayer.ops.sigma_delta import Delta as Delta
from jslayer.ops.sigma_delta import Sigma as Sigma
from jslayer.ops.sigma_delta import SigmaDelta as SigmaDelta
