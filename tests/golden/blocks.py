"""Adapters for the block cases: blocks and networks in the golden files' names and units."""

import jax
import jax.numpy as jnp

from jslayer import block, loss, neuron, synapse

FAMILIES = {"cuba": block.cuba}
BLOCKS = ("Input", "Flatten", "Affine", "Dense")
NORMS = {c.__name__: c for c in (neuron.MeanOnlyBatchNorm, neuron.WgtScaleBatchNorm)}

# recorded gradient of a decay is that of 1 - decay in natural units
DECAYS = ("current_decay", "voltage_decay")


def build_block(family, name, neuron_params, kwargs, **more):
    """A block from its configuration."""
    kwargs = {k: tuple(v) if isinstance(v, list) else v for k, v in kwargs.items()} | more
    if kwargs.get("pre_hook_fx") == "none":
        kwargs["pre_hook_fx"] = None
    kind = getattr(FAMILIES[family], name)
    if name == "Flatten":
        return kind(**kwargs)
    if neuron_params is not None:
        neuron_params = dict(neuron_params)
        if neuron_params.get("norm"):
            neuron_params["norm"] = NORMS[neuron_params["norm"]]
    return kind(neuron_params, **kwargs)


def place(name):
    """Where a golden parameter lives among a block's parameters."""
    path = name.split(".")
    return ("delay_line", "delay") if path[0] == "delay" else tuple(path)


def to_ours(name, value, like=None):
    """A golden parameter as ours: natural units, no axes of size one."""
    value = jnp.asarray(value)
    last = name.split(".")[-1]
    if last in DECAYS:
        value = value / 4096
        return value.reshape(()) if value.shape == (1,) else value
    if last in ("weight", "weight_g", "weight_v") and name.startswith("synapse"):
        value = value[..., 0]
        return value if value.shape[2:] != (1, 1) or like == 4 else value[..., 0, 0]
    if name in ("weight", "bias"):
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


def parameters(case, prefix="param/", spatial=False):
    """``{golden name: our value}`` of all parameters under ``prefix``."""
    found = {}
    for name in case.data["arrays"]:
        if name.startswith(prefix):
            short = name[len(prefix) :]
            found[short] = to_ours(
                short.split(".", 2)[-1] if "blocks." in short else short,
                case[name],
                4 if spatial else None,
            )
    return found


def statistics(case, prefix="buffer/"):
    """``batch_stats`` of a block from the recorded running statistics."""
    flat = {}
    for name in case.data["arrays"]:
        if name.startswith(prefix):
            path = tuple(name[len(prefix) :].split("."))
            value = jnp.asarray(case[name])
            flat[path] = value.reshape(()) if path[-1] == "running_var" else value
    return nest(flat)


class BlockCase:
    """One block, one call."""

    def __init__(self, case):
        config = case.config
        more = {"mask": self.mask(case)} if case.has("mask") else {}
        self.block = build_block(
            config["family"], config["block"], config["neuron_params"], config["kwargs"], **more
        )
        self.case = case
        self.spatial = isinstance(config["kwargs"].get("in_neurons"), list)
        named = parameters(case, spatial=self.spatial)
        self.paths = {name: place(name) for name in named}
        self.params = nest({self.paths[n]: v for n, v in named.items()})
        self.stats = statistics(case)

    def mask(self, case):
        mask = case["mask"]
        return mask.reshape(mask.shape[:2]) if mask.ndim > 2 else mask

    def run(self):
        """Output, gradients in golden units, running statistics after the call, counts."""
        case, train = self.case, self.case.config.get("train", True)
        held = {"batch_stats": self.stats} if self.stats else {}

        def function(params, x):
            y, new = self.block.apply(
                {"params": params, **held}, x, train=train, mutable=["batch_stats", "intermediates"]
            )
            return y, new

        def run(params, x, cotangent):
            y, pullback, new = jax.vjp(function, params, x, has_aux=True)
            return y, new, None if cotangent is None else pullback(cotangent)

        cotangent = jnp.asarray(case["cotangent"]) if case.has("cotangent") else None
        y, new, bars = jax.jit(run)(self.params, jnp.asarray(case["input"]), cotangent)
        found = {"output": y, "buffer_after": new.get("batch_stats", {}), "new": new}
        if bars is not None:
            params_bar, x_bar = bars
            found["grads"] = {"input": x_bar}
            for name, path in self.paths.items():
                sign = -1 if path[-1] in DECAYS else 1
                found["grads"][name] = sign * leaf(params_bar, path)
        return found

    def effective_weight(self):
        """Quantised weight before a mask."""
        hook = self.block.weight_hook()
        return synapse.base.weight_in_use(self.params["synapse"], hook, None)

    def count(self):
        """What count_log adds."""
        counting = self.block.clone(count_log=True)
        held = {"batch_stats": self.stats} if self.stats else {}
        out, _ = counting.apply(
            {"params": self.params, **held},
            jnp.asarray(self.case["input"]),
            train=self.case.config.get("train", True),
            mutable=["batch_stats"],
        )
        return out[1]


