"""Checkpoints of lava-dl's detectors, by its names and shapes, in ours: no number is lost."""

import functools

import jax
import numpy as np
import pytest

from jslayer import migrate, obd
from jslayer.obd import models

CLASSES, WIDTH = 2, 1 / 16
OUT = "A (5 + C)"

BACK = [(128, 256, 3), (256, 256, 3)]
CHAIN = [(3, 16, 3), (16, 32, 3), (32, 64, 3), (64, 128, 3), *BACK]
LATE = [(256, 512, 3), (512, 256, 1), (256, 512, 3)]
LAYERS = {
    "tiny_yolov3_str": {
        "input_blocks": ["input"],
        "backend_blocks": CHAIN[:5],
        "head1_backend": [(256, 256, 3), (256, 512, 3), (512, 1024, 3), (1024, 256, 1)],
        "head1_blocks": [(256, 512, 3), (512, OUT, 1)],
        "head2_backend": [(256, 128, 1), "unpool"],
        "head2_blocks": [(384, 256, 3), (256, OUT, 1)],
    },
    "yolo_kp": {
        "input_blocks": ["input"],
        "blocks": CHAIN + LATE,
        "heads": [(512, OUT, 1)],
    },
    "yolo_kp_events": {
        "blocks": ["spikes", "spikes", *CHAIN[2:], *LATE],
        "heads": [(512, OUT, 1)],
    },
}
"""By list: what a layer is, or its channels in and out and its kernel."""


def narrow(channels):
    if channels == OUT:
        return 3 * (5 + CLASSES)
    return channels if channels in (2, 3) else int(channels * WIDTH)


def random(*shape):
    return np.random.default_rng(sum(shape) + len(shape)).uniform(0.1, 1, shape).astype("f4")


def convolution(inputs, outputs, kernel):
    inputs, outputs = narrow(inputs), narrow(outputs)
    return {
        "synapse.weight_g": random(outputs, 1, 1, 1, 1),
        "synapse.weight_v": random(outputs, inputs, kernel, kernel, 1),
        "neuron.norm.running_mean": random(1, outputs, 1, 1, 1),
    }


def deltas(threshold):
    return {
        "neuron.bias": np.zeros(1, "f4"),
        "neuron.delta.threshold": np.array([threshold], "f4"),
        "neuron.delta.pre_state": np.zeros(1, "f4"),
    }


def layer(kind, number):
    """What the reference keeps of a layer."""
    if kind == "input":
        return deltas(0.3)
    if kind == "unpool":
        length, direction = np.full((1, 1, 1, 1, 1), 2.0), np.full((1, 1, 2, 2, 1), 1.0)
        return {**deltas(0.4), "synapse.weight_g": length, "synapse.weight_v": direction}
    if kind == "spikes":
        decays = {"neuron.current_decay": [4096.0], "neuron.voltage_decay": [409.6 + number]}
        sizes = [(2, 16, 3), (16, 32, 3)][number]
        return {**convolution(*sizes), **{k: np.array(v) for k, v in decays.items()}}
    if kind[1] == OUT:
        return {"weight": random(narrow(OUT), narrow(kind[0]), 1, 1, 1)}
    return {**convolution(*kind), **deltas(0.1 + number / 100)}


def checkpoint(name):
    found = {"anchors": random(2 if name.startswith("tiny") else 1, 3, 2)}
    for part, kinds in LAYERS[name].items():
        for number, kind in enumerate(kinds):
            for rest, value in layer(kind, number).items():
                found[f"{part}.{number}.{rest}"] = value
    return found


def detector(name, **options):
    return getattr(models, name)(CLASSES, width=WIDTH, **options)


def frames(name):
    return np.zeros((1, 2 if name.endswith("events") else 3, 64, 64, 1), "f4")


@functools.cache
def taken(name):
    return migrate.from_lava(checkpoint(name), detector(name), frames(name))


def numbers(variables, block):
    """All numbers of a block by name, but its shape."""
    trees = [tree[f"blocks_{block}"] for tree in variables.values() if f"blocks_{block}" in tree]
    leaves = [leaf for tree in trees for leaf in jax.tree_util.tree_leaves_with_path(tree)]
    return {".".join(key.key for key in path): np.asarray(leaf) for path, leaf in leaves}


