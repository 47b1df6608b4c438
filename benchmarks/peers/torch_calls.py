"""What the peers on PyTorch share: data, and the calls made of a forward function."""

from benchmarks.peers import worker


def make(sizes, new_neuron, new_layer, new_network, *, time_first, looped=None):
    """Calls by name.

    Args:
      sizes: What all peers get.
      new_neuron: ``(current decay, or None for LIF; voltage decay) -> (x -> spikes)``.
      new_layer: ``(inputs, outputs, voltage decay) -> (module, (x -> spikes))``.
      new_network: ``(sizes, current decay, voltage decay) -> (module, (x -> spikes))``.
      time_first: Arrays are ``[T, N, C]``, else ``[N, C, T]``.
      looped: Blocks with feedback by name, ``(inputs, outputs) -> module``, on ``[N, C, T]``.
    """
    import torch

    torch.manual_seed(0)
    torch.set_flush_denormal(True)  # gradients that die out would cost ten times as much
    order = lambda n, c, t: (t, n, c) if time_first else (n, c, t)
    shape = order(sizes["samples"], sizes["neurons"], sizes["length"])
    x, y_bar = 0.3 * torch.randn(shape), torch.randn(shape)
    calls = {}

    def add(name, run, x, y_bar, wanted):
        def forward():
            with torch.no_grad():
                return run(x)

        def both():
            return torch.autograd.grad(run(x), wanted, y_bar)

        calls[f"{name}, {worker.FORWARD}"] = forward
        calls[f"{name}, {worker.BOTH}"] = both

    for name, current_decay in ((worker.CUBA, 0.25), (worker.LIF, None)):
        drive = x.clone().requires_grad_(True)
        add(name, new_neuron(current_decay, 0.1), drive, y_bar, [drive])

    spikes = torch.rand(order(sizes["batch"], sizes["inputs"], sizes["steps"])) < 0.1
    module, run = new_layer(sizes["inputs"], sizes["outputs"], 0.1)
    bar = torch.randn(order(sizes["batch"], sizes["outputs"], sizes["steps"]))
    weights = [p for name, p in module.named_parameters() if "weight" in name]
    add(worker.LAYER, run, spikes.float(), bar, weights)
    calls[worker.STEP] = worker.when_called(lambda: training(sizes, new_network, time_first))
    for name, new_block in (looped or {}).items():
        samples, neurons = sizes["samples"], sizes["neurons"]
        if name == worker.SMALL:
            samples, neurons = worker.SMALL_SIZES
        block, shape = new_block(neurons, neurons), (samples, neurons, sizes["length"])
        weights = [p for name, p in block.named_parameters() if "weight" in name]
        add(name, block, (torch.rand(shape) < 0.1).float(), torch.randn(shape), weights)
    return calls


def training(sizes, new_network, time_first):
    """A call that trains for one step."""
    import torch

    samples, network = sizes["recordings"], sizes["network"]
    shape = (samples, network[0], sizes["length"])
    x = (torch.rand(shape) < worker.DENSITY).float()
    x = x.permute(2, 0, 1).contiguous() if time_first else x
    true = torch.nn.functional.one_hot(torch.randint(network[-1], (samples,)), network[-1]) > 0
    target = torch.where(true, worker.TRUE_RATE, worker.FALSE_RATE)
    module, run = new_network(network, 0.25, 0.03)
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)

    def step():
        rates = run(x).mean(0 if time_first else -1)
        loss = ((rates - target) ** 2).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step
