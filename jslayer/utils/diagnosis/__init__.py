"""What stops a network from learning, found by running it once."""

from jslayer.utils.diagnosis.report import Finding as Finding
from jslayer.utils.diagnosis.report import Limits as Limits
from jslayer.utils.diagnosis.report import Report as Report
from jslayer.utils.diagnosis.run import diagnose as diagnose
