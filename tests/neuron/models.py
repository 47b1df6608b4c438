"""The neurons' models without rounding, in float64 NumPy: judges of gradients."""

import numpy as np


def rows(value, x):
    """A parameter, (), (C,) or (C, ...), against steps ``[N, C, ...]``."""
    value = np.asarray(value, np.float64)
    return value.reshape(value.shape + (1,) * (x.ndim - 2 - value.ndim)) if value.ndim else value


def leaks(params, x):
    """Voltage of two leaky integrators in a row, ``[N, C, ..., T]``."""
    x = np.asarray(x, np.float64)
    current_decay, voltage_decay = (
        rows(params[name], x) for name in ("current_decay", "voltage_decay")
    )
    current = voltage = np.zeros(x.shape[:-1])
    found = []
    for t in range(x.shape[-1]):
        current = (1 - current_decay) * current + x[..., t]
        voltage = (1 - voltage_decay) * voltage + current
        found.append(voltage)
    return np.stack(found, -1)


def rotation(params, x):
    """Imaginary part of a resonator."""
    real_x, imag_x = (np.asarray(part, np.float64) for part in x)
    sin, cos = (rows(params[name], real_x) for name in ("sin_decay", "cos_decay"))
    real = imag = np.zeros(real_x.shape[:-1])
    found = []
    for t in range(real_x.shape[-1]):
        real, imag = (
            cos * real - sin * imag + real_x[..., t],
            sin * real + cos * imag + imag_x[..., t],
        )
        found.append(imag)
    return np.stack(found, -1)


def adaptation(params, spikes):
    """Threshold and refraction for a given spike train, ``[2, N, C, ..., T]``."""
    spikes = np.asarray(spikes, np.float64)
    rest, step, threshold_decay, refractory_decay = (
        rows(params[name], spikes)
        for name in ("threshold", "threshold_step", "threshold_decay", "refractory_decay")
    )
    above = refractory = np.zeros(spikes.shape[:-1])
    found = []
    for t in range(spikes.shape[-1]):
        above = (1 - threshold_decay) * above
        refractory = (1 - refractory_decay) * refractory
        found.append(np.stack([above + rest, refractory]))
        refractory = refractory + 2 * spikes[..., t] * (above + rest)
        above = above + spikes[..., t] * step
    return np.stack(found, -1)


def difference(loss, params, name, size=1e-5):
    """Central differences of ``loss(params)`` by every entry of one parameter."""
    value = np.asarray(params[name], np.float64)
    found = np.zeros(value.shape)
    for place in np.ndindex(value.shape):
        shift = np.zeros(value.shape)
        shift[place] = size
        ends = [loss({**params, name: value + sign * shift}) for sign in (1, -1)]
        found[place] = (ends[0] - ends[1]) / (2 * size)
    return found
