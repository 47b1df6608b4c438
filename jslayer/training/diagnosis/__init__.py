"""What stops a network from learning, found by running it once."""

from jslayer.training.diagnosis.report import Finding as Finding
from jslayer.training.diagnosis.report import Limits as Limits
from jslayer.training.diagnosis.report import Report as Report
from jslayer.training.diagnosis.run import diagnose as diagnose
