"""What adapters of the golden cases share."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass
class Result:
    """What a call gave; parts that were not asked for stay empty."""

    forward: dict = dataclasses.field(default_factory=dict)
    grads: dict = dataclasses.field(default_factory=dict)
    states: dict = dataclasses.field(default_factory=dict)
    buffers: dict = dataclasses.field(default_factory=dict)
    values: dict = dataclasses.field(default_factory=dict)
    ints: dict = dataclasses.field(default_factory=dict)


def pulled(function, ones: bool = False):
    """Compiles ``pull`` of ``function(primals, *held)``, to be called as often as one likes."""

    def run(primals, cotangents, *held):
        outputs, vjp, aux = jax.vjp(lambda p: function(p, *held), primals, has_aux=True)
        full = {
            k: cotangents[k].reshape(v.shape).astype(v.dtype)
            if k in cotangents
            else (jnp.ones_like(v) if ones else jnp.zeros_like(v))
            for k, v in outputs.items()
        }
        return outputs, aux, vjp(full)[0]

    return jax.jit(run)


def pull(function, primals: dict, cotangents: dict, ones: bool = False):
    """Outputs of ``function(primals) -> (dict, aux)``, the aux, and the gradients by name."""
    return pulled(function, ones)(primals, cotangents)


class Function:
    """A case of pure functions: ``make(config) -> function(inputs) -> outputs``."""

    def __init__(self, case, function, *, differentiate=("input",), params=(), unit=None):
        self.case, self.function, self.unit = case, function, unit or {}
        self.differentiate = differentiate
        self.params = {name: case[f"param.{name}"] for name in params}

    def call(self, spec, inputs, cotangents):
        given = {**self.params, **inputs}
        if "grads" not in spec:
            return Result(forward=jax.jit(lambda given: self.function(given, spec))(given))
        primals = {k: v for k, v in given.items() if k in (*self.differentiate, *self.params)}
        rest = {k: v for k, v in given.items() if k not in primals}
        out = lambda p: (self.function({**rest, **p}, spec), None)
        scalar = not cotangents and "grads" in spec
        outputs, _, grads = pull(out, primals, cotangents, ones=scalar)
        grads = {k: self.unit.get(k, 1) * np.asarray(v) for k, v in grads.items()}
        return Result(forward=outputs, grads=grads)

    def derived(self):
        return {}


def shaped(value):
    """A (1,) parameter of the golden files is our shared one, ()."""
    return value.reshape(()) if value.shape == (1,) else value
