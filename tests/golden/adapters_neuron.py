"""Adapters for dynamics, neurons, delta encoder and sigma decoder in the golden files' units."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import axon, dendrite, neuron
from jslayer.ops import (
    adaptive_threshold,
    engine,
    fixed_point,
    layout,
    resonate_and_fire,
    resonator,
    spike,
)
from jslayer.ops.surrogate import PhaseExponential
from tests.golden.adapter import Function, Result, pull, pulled, shaped

NORMS = {c.__name__: c for c in (neuron.MeanOnlyBatchNorm, neuron.WgtScaleBatchNorm)}

# recorded gradients: of 1 - decay for leaks, of the true parameter for rotations
SIGN = {"current_decay": -1, "voltage_decay": -1}

NAMES = {"ref_decay": "refractory_decay", "th_decay": "threshold_decay"}
TRACES = {"re_input": "real", "im_input": "imag", "real_input": "real", "imag_input": "imag"}


def integer_state(value, scale, shape):
    """A float state as an inner-order integer row."""
    value = (jnp.asarray(value, jnp.float32) * scale).astype(jnp.int32)
    if value.size == 1:
        return jnp.broadcast_to(value.reshape(()), shape)
    return jnp.moveaxis(value, 1, -1)


def dynamics_case(make, states):
    """A case of pure dynamics: ``make(config) -> (record, given parameters)``."""

    def build(case):
        scale = case.config["w_scale"]
        record, extra = make(case.config)
        names = [n[len("param.") :] for n in case.data["inputs"] if n.startswith("param.")]

        def function(given, spec):
            inputs = {TRACES[k]: layout.time_first(v) for k, v in given.items() if k in TRACES}
            x = inputs or layout.time_first(given["input"])
            shape = jax.tree.leaves(x)[0].shape[1:]
            state = {
                ours: integer_state(given[name], scale, shape) for name, ours in states.items()
            }
            if "adaptation" in state:
                state["adaptation"] = state["adaptation"] - int(case.config["th0"] * scale)
            params = {NAMES.get(n, n): shaped(given[n]) / 4096 for n in names}
            params |= {n: jnp.float32(v) for n, v in extra.items()}
            state = {n: state[n] for n in record.init(jnp.zeros(()))}
            outputs, _ = engine.run(record, params, state, x)
            if "spike" not in outputs and "threshold" in extra:
                outputs["spike"] = (outputs["imag"] >= extra["threshold"]).astype(jnp.float32)
            return {n: layout.time_last(v) for n, v in outputs.items() if n in spec["forward"]}

        differentiate = [n for n in (*TRACES, "input") if f"c1.in.{n}" in case.data["inputs"]]
        unit = {n: 4096 for n in names}
        adapter = Function(case, function, differentiate=differentiate, params=names, unit=unit)
        adapter.ints = dict.fromkeys(("real", "imag", "threshold", "refractory"), scale)
        return adapter

    return build


def resonator_record(config):
    threshold = config["threshold"]
    record = resonator.Resonator(config["w_scale"], reset=threshold is not None)
    return record, {} if threshold is None else {"threshold": threshold}


def adaptive_record(phase):
    def make(config):
        record = adaptive_threshold.AdaptiveThreshold(config["w_scale"], phase=phase)
        return record, {"threshold": config["th0"], "threshold_step": config["th_scale"]}

    return make


def adaptive_resonator_record(config):
    record = resonate_and_fire.AdrfIz(config["w_scale"], trace=True)
    return record, {"threshold": config["th0"], "threshold_step": config["th_scale"]}


COMPLEX_STATES = {"real_state": "real", "imag_state": "imag"}
ADAPTIVE_STATES = {"ref_state": "refractory", "th_state": "adaptation"}


def phase_spike_case(case):
    config = case.config
    derivative = PhaseExponential(config["tau_rho"], config["scale_rho"], config["graded_spike"])

    def function(given, spec):
        first = lambda x: jnp.moveaxis(x, -1, 0)
        threshold = given.get("threshold", config["threshold"])
        last = given.get("imag_last", config["imag_last"])
        spikes = spike.phase_spike(
            first(given["real"]),
            first(given["imag"]),
            first(threshold) if np.ndim(threshold) else threshold,
            last,
            surrogate=derivative,
            graded=config["graded_spike"],
            scale=config["scale"],
        )
        return {"spike": jnp.moveaxis(spikes, 0, -1)}

    return Function(case, function, differentiate=("real", "imag"))


class NeuronCase:
    """A neuron over several calls, with its state and running statistics handed on."""

    def __init__(self, case):
        config = {k: tuple(v) if isinstance(v, list) else v for k, v in case.config.items()}
        self.kind = case.kind.split(".")[1]
        self.module = getattr(neuron, self.kind)
        name, kwargs = config.pop("norm", None), config.pop("norm_kwargs", None) or {}
        if name is not None:
            kind = NORMS[name]
            config["norm"] = lambda pre_hook, parent=None, name=None: kind(
                pre_hook=pre_hook, parent=parent, name=name, **kwargs
            )
            self.bare_norm = kind(**kwargs)
        if self.kind == "adrf":  # the reference pairs its phase spike with a plain spike's numbers
            config |= {"tau_multiplier": 100.0, "scale_multiplier": 0.1}
        given = config.pop("bias", None)
        if given is not None:
            config |= {"bias": 0.0, "bias_param": given if given == "neuron" else False}
        self.case, self.norm_name = case, name
        self.neuron = self.module.Neuron(**config)
        self.home = "params" if config["requires_grad"] else "constants"
        golden = [n[len("param.") :] for n in case.data["inputs"] if n.startswith("param.")]
        self.golden_shape = {self.ours(n): case[f"param.{n}"].shape for n in golden}
        self.golden_name = {self.ours(n): n for n in golden}
        self.variables = {
            self.home: {self.ours(n): self.to_ours(n, case[f"param.{n}"]) for n in golden}
        }
        self.batch = None

    @staticmethod
    def ours(name):
        return name.split(".")[-1]

    def to_ours(self, name, value):
        return jnp.asarray(self._natural(name, value))  # of NumPy: nothing to compile

    def _natural(self, name, value):
        if name == "bias":
            return value.reshape(value.shape[:1]) if self.neuron.bias_param is False else value
        if self.kind == "sigma_delta":
            return value.reshape(()) if value.shape == (1,) else value.reshape(-1)
        return shaped(value) / 4096

    def inputs(self, inputs):
        if self.neuron.complex_input:
            return {"real_input": inputs["real_input"], "imag_input": inputs["imag_input"]}
        return {"input": inputs["input"]}

    def call(self, spec, inputs, cotangents):
        like = jax.tree.leaves(inputs)[0]
        if self.batch not in (None, like.shape[0]):
            self.variables.pop("state", None)  # a new batch size: the user starts afresh
        self.batch = like.shape[0]
        held = {k: v for k, v in self.variables.items() if k != "params"}
        train = spec["mode"] == "train"
        if self.norm_name and "batch_stats" not in held:
            mean, variance = np.zeros(like.shape[1], np.float32), np.zeros((), np.float32)
            zero = {"running_mean": mean, "running_var": variance}
            held["batch_stats"] = dict.fromkeys(self.neuron.norm_names, zero)

        primals = {**inputs, "params": self.variables.get("params", {})}
        run = self.compiled(tuple(inputs), tuple(spec["forward"]), train)
        outputs, new, grads = run(primals, cotangents, held)
        self.variables.update({k: v for k, v in {**held, **new}.items() if k != "intermediates"})
        result = Result(forward=outputs, grads={n: grads[n] for n in inputs})
        for name, value in grads["params"].items():
            golden = np.asarray(value).reshape(self.golden_shape[name])
            result.grads[self.golden_name[name]] = SIGN.get(name, 1) * golden
        result.states = self.states()
        for norm, statistics in self.variables.get("batch_stats", {}).items():
            result.buffers |= {f"{norm}.{name}": value for name, value in statistics.items()}
        self.shape = like.shape[1:-1]
        return result

    @functools.cache  # noqa: B019
    def compiled(self, names, wanted, train):
        mutable = ["intermediates", "state", *(["batch_stats"] if train else [])]

        def function(p, held):
            params = {"params": p["params"]} if p["params"] else {}
            x = tuple(p[n] for n in names)
            x = x if self.neuron.complex_input else x[0]
            y, new = self.neuron.apply({**held, **params}, x, train=train, mutable=mutable)
            traces = {n: v[0] for n, v in new["intermediates"].items()}
            found = {"spike": y, **traces}
            return {n: v for n, v in found.items() if n in wanted}, new

        return pulled(function)

    def states(self):
        found = {}
        for name, value in self.variables.get("state", {}).items():
            if self.kind == "sigma_delta":
                golden = {"sum_state": "sigma.pre_state", "previous_state": "delta.pre_state"}
                found[golden.get(name, f"delta.{name}")] = value
                continue
            value = np.asarray(value)
            if name == "adaptation_state":
                name, value = "threshold_state", value + self.neuron.v_th_mant * 64
            found[name] = value.astype(np.float32) / self.neuron.s_scale
        return found

    def derived(self):
        n, v = self.neuron, self.variables
        device = n.device_params(v)
        found = {
            "p_scale": n.p_scale,
            "w_scale": n.w_scale,
            "s_scale": n.s_scale,
            "scale": n.scale,
            "weight_exponent": n.weight_exponent,
            "shape": list(self.shape),
            "num_neurons": int(np.prod(self.shape)),
            "v_th_mant": device["vThMant"],
            "ref_delay": device.get("refDelay"),
            "device_params": device,
            "neuron_params": self.module.neuron_params(device, scale=n.scale),
        }
        if self.kind == "sigma_delta":
            found["threshold"] = n.clamped(v[self.home]["threshold"]).reshape(
                self.golden_shape["threshold"]
            )
        else:
            found |= {
                "tau_rho": n.tau_rho,
                "scale_rho": n.scale_rho,
                "threshold": n.quantized_threshold,
                "params_after": self.params_after(),
                **{name: getattr(n, name) for name in ("threshold_eps",) if hasattr(n, name)},
            }
            for name in v[self.home]:
                found[f"cx_{name}"] = getattr(n, f"cx_{name}")(v)
        if hasattr(n, "v_th_step"):
            found |= {"v_th_step": n.v_th_step, "threshold_step": n.v_th_step / n.scale}
        if n.complex_input:
            for name in ("period", "frequency"):
                found[name] = np.atleast_1d(getattr(self.module, name)(n, v))
            # recorded in float32, where 1 - gain cancels; ours are right to the last digit
            sin, cos = (np.float32(c) for c in (n.cx_sin_decay(v), n.cx_cos_decay(v)))
            found["decay"] = np.atleast_1d(1 - np.sqrt(sin * sin + cos * cos) / np.float32(4096))
            found["lam"] = -np.log(1 - found["decay"])
            precise = np.atleast_1d(self.module.decay(n, v))
            np.testing.assert_allclose(precise, found["decay"], atol=1e-7)
        if self.norm_name:
            norm = self.bare_norm.clone(pre_hook=n.quantize_8bit)
            for name, statistics in v["batch_stats"].items():
                found[f"{name}.bias"] = norm.bias(statistics, n.scale)
                if isinstance(norm, neuron.WgtScaleBatchNorm):
                    found[f"{name}.weight_exp"] = np.atleast_1d(norm.weight_exp(statistics))
        return found

    def params_after(self):
        found = dict(self.variables[self.home])
        if self.neuron.complex_input:
            found["sin_decay"], found["cos_decay"] = fixed_point.clamp_rotation(
                found["sin_decay"], found["cos_decay"]
            )
        for name in ("current_decay", "voltage_decay"):
            if name in found:
                found[name] = jnp.clip(found[name], 0, 1)
        golden = self.case.data["outputs"]["derived"].get("params_after", {})
        return {n: np.atleast_1d(found[n]) * 4096 for n in golden}


class CoderCase:
    """The delta encoder or the sigma decoder over several calls."""

    def __init__(self, kind, names, case):
        self.coder, self.names, self.batch = kind(**case.config), names, None
        self.variables = {}
        if case.has("param.threshold"):
            self.golden_shape = case["param.threshold"].shape
            value = jnp.asarray(case["param.threshold"])
            value = value.reshape(()) if value.shape == (1,) else value.reshape(-1)
            self.home = "params" if case.config["requires_grad"] else "constants"
            self.variables = {self.home: {"threshold": value}}

    def call(self, spec, inputs, cotangents):
        x = jnp.asarray(inputs["input"])
        if self.batch not in (None, x.shape[0]):
            self.variables.pop("state", None)
        self.batch = x.shape[0]
        held = {k: v for k, v in self.variables.items() if k != "params"}

        def function(p):
            params = {"params": p["params"]} if p["params"] else {}
            y, new = self.coder.apply({**held, **params}, p["input"], mutable=["state"])
            return {"output": y}, new

        primals = {"input": x, "params": self.variables.get("params", {})}
        outputs, new, grads = pull(function, primals, cotangents)
        self.variables |= new
        result = Result(forward=outputs, grads={"input": grads["input"]})
        for name, value in grads["params"].items():
            result.grads[name] = value.reshape(self.golden_shape)
        for name, value in self.variables.get("state", {}).items():
            result.states[self.names.get(name, name)] = value
        return result

    def derived(self):
        if "state" in self.names:
            return {}
        if isinstance(self.coder, dendrite.Sigma):
            return {"device_params": {"type": "SDNN", "sigma_output": True}}
        threshold = self.coder.clamped(self.variables[self.home]["threshold"])
        return {"threshold_after": threshold.reshape(self.golden_shape)}


ADAPTERS = {
    "dynamics.resonator": dynamics_case(resonator_record, COMPLEX_STATES),
    "dynamics.adaptive_threshold": dynamics_case(adaptive_record(False), ADAPTIVE_STATES),
    "dynamics.adaptive_phase_th": dynamics_case(
        adaptive_record(True), {**ADAPTIVE_STATES, "im_state": "imag"}
    ),
    "dynamics.adaptive_resonator": dynamics_case(
        adaptive_resonator_record, {**COMPLEX_STATES, **ADAPTIVE_STATES}
    ),
    "spike.complex": phase_spike_case,
    **{
        f"neuron.{name}": NeuronCase
        for name in ("cuba", "alif", "rf", "rf_iz", "adrf", "adrf_iz", "sigma_delta")
    },
    "axon.Delta": lambda case: CoderCase(axon.Delta, {"previous_state": "pre_state"}, case),
    "dendrite.Sigma": lambda case: CoderCase(dendrite.Sigma, {"sum_state": "pre_state"}, case),
}
