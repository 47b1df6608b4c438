"""Makes the NIR graphs of other libraries in ``tests/data/nir``, with their inputs and spikes.

Run it where the library is installed, ``python tools/nir_fixtures.py snntorch`` (snnTorch, nir) or
``spyx`` (spyx, nir); nothing of this library is needed. Networks are small and drawn from a fixed
seed; inputs are events of zero and one.
"""

import gzip
import sys
import tempfile
from pathlib import Path

import numpy as np

OUT = Path(__file__).resolve().parent.parent / "tests" / "data" / "nir"
STEPS = 60


def events(*shape: int) -> np.ndarray:
    """Events ``[*shape, T]``, one in four."""
    return (np.random.default_rng(1).random((*shape, STEPS)) < 0.25).astype(np.float32)


def save(name: str, graph, x: np.ndarray, spikes: np.ndarray, dt: float) -> None:
    """Writes a graph, and beside it what it reads and sends, ``[N, ..., T]``."""
    import nir

    OUT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "graph.nir"
        nir.write(file, graph)
        # most of a small hdf5 file is empty
        (OUT / f"{name}.nir.gz").write_bytes(gzip.compress(file.read_bytes(), mtime=0))
    np.savez_compressed(
        OUT / f"{name}.npz", x=x.astype(bool), spikes=spikes.astype(bool), dt=np.float64(dt)
    )
    size = sum((OUT / f"{name}{end}").stat().st_size for end in (".nir.gz", ".npz"))
    print(f"{name}: {size} bytes, {spikes.mean():.3f} spikes per step")


def snntorch() -> None:
    """Networks of snnTorch, whose resets to zero act at once, as NIR says."""
    import torch
    from snntorch import Leaky, RLeaky, Synaptic
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(0)
    reset = {"init_hidden": True, "reset_mechanism": "zero", "reset_delay": False}
    spread = lambda size, low, high: torch.linspace(low, high, size)

    def linear(inputs: int, outputs: int, bias: bool = False) -> torch.nn.Linear:
        made = torch.nn.Linear(inputs, outputs, bias=bias)
        made.weight.data *= 5
        return made

    leaky = lambda size, **more: Leaky(
        spread(size, 0.8, 0.95), threshold=torch.ones(size), **reset, **more
    )
    conv = torch.nn.Conv2d(1, 3, 3, padding=1, bias=True)
    conv.weight.data *= 4
    image = Leaky(torch.full((3, 6, 6), 0.9), threshold=torch.ones(3, 6, 6), **reset)
    synaptic = Synaptic(
        spread(16, 0.5, 0.8), spread(16, 0.8, 0.95), threshold=torch.full((16,), 3.0), **reset
    )
    back = RLeaky(
        torch.full((16,), 0.9),
        all_to_all=True,
        linear_features=16,
        threshold=torch.ones(16),
        **reset,
    )
    back.recurrent.bias = None  # no block with feedback has one
    last = leaky(4, output=True)
    networks = {
        "leaky": ([linear(12, 16, bias=True), leaky(16), linear(16, 4), last], (12,)),
        "synaptic": ([linear(12, 16), synaptic, linear(16, 4), leaky(4, output=True)], (12,)),
        "recurrent": ([linear(12, 16), back, linear(16, 4), leaky(4, output=True)], (12,)),
        "convolution": (
            [
                conv,
                image,
                torch.nn.AvgPool2d(2),
                torch.nn.Flatten(),
                linear(27, 4),
                leaky(4, output=True),
            ],
            (1, 6, 6),
        ),
    }
    for name, (layers, shape) in networks.items():
        network = torch.nn.Sequential(*layers)
        x = torch.from_numpy(events(1, *shape))
        spikes = []
        with torch.no_grad():
            for step in range(STEPS):
                spikes.append(network(x[..., step])[0])
            graph = export_to_nir(network, x[..., 0], ignore_dims=[0])
        save(f"snntorch_{name}", graph, x.numpy(), torch.stack(spikes, -1).numpy(), 1e-4)


def spyx() -> None:
    """A network of spyx, whose neurons reset by subtraction a step later than NIR says."""
    import jax.numpy as jnp
    from flax import nnx
    from spyx import nir as exporter
    from spyx import nn

    rngs = nnx.Rngs(0)
    layer = nnx.Linear(12, 16, use_bias=False, rngs=rngs)
    network = nn.Sequential(layer, nn.IF((16,), threshold=1.0))
    x = events(1, 12)
    sent, _ = nn.run(network, jnp.moveaxis(jnp.asarray(x), -1, 0))
    graph = exporter.to_nir(network, {"input": np.array([12])}, {"output": np.array([16])}, dt=1)
    save("spyx_if", graph, x, np.moveaxis(np.asarray(sent), 0, -1), 1.0)


if __name__ == "__main__":
    {"snntorch": snntorch, "spyx": spyx}[sys.argv[1]]()
