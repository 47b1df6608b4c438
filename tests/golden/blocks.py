"""Adapters for the block cases: blocks and networks in the golden files' names and units."""

import functools

import jax
import jax.numpy as jnp
import numpy as np

from jslayer import block, loss, neuron
from jslayer.synapse.base import weight_in_use

FAMILIES = {
    name: getattr(block, name)
    for name in ("cuba", "alif", "rf", "rf_iz", "adrf", "adrf_iz", "sigma_delta")
}
NORMS = {c.__name__: c for c in (neuron.MeanOnlyBatchNorm, neuron.WgtScaleBatchNorm)}

# recorded gradient of a leak is that of 1 - decay in natural units
LEAKS = ("current_decay", "voltage_decay")
DECAYS = (*LEAKS, "sin_decay", "cos_decay", "threshold_decay", "refractory_decay")


def sign(name):
    """From our gradient to the recorded one."""
    return -1 if name.split(".")[-1] in LEAKS else 1


def leaky_relu(x):
    """`jax.nn.leaky_relu` with the reference's derivative at 0, that of the negative side."""
    return jnp.where(x > 0, x, 0.01 * x)


def build_block(family, name, neuron_params, kwargs, **more):
    """A block from its configuration."""
    kwargs = {k: tuple(v) if isinstance(v, list) else v for k, v in kwargs.items()} | more
    if kwargs.get("pre_hook_fx") == "none":
        kwargs["pre_hook_fx"] = None
    kind = getattr(FAMILIES[family], name)
    if name in ("Flatten", "Average", "TimeDecimation"):
        return kind(**kwargs)
    if neuron_params is not None:
        neuron_params = dict(neuron_params)
        if neuron_params.get("norm"):
            neuron_params["norm"] = NORMS[neuron_params["norm"]]
        if neuron_params.get("activation") == "leaky_relu":
            neuron_params["activation"] = leaky_relu
        if family == "adrf":  # the reference pairs its phase spike with a plain spike's numbers
            neuron_params |= {"tau_multiplier": 100.0, "scale_multiplier": 0.1}
    return kind(neuron_params, **kwargs)


def place(name):
    """Where a golden parameter lives among a block's parameters."""
    path = [part for part in name.split(".") if part not in ("threshold_unit",)]
    if path[0] == "delay":
        return ("delay_line", "delay")
    if path[:2] == ["neuron", "delta"]:
        return ("neuron", "threshold")
    return tuple(path)


def unused(name, value):
    """True for what we have no parameter for: a bias of zero that was never set."""
    return name.endswith("neuron.bias") and not np.any(value)


def to_ours(name, value, block_):
    """A golden parameter as ours: natural units, no axes of size one."""
    path = name.split(".")
    if path[-1] in DECAYS:
        value = value / 4096
        return value.reshape(()) if value.shape == (1,) else value
    if path[0].endswith("synapse"):
        value = value[..., 0]
        spatial = isinstance(getattr(block_, "in_neurons", 0), tuple)
        flat = type(block_).__name__ in ("Dense", "Affine", "Output", "Recurrent", "KWTA")
        return value[..., 0, 0] if flat and not spatial else value
    if path[-1] == "threshold":
        return value.reshape(()) if value.size == 1 else value.reshape(-1)
    if name in ("weight", "bias", "self_excitation"):
        return value.reshape(())
    return value


def nest(flat):
    """``{(a, b): v}`` to ``{a: {b: v}}``."""
    tree = {}
    for path, value in flat.items():
        node = tree
        for part in path[:-1]:
            node = node.setdefault(part, {})
        node[path[-1]] = value
    return tree


def leaf(tree, path):
    for part in path:
        tree = tree[part]
    return tree


def learnable(block_, name):
    """True if we keep the golden parameter: a plain pool's constant weight is none."""
    pool = type(block_).__name__ in ("Pool", "Unpool")
    return not (pool and name.startswith("synapse") and not block_.weight_norm)


def parameters(case, block_, prefix="param/"):
    """``{golden name: our value}`` of all parameters of a block under ``prefix``."""
    found, channels = {}, {}
    for name in case.data["arrays"]:
        if not name.startswith(prefix) or unused(name, case[name]):
            continue
        short = name[len(prefix) :]
        if "threshold_unit" in short:
            channels[int(short.split(".")[-2])] = case[name].reshape(())
        elif learnable(block_, short):
            found[short] = to_ours(short, case[name], block_)
    if channels:
        per_channel = np.stack([channels[i] for i in range(len(channels))])
        found["neuron.delta.threshold"] = per_channel
    return found


