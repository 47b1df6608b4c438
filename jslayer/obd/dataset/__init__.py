"""Videos with boxes."""
from jslayer.obd.dataset.street import SyntheticStreet as SyntheticStreet
