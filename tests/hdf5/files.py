"""Small network files, written by hand."""

import h5py
import numpy as np

CUBA = {"type": "CUBA", "iDecay": 1024, "vDecay": 128, "vThMant": 80}
ALIF = CUBA | {"type": "ALIF", "thDecay": 400, "refDecay": 500, "vThStep": 10}
RF = {"type": "RF_PHASE", "sinDecay": 2000, "cosDecay": 3000, "vThMant": 60}
SDNN = {"type": "SDNN", "activation": "relu", "vThMant": 6}


def layer(kind, shape, neuron=None, /, **datasets):
    """The datasets of a layer by path; double underscores stand for slashes."""
    named = {name.replace("__", "/"): value for name, value in datasets.items()}
    parts = {f"neuron/{name}": value for name, value in (neuron or {}).items()}
    return {"type": np.array([kind], "S10"), "shape": np.array(shape), **parts, **named}


def even(*shape, seed=0):
    """Weights as the file has them."""
    rng = np.random.default_rng((seed, *shape))
    return (2 * rng.integers(-20, 30, shape)).astype(np.float32)


def dense(out, into, neuron=None, /, kind="dense", **datasets):
    """A dense layer."""
    sizes = {"inFeatures": into, "outFeatures": out, "weight": even(out, into)}
    return layer(kind, (out,), CUBA if neuron is None else neuron, **(sizes | datasets))


def conv(shape, weight, neuron=None, /, kind="conv", **datasets):
    """A layer of images; its weight is ``[out, in/groups, kh, kw]`` or as the kind has it."""
    geometry = {"kernelSize": weight.shape[2:4], "stride": (1, 1), "padding": (0, 0)}
    geometry |= {"dilation": (1, 1), "weight": weight}
    if kind in ("conv", "convT"):
        geometry["groups"] = 1
    return layer(kind, shape, CUBA if neuron is None else neuron, **(geometry | datasets))


def from_client(kernel):
    """A kernel in the client's layout (out, kw, kh, in; flipped) as the file has it."""
    return kernel[:, ::-1, ::-1].transpose(0, 3, 2, 1).astype(np.float32)


def written(path, layers):
    """Writes layers to a file; returns its path. ``None`` leaves a dataset out."""
    with h5py.File(path, "w") as file:
        for number, datasets in enumerate(layers):
            for name, value in datasets.items():
                if value is not None:
                    file[f"layer/{number}/{name}"] = value
    return path