class PersistentCase(BlockCase):
    """One block, called on the whole and on its parts."""

    def split_outputs(self):
        x = jnp.asarray(self.case["input"])
        cut = self.case.config["split"][0]
        parts, state = [], {}
        zero = self.block.init(jax.random.key(0), x)["state"]
        state = {"state": zero}
        for part in (x[..., :cut], x[..., cut:]):
            y, new = self.block.apply({"params": self.params, **state}, part, mutable=["state"])
            state = {"state": new["state"]}
            parts.append((y, state["state"]))
        return parts

    def whole(self):
        x = jnp.asarray(self.case["input"])
        state = self.block.init(jax.random.key(0), x)["state"]
        return self.block.apply({"params": self.params, "state": state}, x, mutable=["state"])[0]


class NetCase:
    """A network of cuba blocks with a rate loss and its recorded descent."""

    def __init__(self, case):
        config = case.config
        self.case = case
        self.network = block.Sequential(
            [
                build_block(b["family"], b["block"], config["neuron_params"], b["kwargs"])
                for b in config["blocks"]
            ]
        )
        named = parameters(case)
        self.paths = {}
        for name in named:
            _, number, rest = name.split(".", 2)
            self.paths[name] = (f"blocks_{number}", *place(rest))
        self.params = nest({self.paths[n]: v for n, v in named.items()})
        self.loss = loss.SpikeRate(
            **{k: config["loss"][k] for k in ("true_rate", "false_rate", "reduction")}
        )

    def layers(self):
        """Output of every block."""
        x = jnp.asarray(self.case["input"])
        found = []
        for number, one in enumerate(self.network.blocks):
            x = one.apply({"params": self.params.get(f"blocks_{number}", {})}, x)
            found.append(x)
        return found

    def value_and_grad(self, params):
        x, label = jnp.asarray(self.case["input"]), jnp.asarray(self.case["label"], jnp.int32)
        function = lambda p, x: self.loss(self.network.apply({"params": p}, x), label)
        return jax.jit(jax.value_and_grad(function, argnums=(0, 1)))(params, x)

    def descend(self, params, grads):
        """One recorded step: only the parameters the case names move."""
        moving = {self.paths[name] for name in self.case.data["sgd_params"]}
        lr = self.case.data["lr"]
        step = lambda path, p, g: p - lr * g if tuple(k.key for k in path) in moving else p
        return jax.tree_util.tree_map_with_path(step, params, grads)


ADAPTERS = {
    **{f"block.{f}.{b}": BlockCase for f in FAMILIES for b in BLOCKS},
    **{f"block_persistent.{f}.Dense": PersistentCase for f in FAMILIES},
}
"""Networks are added by what their blocks are, see `net_adapter`."""


def net_adapter(case):
    """`NetCase` if every block of the network exists here, else ``None``."""
    known = all(b["family"] in FAMILIES and b["block"] in BLOCKS for b in case.config["blocks"])
    return NetCase if known and case.config.get("loss", {}).get("name") == "SpikeRate" else None
