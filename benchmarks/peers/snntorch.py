"""The work in snnTorch, on time-first arrays: its neurons are called step by step."""

import itertools

from benchmarks.peers import torch_calls, worker


def make(sizes):
    import snntorch
    import torch

    def steps(neuron):
        def run(x):
            states, spikes = neuron.reset_mem(), []
            states = states if isinstance(states, tuple) else (states,)
            for x_t in x:
                spike, *states = neuron(x_t, *states)
                spikes.append(spike)
            return torch.stack(spikes)

        return run

    def new_neuron(current_decay, voltage_decay):
        keep = 1 - voltage_decay
        if current_decay is None:
            return steps(snntorch.Leaky(keep, reset_mechanism="zero"))
        return steps(snntorch.Synaptic(1 - current_decay, keep, reset_mechanism="zero"))

    def new_layer(inputs, outputs, voltage_decay):
        dense = torch.nn.Linear(inputs, outputs, bias=False)
        neuron = new_neuron(None, voltage_decay)
        return dense, lambda x: neuron(dense(x))

    def new_network(sizes, *decays):
        pairs = itertools.pairwise(sizes)
        layers = [(torch.nn.Linear(*pair, bias=False), new_neuron(*decays)) for pair in pairs]

        def run(x):
            for dense, neuron in layers:
                x = neuron(dense(x))
            return x

        return torch.nn.ModuleList(dense for dense, _ in layers), run

    version = f"snntorch {snntorch.__version__}, torch {torch.__version__}"
    return version, torch_calls.make(sizes, new_neuron, new_layer, new_network, time_first=True)


if __name__ == "__main__":
    worker.serve(make)