def statistics(case, prefix="buffer/"):
    """``batch_stats`` of a block from the recorded running statistics."""
    flat = {}
    for name in case.data["arrays"]:
        if name.startswith(prefix):
            path = tuple(name[len(prefix) :].split("."))
            value = case[name]
            flat[path] = value.reshape(()) if path[-1] == "running_var" else value
    for path in list(flat):
        flat.setdefault((*path[:-1], "running_var"), np.float32(0))
    return nest(flat)


class BlockCase:
    """One block, one call."""

    def __init__(self, case):
        config = case.config
        more = {"mask": self.mask(case)} if case.has("mask") else {}
        if case.has("recurrent_bias"):
            more["bias"] = float(np.ravel(case["recurrent_bias"])[0])
        self.block = build_block(
            config["family"], config["block"], config["neuron_params"], config["kwargs"], **more
        )
        self.case = case
        named = parameters(case, self.block)
        self.paths = {name: place(name) for name in named}
        self.params = nest({self.paths[n]: v for n, v in named.items()})
        self.held = self.collections()

    def collections(self):
        """What the block needs besides its learned parameters."""
        stats = statistics(self.case)
        held = {"batch_stats": stats} if stats else {}
        neuron_params = self.case.config["neuron_params"] or {}
        if not neuron_params.get("requires_grad") and "neuron" in self.params:
            held["constants"] = {"neuron": self.params.pop("neuron")}
            self.paths = {n: p for n, p in self.paths.items() if p[0] != "neuron"}
        return held

    def mask(self, case):
        mask = case["mask"]
        return mask.reshape(mask.shape[:2]) if mask.ndim > 2 else mask

    def run(self):
        """Output, what count_log adds, gradients in golden units, statistics afterwards, weights.

        All in one program, whose compilation is what takes the time.
        """
        case, train = self.case, self.case.config.get("train", True)
        counted = self.block.clone(count_log=True)

        def function(params, x):
            (y, count), new = counted.apply(
                {"params": params, **self.held},
                x,
                train=train,
                mutable=["batch_stats", "intermediates"],
            )
            return y, (count, new)

        def run(params, x, cotangent):
            y, pullback, (count, new) = jax.vjp(function, params, x, has_aux=True)
            bars = None if cotangent is None else pullback(cotangent)
            return y, count, new, bars, self.beside(params, x)

        cotangent = case["cotangent"] if case.has("cotangent") else None
        found = jax.jit(run)(self.params, case["input"], cotangent)
        y, count, new, bars, beside = jax.tree.map(np.asarray, found)
        found = {"output": y, "count": count, "buffer_after": new.get("batch_stats", {}), **beside}
        if bars is not None:
            params_bar, x_bar = bars
            found["grads"] = {"input": x_bar}
            for name, path in self.paths.items():
                found["grads"][name] = sign(name) * leaf(params_bar, path)
            channels = found["grads"].get("neuron.delta.threshold", np.zeros(()))
            for i, value in enumerate(channels if channels.ndim else ()):
                found["grads"][f"neuron.delta.threshold_unit.{i}.threshold"] = value
        return found

    def beside(self, params, x):
        """Quantised weights before a mask; of feedback its weight, and spikes without a delay."""
        names = [n.partition("/")[2] for n in self.case.data["arrays"] if n.startswith("effective")]
        weight = lambda name: weight_in_use(
            leaf(params, name.split(".")[:-1]), self.block.weight_hook(), None
        )
        found = {"effective": {name: weight(name) for name in names}}
        if type(self.block).__name__ in ("Recurrent", "KWTA"):
            found["spike"] = self.without_delay(params, x)
            if self.case.has("recurrent_weight"):
                found["recurrent_weight"] = self.block.feedback(params["self_excitation"])
        return found

    def without_delay(self, params, x):
        """Spikes as they are before the shift and the learned delay."""
        bare = self.block.clone(delay_shift=False)
        if hasattr(type(bare), "delay") and self.case.config["kwargs"].get("delay"):
            bare = bare.clone(delay=False)
        variables = {"params": {k: v for k, v in params.items() if k != "delay_line"}, **self.held}
        train = self.case.config.get("train", True)
        return bare.apply(variables, x, train=train, mutable=["batch_stats"])[0]


class PersistentCase(BlockCase):
    """One block, called on the whole and on its parts."""

    @functools.cached_property
    def compiled(self):
        return jax.jit(functools.partial(self.block.apply, mutable=["state"]))

    def call(self, part, state):
        return self.compiled({"params": self.params, **self.held, **state}, part)

    def split_outputs(self):
        x = self.case["input"]
        cut = self.case.config["split"][0]
        parts, state = [], {}
        for part in (x[..., :cut], x[..., cut:]):
            y, state = self.call(part, state)
            parts.append((y, state["state"]))
        return parts

    def whole(self):
        return self.call(self.case["input"], {})[0]


