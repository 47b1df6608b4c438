"""The work in lava-dl SLAYER, on ``[N, C, T]``."""

import itertools

from benchmarks.peers import torch_calls, worker


def make(sizes):
    import importlib.metadata

    import lava.lib.dl.slayer as slayer
    import torch

    def neuron_params(current_decay, voltage_decay):
        current_decay = 1.0 if current_decay is None else current_decay
        return {"threshold": 1.0, "current_decay": current_decay, "voltage_decay": voltage_decay}

    def new_neuron(*decays):
        return slayer.neuron.cuba.Neuron(**neuron_params(*decays))

    def new_layer(inputs, outputs, voltage_decay):
        params = neuron_params(None, voltage_decay)
        layer = slayer.block.cuba.Dense(params, inputs, outputs, delay_shift=False)
        layer.synapse.pre_hook_fx = None  # plain weights, as the others have
        return layer, layer

    def new_network(sizes, *decays):
        """The one of its tutorial on N-MNIST."""
        params = {**neuron_params(*decays), "threshold": 1.25, "tau_grad": 0.03, "scale_grad": 3}
        params["requires_grad"] = True
        hidden = {**params, "dropout": slayer.neuron.Dropout(p=0.05)}
        *pairs, last = itertools.pairwise(sizes)
        dense = slayer.block.cuba.Dense
        layers = [dense(hidden, *pair, weight_norm=True, delay=True) for pair in pairs]
        module = torch.nn.Sequential(*layers, dense(params, *last, weight_norm=True))
        return module, module

    params = neuron_params(0.25, 0.1)
    recurrent = lambda *sizes: slayer.block.cuba.Recurrent(params, *sizes)
    looped = {
        worker.SMALL: recurrent,
        worker.RECURRENT: recurrent,
        worker.KWTA: lambda *sizes: slayer.block.cuba.KWTA(
            params, *sizes, num_winners=worker.winners(sizes[1])
        ),
    }
    version = f"lava-dl {importlib.metadata.version('lava-dl')}, torch {torch.__version__}"
    calls = torch_calls.make(
        sizes, new_neuron, new_layer, new_network, time_first=False, looped=looped
    )
    return version, calls


if __name__ == "__main__":
    worker.serve(make)
