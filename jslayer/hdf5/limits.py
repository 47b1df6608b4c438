"""Ranges of the file's whole numbers, in every direction."""

LOWEST, HIGHEST = -256, 254
"""Range of weights, which are even."""

BIAS_RANGE = (-(2**17), 2**17)
"""Range of biases."""

LONGEST = 62
"""Longest delay, in steps."""

READOUT_THRESHOLD = 2**18 - 1
"""Threshold mantissa of a read-out, which no voltage exceeds."""
