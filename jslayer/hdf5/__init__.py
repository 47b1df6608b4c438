"""Network files: trained networks as the hdf5 that tools for Loihi-class hardware read."""

from jslayer.hdf5.write import export as export
from jslayer.hdf5.write import write_block as write_block
