"""Adapters for the core cases: from a case to our functions, in the golden files' own units.

An adapter takes a case and returns an object with ``call(spec, inputs)``, where ``inputs`` maps
names to arrays; it gives a `Result`. Decays are stored times 4096 there and the recorded gradient
of a leaky decay is that of ``1 - decay`` in natural units, the negative of the true one.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import axon, classifier, loss, neuron
from jslayer.ops import engine, filter, leaky_integrator, quantize, shift, spike, surrogate
from jslayer.ops.delay import delay
from jslayer.training.rates import event_rate
from jslayer.utils.filter import FIR
from tests.golden import adapters_loss, adapters_neuron, adapters_synapse
from tests.golden.adapter import Function, Result, pull, shaped


def leaky_case(case):
    scale, threshold = case.config["w_scale"], case.config["threshold"]
    reset = threshold is not None and threshold > 0
    record = leaky_integrator.LeakyIntegrator(s_scale=scale, reset=reset)

    def function(given, spec):
        x = jnp.moveaxis(given["input"], (-1, 1), (0, -1))
        state = (jnp.asarray(given["state"], jnp.float32) * scale).astype(jnp.int32)
        state = jnp.moveaxis(state, 1, -1) if state.ndim > 1 else state
        params = {"decay": shaped(given["decay"] / 4096)}
        if reset:
            params["threshold"] = jnp.float32(threshold)
        state = {
            "y": jnp.broadcast_to(state.reshape(()) if state.size == 1 else state, x.shape[1:])
        }
        outputs, _ = engine.run(record, params, state, x)
        y = jnp.moveaxis(outputs["y"], (0, -1), (-1, 1))
        found = {"output": y}
        if "spike" in spec["forward"]:
            found["spike"] = (y >= np.float32(threshold)).astype(jnp.float32)
        return found

    # d(loss)/d(stored) = true / 4096; recorded is minus the true one
    adapter = Function(case, function, params=("decay",), unit={"decay": -4096})
    adapter.ints = {"output": scale}
    return adapter


def spike_case(case):
    config = case.config
    kind = surrogate.OneSidedExponential if config["graded_spike"] else surrogate.Exponential
    derivative = kind(tau=config["tau_rho"], scale=config["scale_rho"])

    def function(given, spec):
        threshold = given.get("threshold", config["threshold"])
        return {
            "spike": spike.spike(
                given["voltage"],
                threshold,
                surrogate=derivative,
                graded=config["graded_spike"],
                scale=config["scale"],
            )
        }

    return Function(case, function, differentiate=("voltage",))


class NormCase:
    """A norm over several calls."""

    def __init__(self, kind, case):
        config = dict(case.config)
        self.scale = (config["pre_hook"] or {}).get("quantize_8bit_w_scale", 64)
        if config["pre_hook"]:
            config["pre_hook"] = lambda w: quantize.quantize_8bit(w, self.scale)
        self.norm, self.variables = kind(**config), None

    def call(self, spec, inputs, cotangents):
        x, train = jnp.asarray(inputs["input"]), spec["mode"] == "train"
        if self.variables is None:
            self.variables = jax.jit(self.norm.init)(jax.random.key(0), x)

        def function(p):
            y, new = self.norm.apply(
                self.variables, p["input"], train=train, mutable=["batch_stats"]
            )
            return {"output": y}, new

        outputs, new, grads = pull(function, {"input": x}, cotangents)
        self.variables = new
        return Result(forward=outputs, grads=grads, buffers=dict(new["batch_stats"]))

    def derived(self):
        statistics = self.variables["batch_stats"]
        found = {"bias": self.norm.bias(statistics, self.scale)}
        if isinstance(self.norm, neuron.WgtScaleBatchNorm):
            found["weight_exp"] = np.atleast_1d(self.norm.weight_exp(statistics))
        return found


class DelayAxon:
    """The learnable delay."""

    def __init__(self, case):
        self.axon = axon.Delay(**case.config)
        self.delay = jnp.asarray(case["param.delay"])

    def call(self, spec, inputs, cotangents):
        def function(p):
            y = self.axon.apply({"params": {"delay": p["delay"]}}, p["input"])
            return {"output": y, "delay_after": self.axon.clamped(p["delay"])}, None

        primals = {"input": jnp.asarray(inputs["input"]), "delay": self.delay}
        outputs, _, grads = pull(function, primals, cotangents)
        return Result(forward=outputs, grads=grads)

    def derived(self):
        return {}


def fixed_delay(case):
    """The function form: a whole-step delay of all channels."""

    def function(given, spec):
        x = jnp.moveaxis(given["input"], -1, 0)
        y, _ = delay(
            x,
            jnp.float32(case.config["delay_val"]),
            sampling_time=case.config["sampling_time"],
        )
        return {"output": jnp.moveaxis(y, 0, -1)}

    return Function(case, function)


def unary(make):
    """Adapter of a function of ``input`` made from the configuration."""

    def build(case):
        function = make(case.config)
        return Function(case, lambda given, spec: {"output": function(given["input"])})

    return build


def shift_case(case):
    def function(given, spec):
        amount = given.get("shift_val", case.config.get("shift_val"))
        if isinstance(amount, list):
            amount = jnp.asarray(amount, jnp.float32)
        return {"output": shift.shift(given["input"], amount, case.config["sampling_time"])}

    return Function(case, function)


def filter_case(op):
    def build(case):
        time = case.config.get("sampling_time", 1)
        return Function(
            case, lambda given, spec: {"output": op(given["input"], given["filter"], time)}
        )

    return build


def fir_case(case):
    config = {k: jnp.asarray(v) if isinstance(v, list) else v for k, v in case.config.items()}

    def function(given, spec):
        if "fir_response" in given:
            config["fir_response"] = given["fir_response"]
        fir = FIR(**config)
        golden = case[spec["forward"]["filter"]]
        return {"output": fir(given["input"]), "filter": fir.response.reshape(golden.shape)}

    return Function(case, function)


class RateValue:
    def __init__(self, case):
        pass

    def call(self, spec, inputs, cotangents):
        return Result(values={"rate": event_rate(jnp.asarray(inputs["input"]))})

    def derived(self):
        return {}


def loss_case(kind, target):
    def build(case):
        criterion = kind(**case.config)

        def function(given, spec):
            wanted = given[target]
            if target == "label":
                wanted = wanted.astype(jnp.int32)
            return {"loss": criterion(given["input"], wanted)}

        return Function(case, function)

    return build


class RateClassifier:
    """The rate classifier: one read-out per call, on the input of the first."""

    def __init__(self, case):
        self.x = None

    def call(self, spec, inputs, cotangents):
        if "input" in inputs:
            self.x = jnp.asarray(inputs["input"])
        wanted = next(iter(spec["forward"]))
        if wanted == "predict":
            rates = classifier.Rate.confidence(self.x)
            top = jnp.sort(rates, axis=1)
            unique = top[:, -1] > top[:, -2]
            return Result(
                forward={"predict": classifier.Rate.predict(self.x), "predict_unique": unique}
            )
        read = (
            classifier.Rate.rate
            if wanted == "rate"
            else lambda x: classifier.Rate.confidence(x, wanted)
        )
        outputs, _, grads = pull(
            lambda p: ({wanted: read(p["input"])}, None), {"input": self.x}, cotangents
        )
        return Result(forward=outputs, grads=grads)

    def derived(self):
        return {}


ADAPTERS: dict[str, Any] = {
    **adapters_neuron.ADAPTERS,
    **adapters_synapse.ADAPTERS,
    **adapters_loss.ADAPTERS,
    "dynamics.leaky_integrator": leaky_case,
    "spike.real": spike_case,
    "norm.MeanOnlyBatchNorm": lambda case: NormCase(neuron.MeanOnlyBatchNorm, case),
    "norm.WgtScaleBatchNorm": lambda case: NormCase(neuron.WgtScaleBatchNorm, case),
    "axon.Delay": DelayAxon,
    "axon.delay": fixed_delay,
    "utils.time.shift": shift_case,
    "utils.time.replicate": unary(lambda c: lambda x: shift.replicate(x, c["num_steps"])),
    "utils.quantize": unary(lambda c: lambda x: quantize.quantize(x, **c)),
    "utils.quantize_8bit": unary(
        lambda c: lambda x: quantize.quantize_8bit(x, c["w_scale"], descale=c["descale"])
    ),
    "utils.quantize_hook_fx": unary(lambda c: lambda x: quantize.quantize_hook_fx(x, **c)),
    "utils.filter.conv": filter_case(filter.conv),
    "utils.filter.corr": filter_case(filter.corr),
    "utils.filter.FIR": fir_case,
    "utils.event_rate": RateValue,
    "loss.SpikeTime": loss_case(loss.SpikeTime, "desired"),
    "loss.SpikeRate": loss_case(loss.SpikeRate, "label"),
    "classifier.Rate": RateClassifier,
}
