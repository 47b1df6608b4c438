"""The work in SpikingJelly, on time-first arrays, all steps in one call."""

import itertools

from benchmarks.peers import torch_calls, worker


def make(sizes):
    import importlib.metadata

    import torch
    from spikingjelly.activation_based import functional, layer, neuron

    def from_rest(module):
        functional.set_step_mode(module, "m")

        def run(x):
            functional.reset_net(module)
            return module(x)

        return run

    def lif(voltage_decay):
        return neuron.LIFNode(1 / voltage_decay, decay_input=False, v_threshold=1.0, v_reset=0.0)

    def cuba(current_decay, voltage_decay):
        keep = (1 - current_decay, 1 - voltage_decay)
        return neuron.CUBALIFNode(*keep, v_threshold=1.0, v_reset=0.0)

    def new_neuron(current_decay, voltage_decay):
        if current_decay is None:
            return from_rest(lif(voltage_decay))
        return from_rest(cuba(current_decay, voltage_decay))

    def new_layer(inputs, outputs, voltage_decay):
        module = torch.nn.Sequential(layer.Linear(inputs, outputs, bias=False), lif(voltage_decay))
        return module, from_rest(module)

    def new_network(sizes, *decays):
        pairs = itertools.pairwise(sizes)
        layers = [(layer.Linear(*pair, bias=False), cuba(*decays)) for pair in pairs]
        module = torch.nn.Sequential(*itertools.chain(*layers))
        return module, from_rest(module)

    version = (
        f"spikingjelly {importlib.metadata.version('spikingjelly')}, torch {torch.__version__}"
    )
    return version, torch_calls.make(sizes, new_neuron, new_layer, new_network, time_first=True)


if __name__ == "__main__":
    worker.serve(make)
