"""Trains every family from `jslayer.neuron.starting_values` and writes the table of a page.

``python tools/silent_network.py`` trains three layers of each family on `MovingBars`, seeds 0 to 2,
until an epoch ends with an accuracy of 0.95 on the test split or the eighth is over; the numbers go
into ``benchmarks/results/silent_network.json`` and the table of ``docs/silent_network.md``.
``--only rf,alif`` trains some of them and leaves the other rows as they are.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import optax

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # run by its path

from jslayer import block, classifier, datasets, loss, neuron
from jslayer.neuron.starting import STARTING
from jslayer.training import create_state, eval_step, train_step

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "benchmarks" / "results" / "silent_network.json"
PAGE = ROOT / "docs" / "silent_network.md"
FIRST, LAST = "<!-- table -->", "<!-- end of table -->"

SEEDS, EPOCHS, ENOUGH, SAMPLES, BATCH = (0, 1, 2), 8, 0.95, 2048, 32
LAYERS, LAST_LAYER = ((512, 256), (256, 128)), (128, 8)


def network(family: str) -> block.Sequential:
    """Three layers of a family, with the numbers to start from.

    Resonators of the last layer have one short period, so that all classes can be equally loud.
    """
    home = getattr(block, "cuba" if family == "lif" else family)
    params = neuron.starting_values(family)
    options = {"weight_norm": True, "weight_scale": neuron.starting_weight_scale(family)}
    layers = [home.Dense(params, a, b, delay=True, **options) for a, b in LAYERS]
    alike = {"shared_param": True, "period": 4.0, "decay": 0.1} if "period" in params else {}
    layers.append(home.Dense({**params, **alike}, *LAST_LAYER, **options))
    return block.Sequential([home.Flatten(), *layers])


def trained(family: str, seed: int) -> dict[str, Any]:
    """Trains; returns accuracy, epochs and the event rates of the first step."""
    training = datasets.MovingBars(SAMPLES, train=True, seed=seed, dtype=bool)
    testing = datasets.MovingBars(SAMPLES // 4, train=False, seed=seed, dtype=bool)
    count = lambda y, label: jnp.sum(classifier.Rate.predict(y) == label)
    error = loss.SpikeRate(true_rate=0.2, false_rate=0.03)
    step = train_step(error, count_correct=count, rates=True)
    evaluate = eval_step(error, count_correct=count)
    state = create_state(network(family), training.batch([0])[0], optax.adam(2e-3), seed=seed)
    rates: list[float] = []
    accuracy, epoch = 0.0, 0
    for epoch in range(1, EPOCHS + 1):
        for x, label in datasets.batches(training, BATCH, seed=(seed, epoch)):
            state, metrics = step(state, x, label)
            rates = rates or [float(rate) for rate in metrics["event_rates"].values()]
        right = sum(
            float(evaluate(state, x, label)[1]["correct"])
            for x, label in datasets.batches(testing, BATCH, shuffle=False)
        )
        accuracy = right / len(testing)
        print(f"{family}, seed {seed}, epoch {epoch}: {accuracy:.3f}", flush=True)
        if accuracy >= ENOUGH:
            break
    return {"accuracy": accuracy, "epochs": epoch, "rates": rates}


def table(results: dict[str, Any]) -> str:
    """The rows in Markdown."""
    lines = [
        "| family | `threshold` | `tau_grad`, `scale_grad` | `weight_scale` | events at first | "
        "accuracy (epochs), seeds 0 to 2 |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for family in STARTING:
        params = neuron.starting_values(family)
        found = [results[family][str(seed)] for seed in SEEDS]
        rates = ", ".join(f"{rate:.3f}" for rate in found[0]["rates"])
        reached = ", ".join(f"{one['accuracy']:.3f} ({one['epochs']})" for one in found)
        surrogate = "`PhaseWindow(0.5, 0.5)`"
        if "tau_grad" in params:
            surrogate = f"{params['tau_grad']:g}, {params['scale_grad']:g}"
        lines.append(
            f"| `{family}` | {params['threshold']:g} | {surrogate} | "
            f"{neuron.starting_weight_scale(family):g} | {rates} | {reached} |"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the command."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default=",".join(STARTING), help="families, with commas")
    chosen = parser.parse_args(argv)
    results = json.loads(RESULTS.read_text()) if RESULTS.is_file() else {}
    for family in chosen.only.split(","):
        results[family] = {str(seed): trained(family, seed) for seed in SEEDS}
        RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    if set(STARTING) <= set(results) and PAGE.is_file():
        before, _, rest = PAGE.read_text("utf-8").partition(FIRST)
        after = rest.partition(LAST)[2]
        PAGE.write_text(f"{before}{FIRST}\n{table(results)}\n{LAST}{after}", "utf-8")


if __name__ == "__main__":
    main()
