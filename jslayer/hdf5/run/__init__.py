"""Networks in the integers of the hardware: exact sums, synapses, neurons, layers."""
