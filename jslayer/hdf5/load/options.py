"""What a caller of `load` chooses, and how a file that does not fit is refused."""

import dataclasses
from collections.abc import Mapping
from typing import Any, Literal

from jslayer import neuron as neurons
from jslayer.hdf5.errors import NetworkFileError, fault
from jslayer.hdf5.records import Layer

FROM_FILE = {
    *("threshold", "threshold_step", "current_decay", "voltage_decay", "threshold_decay"),
    *("refractory_decay", "period", "decay", "scale", "norm", "bias", "bias_param", "shared_param"),
    *("graded_spike", "cum_error", "readout", "encoder", "persistent_state", "requires_grad"),
}
"""Constructor arguments of neurons that the file, or an argument of `load`, decides."""

FAMILIES = {
    "CUBA": neurons.cuba.Neuron,
    "ALIF": neurons.alif.Neuron,
    "RF_PHASE": neurons.rf.Neuron,
    "RF_IZHIKEVICH": neurons.rf_iz.Neuron,
    "ADRF_PHASE": neurons.adrf.Neuron,
    "ADRF_IZHIKEVICH": neurons.adrf_iz.Neuron,
    "SDNN": neurons.sigma_delta.Neuron,
}
"""Neuron of each type in the file."""


@dataclasses.dataclass(frozen=True)
class Options:
    """As the arguments of `load`; ``file`` is the name of the file, for messages."""

    file: str
    persistent_state: bool = False
    count_log: bool = False
    requires_grad: bool = False
    weight_norm: bool = False
    delay_shift: bool | None = None
    neuron: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    first: Literal["file", "events"] = "file"
    last: Literal["file", "spikes", "readout"] = "file"

    def check(self) -> None:
        """Raises ``ValueError`` for arguments that no neuron has, or that the file decides."""
        fields = {f.name for kind in FAMILIES.values() for f in dataclasses.fields(kind)}
        offered = sorted(fields - FROM_FILE - {"parent", "name"})
        for name in self.neuron:
            if name not in offered:
                raise ValueError(
                    f"`neuron` holds {name}, expected of {', '.join(offered)}; the file decides "
                    "the others, or another argument of `load`."
                )

    def fault(
        self,
        layer: Layer,
        name: str,
        came: str,
        expected: str,
        action: str = "change the file, or run it with hdf5.inference",
    ) -> NetworkFileError:
        """The error of a dataset that no block can hold."""
        place = f"{layer.place}/{name}" if name else layer.place
        return fault(self.file, place, came, expected, action)
