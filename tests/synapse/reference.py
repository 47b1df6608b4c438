"""The synapses as plain loops over NumPy arrays ``[N, C, H, W, T]``, one connection at a time."""

import itertools

import numpy as np


def _both(value):
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def _positions(narrow, kernel, stride, padding, dilation):
    """``(place on the narrow side, place on the wide side, entry of the kernel)``, all of them."""
    for place in np.ndindex(*narrow):
        for entry in np.ndindex(*kernel):
            sides = zip(place, stride, entry, dilation, padding, strict=True)
            yield place, tuple(i * s + k * d - p for i, s, k, d, p in sides), entry


def _inside(place, size):
    return all(0 <= at < n for at, n in zip(place, size, strict=True))


def conv(x, weight, stride=1, padding=0, dilation=1, groups=1):
    """Cross-correlation; ``weight`` is ``[out, in / groups, kh, kw]``."""
    stride, padding, dilation = map(_both, (stride, padding, dilation))
    outputs, per_group, *kernel = weight.shape
    sides = zip(x.shape[2:4], padding, dilation, kernel, stride, strict=True)
    size = [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, p, d, k, s in sides]
    y = np.zeros((x.shape[0], outputs, *size, x.shape[-1]))
    for place, seen, entry in _positions(size, kernel, stride, padding, dilation):
        if _inside(seen, x.shape[2:4]):
            for o, i in itertools.product(range(outputs), range(per_group)):
                source = o // (outputs // groups) * per_group + i
                y[:, o, *place] += weight[o, i, *entry] * x[:, source, *seen]
    return y


def conv_transpose(x, weight, stride=1, padding=0, dilation=1, groups=1):
    """Transposed convolution; ``weight`` is ``[in, out / groups, kh, kw]``."""
    stride, padding, dilation = map(_both, (stride, padding, dilation))
    inputs, per_group, *kernel = weight.shape
    sides = zip(x.shape[2:4], padding, dilation, kernel, stride, strict=True)
    size = [(n - 1) * s - 2 * p + d * (k - 1) + 1 for n, p, d, k, s in sides]
    y = np.zeros((x.shape[0], per_group * groups, *size, x.shape[-1]))
    for place, reached, entry in _positions(x.shape[2:4], kernel, stride, padding, dilation):
        if _inside(reached, size):
            for i, o in itertools.product(range(inputs), range(per_group)):
                target = i // (inputs // groups) * per_group + o
                y[:, target, *reached] += weight[i, o, *entry] * x[:, i, *place]
    return y


def _each_channel(function, x, weight, **options):
    channels = [function(x[:, c : c + 1], weight, **options) for c in range(x.shape[1])]
    return np.concatenate(channels, axis=1)


def pool(x, weight, stride=None, padding=0, dilation=1):
    """Sums of windows, of images filled up with zeros to a multiple of the kernel."""
    kernel = weight.shape[2:]
    rest = [(0, -n % k) for n, k in zip(x.shape[2:4], kernel, strict=True)]
    x = np.pad(x, [(0, 0), (0, 0), *rest, (0, 0)])
    stride = kernel if stride is None else stride
    return _each_channel(conv, x, weight, stride=stride, padding=padding, dilation=dilation)


def unpool(x, weight, stride=None, padding=0, dilation=1):
    """Every entry spread over a window."""
    stride = weight.shape[2:] if stride is None else stride
    options = {"stride": stride, "padding": padding, "dilation": dilation}
    return _each_channel(conv_transpose, x, weight, **options)
