"""Networks as NIR graphs, the exchange format of spiking libraries, and back.

Only networks of the CUBA family have a place there. Writing needs the package ``nir``
(the extra ``nir``); reading needs nothing.
"""

from jslayer.nir.read import read as read
from jslayer.nir.write import to_graph as to_graph
from jslayer.nir.write import write as write

__all__ = ["read", "to_graph", "write"]


def __dir__() -> list[str]:
    return __all__