@pytest.mark.parametrize("name", LAYERS)
def test_every_number_of_a_detector_arrives(name):
    variables = taken(name)
    kinds = [kind for part in LAYERS[name].values() for kind in enumerate(part)]
    assert len(kinds) == len(detector(name).network.blocks)
    for block, (number, kind) in enumerate(kinds):
        ours = numbers(variables, block)
        for rest, value in layer(kind, number).items():
            if rest.endswith(("pre_state", "bias")) or (kind == "unpool" and "weight" in rest):
                continue
            rest = rest.replace(".delta", "")
            rest = f"synapse.{rest}" if rest == "weight" else rest
            value = value / 4096 if "decay" in rest else value
            np.testing.assert_array_equal(ours.pop(rest).ravel(), np.float32(value).ravel())
        assert set(ours) <= {"shape", "neuron.norm.running_var"}


def test_a_detector_taken_over_keeps_its_anchors():
    name = "yolo_kp"
    ours, given = detector(name), checkpoint(name)
    np.testing.assert_array_equal(ours.anchors, np.float32(obd.ANCHORS[:1]))
    (raw,) = jax.eval_shape(ours.apply, taken(name), frames(name))
    assert raw.shape == (1, 3, 2, 2, 5 + CLASSES, 1)
    theirs = detector(name, anchors=obd.lava_anchors(given))
    np.testing.assert_array_equal(theirs.anchors, given["anchors"])
    with pytest.raises(
        ValueError, match=r"`state_dict` has anchors of shape \(\), expected widths"
    ):
        obd.lava_anchors({"blocks.0.synapse.weight": np.ones(2)})


def test_the_network_of_a_detector_takes_the_same_names():
    name = "yolo_kp_events"
    variables = migrate.from_lava(checkpoint(name), detector(name).network, frames(name))
    jax.tree.map(np.testing.assert_array_equal, variables["params"], taken(name)["params"])


def test_heads_for_other_classes_stay_as_new():
    name = "yolo_kp"
    other = models.yolo_kp(CLASSES + 1, width=WIDTH)
    sentence = r"holds heads\.0\.weight of shape .* or pass heads=False to leave it as"
    with pytest.raises(ValueError, match=sentence):
        migrate.from_lava(checkpoint(name), other, frames(name))
    variables = migrate.from_lava(checkpoint(name), other, frames(name), heads=False)
    new = other.init(jax.random.key(0), frames(name))
    blocks = variables["params"], new["params"], taken(name)["params"]
    mine, fresh, theirs = ([tree[f"blocks_{k}"]["synapse"] for k in (9, 10)] for tree in blocks)
    np.testing.assert_array_equal(mine[0]["weight_v"], theirs[0]["weight_v"])
    np.testing.assert_array_equal(mine[1]["weight"], fresh[1]["weight"])


def test_an_unpooling_layer_that_was_trained_needs_one_that_learns():
    name = "tiny_yolov3_str"
    given = checkpoint(name)
    given["head2_backend.1.synapse.weight_v"] = random(1, 1, 2, 2, 1)
    sentence = (
        r"holds head2_backend\.1\.synapse\.weight from .* or with `weight_norm` if it was learned"
    )
    with pytest.raises(ValueError, match=sentence):
        migrate.from_lava(given, detector(name), frames(name))
    variables = migrate.from_lava(given, detector(name, learn_unpool=True), frames(name))
    ours = variables["params"]["blocks_13"]["synapse"]
    np.testing.assert_array_equal(
        ours["weight_v"].ravel(), given["head2_backend.1.synapse.weight_v"].ravel()
    )
    assert float(ours["weight_g"].item()) == 2.0


def test_names_that_no_detector_has_are_listed():
    given = {**checkpoint("yolo_kp"), "heads.1.scale": np.ones(1)}
    with pytest.raises(ValueError, match=r"does not know: heads\.1\.scale; and it lacks: none"):
        migrate.from_lava(given, detector("yolo_kp"), frames("yolo_kp"))
