"""Adapters for the losses, the moving window and the small utilities of the core cases."""

import jax.numpy as jnp
import numpy as np

from jslayer import classifier, loss
from jslayer.utils.filter import FIRBank
from jslayer.utils.mask import diagonal_mask
from tests.golden.adapter import Function, Result, pull


def on_labels(kind):
    """Adapter of a loss on labels; class numbers are int64 in the files."""

    def build(case):
        criterion = kind(**case.config)

        def function(given, spec):
            label = given["label"]
            if jnp.issubdtype(label.dtype, jnp.integer):
                label = label.astype(jnp.int32)
            return {"loss": criterion(given["input"], label)}

        return Function(case, function)

    return build


def sparsity(case):
    """The penalty on several inputs at once, and its terms."""
    enforcer = loss.SparsityEnforcer(**case.config)
    names = tuple(key.removeprefix("c1.in.") for key in case.data["inputs"])

    class Adapter(Function):
        def call(self, spec, inputs, cotangents):
            # the loss alone is differentiated, the terms are only read
            cotangents = {"loss": np.float32(1)}
            return super().call(spec, inputs, cotangents)

    def function(given, spec):
        activations = [given[name] for name in names]
        return {"loss": enforcer(activations), "terms": enforcer.terms(activations)}

    return Adapter(case, function, differentiate=names)


class Window:
    """The moving window: one read-out per call, on the input of the first."""

    def __init__(self, case):
        self.classifier, self.x = classifier.MovingWindow(**case.config), None

    def call(self, spec, inputs, cotangents):
        if "input" in inputs:
            self.x = jnp.asarray(inputs["input"])
        wanted = next(iter(spec["forward"]))
        if wanted == "predict":
            top = jnp.sort(self.classifier.rate(self.x), axis=1)
            unique = (top[:, -1] > top[:, -2]).astype(jnp.uint8)
            found = self.classifier(self.x)
            return Result(forward={"predict": found, "predict_unique": unique})
        read = {
            "rate": self.classifier.rate,
            "confidence_default": self.classifier.confidence,
        }.get(wanted, lambda x: self.classifier.confidence(x, wanted))
        outputs, _, grads = pull(
            lambda p: ({wanted: read(p["input"])}, None), {"input": self.x}, cotangents
        )
        return Result(forward=outputs, grads=grads)

    def derived(self):
        return {}


class Bank:
    """The filter bank; golden weights have three axes of one in the middle."""

    def __init__(self, case):
        self.bank = FIRBank(**case.config)
        self.golden = case["param.weight"]

    def call(self, spec, inputs, cotangents):
        def function(p):
            weight = p["weight"].reshape(self.golden.shape[0], -1)
            y = self.bank.apply({"params": {"weight": weight}}, p["input"])
            return {"output": y, "impulse_response": self.bank.impulse_responses(weight)}, None

        primals = {"input": jnp.asarray(inputs["input"]), "weight": jnp.asarray(self.golden)}
        outputs, _, grads = pull(function, primals, cotangents)
        return Result(forward=outputs, grads=grads)

    def derived(self):
        return {}


class Mask:
    """The diagonal mask, which has no input."""

    def __init__(self, case):
        self.config = case.config

    def call(self, spec, inputs, cotangents):
        return Result(forward={"output": diagonal_mask(**self.config)})

    def derived(self):
        return {}


ADAPTERS = {
    "loss.SpikeMax": on_labels(loss.SpikeMax),
    "loss.SpikeMoid": on_labels(loss.SpikeMoid),
    "loss.SparsityEnforcer": sparsity,
    "classifier.MovingWindow": Window,
    "utils.filter.FIRBank": Bank,
    "utils.diagonal_mask": Mask,
}