class NetCase:
    """A network with its loss and its recorded descent."""

    def __init__(self, case):
        config = case.config
        self.case = case
        blocks = []
        for one in config["blocks"]:
            params = dict(one.get("neuron_params") or config.get("neuron_params") or {})
            params |= {"norm": one["norm"]} if "norm" in one else {}
            params = params or None
            more = {}
            if one["block"] == "KWTA":  # the reference's bias rounds to zero
                more["bias"] = 0.0
            blocks.append(build_block(one["family"], one["block"], params, one["kwargs"], **more))
        self.network = block.Sequential(blocks)
        self.paths, flat, held = {}, {}, {}
        for number, one in enumerate(self.network.blocks):
            learned = dict(getattr(one, "neuron_params", None) or {}).get("requires_grad", False)
            for name, value in parameters(case, one, f"param/blocks.{number}.").items():
                path = (f"blocks_{number}", *place(name))
                if name.startswith("neuron") and not learned:
                    held[path] = value
                else:
                    self.paths[f"blocks.{number}.{name}"] = path
                    flat[path] = value
        self.params = nest(flat)
        self.constants = {"constants": nest(held)} if held else {}
        self.stats = self.statistics_of("buffer/")

    def statistics_of(self, prefix):
        stats = statistics(self.case, prefix)
        blocks = stats.get("blocks", {})
        return {f"blocks_{number}": tree for number, tree in blocks.items()}

    def layers(self, params=None, stats=None, *, train=False, delayed=False):
        """Output of every block."""
        params = self.params if params is None else params
        stats = self.stats if stats is None else stats
        run = functools.partial(self._layers, train=train, delayed=delayed)
        return jax.jit(run)(params, stats, self.case["input"])

    def _layers(self, params, stats, x, *, train, delayed):
        found = []
        for number, one in enumerate(self.network.blocks):
            name = f"blocks_{number}"
            collections = {"params": params, "batch_stats": stats, **self.constants}
            held = {c: tree[name] for c, tree in collections.items() if name in tree}
            if delayed and hasattr(one, "synapse_kind"):  # one step in front of every synapse
                x = jnp.concatenate([jnp.zeros_like(x[..., :1]), x[..., :-1]], axis=-1)
            x = one.apply(held, x, train=train, mutable=["batch_stats"])[0]
            found.append(x)
        return found

    def objective(self, params, stats, x):
        """Loss, and running statistics after the step."""
        mutable = ["batch_stats", "intermediates"]
        variables = {"params": params, "batch_stats": stats, **self.constants}
        spec = self.case.config["loss"]
        if spec["name"] == "SpikeRate":
            y, new = self.network.apply(variables, x, train=True, mutable=mutable)
            chosen = {k: spec[k] for k in ("true_rate", "false_rate", "reduction")}
            label = jnp.asarray(self.case["label"], jnp.int32)
            return loss.SpikeRate(**chosen)(y, label), new.get("batch_stats", {})
        y, updated, cost = x, {}, 0.0
        for number, one in enumerate(self.network.blocks):
            name = f"blocks_{number}"
            held = {c: tree[name] for c, tree in variables.items() if name in tree}
            y, new = one.apply(held, y, train=True, mutable=["batch_stats"])
            updated |= {name: new["batch_stats"]} if "batch_stats" in new else {}
            if getattr(one, "neuron_params", None) is not None:
                # jnp.abs has gradient 1 at 0, the reference 0
                size = jax.lax.stop_gradient(jnp.sign(y)) * y
                cost += jax.nn.relu(jnp.mean(size) - 0.01) ** 2
        error = jnp.mean((y - jnp.asarray(self.case["target"])) ** 2)
        return error + spec["lam"] * cost, updated

    @functools.cached_property
    def compiled(self):
        return jax.jit(jax.value_and_grad(self.objective, argnums=(0, 2), has_aux=True))

    def value_and_grad(self, params, stats):
        return self.compiled(params, stats, self.case["input"])

    def descend(self, params, grads):
        """One recorded step: only the parameters the case names move."""
        moving = {self.paths[name] for name in self.case.data["sgd_params"] if name in self.paths}
        lr = self.case.data["lr"]
        step = lambda path, p, g: (
            p - np.float32(lr) * np.asarray(g) if tuple(k.key for k in path) in moving else p
        )
        return jax.tree_util.tree_map_with_path(step, params, grads)
