"""Adapters for the synapse cases; golden weights have a last axis of one, and flat ones two more.

The weights of pooling are no parameters here: what a case has of them must equal our constant.
"""

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import synapse
from jslayer.ops import quantize
from tests.golden.adapter import Result, pull

KINDS = ("Dense", "Conv", "ConvTranspose", "Pool", "Unpool")


class SynapseCase:
    """Any synapse: one call; ``parts`` are the prefixes of its parameters."""

    module, parts = synapse, ("",)

    def __init__(self, case):
        config = dict(case.config)
        hook = config.pop("pre_hook", None)
        self.scale = hook["quantize_8bit_w_scale"] if hook else None
        if hook:
            config["pre_hook_fx"] = lambda w: quantize.quantize_8bit(w, self.scale)
        kind = case.kind.split(".")[-1]
        self.synapse = getattr(self.module, kind)(**config)
        self.bare = getattr(synapse, kind)(**{**config, "pre_hook_fx": None})
        self.golden = {
            name[len("param.") :]: case[name]
            for name in case.data["inputs"]
            if name.startswith("param.")
        }
        self.channels = case["c1.in.input"].shape[1]
        self.shape = self.bare.weight_shape(None if "Dense" in kind else self.channels)
        self.params = {part: self.of_part(part) for part in self.parts}

    def of_part(self, prefix):
        """Our parameters of one part, from the golden arrays that start with ``prefix``."""
        own = {n[len(prefix) :]: v for n, v in self.golden.items() if n.startswith(prefix)}
        ours = {n: jnp.asarray(v.reshape(v.shape[: len(self.shape)])) for n, v in own.items()}
        if self.bare.kind in ("pool", "unpool") and "weight" in ours:
            np.testing.assert_array_equal(self.bare.weight_in_use({}), ours["weight"])
            return {}
        return ours

    def nested(self, params):
        """Parameters by part as the module's own."""
        return params[""]

    def named(self, y):
        """Outputs by golden name."""
        return {"output": y}

    def call(self, spec, inputs, cotangents):
        def function(p):
            variables = {"params": self.nested(p["params"])}
            return self.named(self.synapse.apply(variables, p["input"])), None

        primals = {"input": jnp.asarray(inputs["input"]), "params": self.params}
        outputs, _, found = pull(function, primals, cotangents)
        self.gradients = self.nested(found["params"])
        grads = {"input": found["input"]}
        for part in self.parts:
            for name, value in found["params"][part].items():
                grads[part + name] = value.reshape(self.golden[part + name].shape)
            outputs |= self.weights(part)
        assert not set(spec.get("grads_none", ())) & set(grads)
        return Result(forward=outputs, grads=grads)

    def weights(self, part):
        """The normalised, the quantised and the descaled weight of one part."""
        name = next(n for n in (f"{part}weight", f"{part}weight_v") if n in self.golden)
        shape = self.golden[name].shape

        @jax.jit
        def run(params):
            plain = self.bare.weight_in_use(params[part])
            found = {"": plain}
            if self.scale:
                found["used"] = self.synapse.weight_in_use(self.nested(params))
                found["_quantized"] = quantize.quantize_8bit(plain, self.scale)
                found["_descaled"] = quantize.quantize_8bit(plain, self.scale, descale=True)
            return found

        found = run(self.params)
        if self.scale:
            used = found.pop("used")
            used = used[self.parts.index(part)] if isinstance(used, tuple) else used
            np.testing.assert_array_equal(used, found["_quantized"])
        return {f"{part}weight{n}": np.asarray(v).reshape(shape) for n, v in found.items()}

    def derived(self):
        """Shape and fan-in of every weight, size of the last gradient."""
        axes_of_one = (1,) * (5 - len(self.shape))
        return {
            "weight_shape": {f"{p}weight": [*self.shape, *axes_of_one] for p in self.parts},
            "grad_norm": synapse.grad_norm(self.gradients),
            "fan_in": {f"{p}weight": int(np.prod(self.shape[1:])) for p in self.parts},
        }


class ComplexCase(SynapseCase):
    """A complex synapse."""

    module, parts = synapse.complex, ("real.", "imag.")

    def nested(self, params):
        return {"real": params["real."], "imag": params["imag."]}

    def named(self, y):
        return {"real": y[0], "imag": y[1]}


ADAPTERS = {
    **{f"synapse.{kind}": SynapseCase for kind in KINDS},
    **{f"synapse.complex.{kind}": ComplexCase for kind in KINDS},
}
