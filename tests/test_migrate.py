"""Checkpoints of the reference: golden networks come over exactly, and nothing is lost."""

import pickle
import sys
import traceback
import types
import zipfile

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import Sequential, hdf5, migrate, neuron
from jslayer.block import cuba, rf, sigma_delta
from tests.golden import blocks, compare, load

NEURON = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}
DELTAS = {"threshold": 0.25, "activation": "relu"}
X = jnp.ones((1, 3, 4))


@pytest.fixture(autouse=True)
def _quick_draws():
    # Which weights are drawn is no matter here, and draws of this kind compile much sooner.
    with jax.default_prng_impl("rbg"):
        yield


def state_dict(case, prefix=""):
    """A recorded network's parameters and statistics by the reference's names."""
    found = {}
    for kind in ("param/", "buffer/"):
        for name in case.data["arrays"]:
            if name.startswith(kind):
                found[prefix + name[len(kind) :]] = case[name]
    return found


def networks():
    found = [c for c in load.cases("blocks") if c.data["kind"] in ("net", "net_eval")]
    reason = "golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository"
    absent = [pytest.param(None, id="absent", marks=pytest.mark.skip(reason=reason))]
    return [pytest.param(case, id=case.id) for case in found] or absent


@pytest.mark.parametrize("case", networks())
def test_a_recorded_network_comes_over_and_gives_the_recorded_layers(case):
    network = blocks.NetCase(case).network
    x = jnp.asarray(case["input"])
    variables = migrate.from_lava(state_dict(case), network, x)

    def run(variables, x):
        layers = []
        for number, block in enumerate(network.blocks):
            name = f"blocks_{number}"
            own = {c: tree[name] for c, tree in variables.items() if name in tree}
            x = block.apply(own, x)
            layers.append(x)
        return layers

    layers = jax.jit(run)(variables, x)
    for number, y in enumerate(layers):
        # what was recorded while training has norms that take the mean of the batch
        last = number == len(layers) - 1
        names = [f"eval/layer/{number}", f"layer/{number}", "output"]
        names = ["eval/output", *names] if last else names
        name = next(name for name in names if case.has(name))
        compare.exact(name, y, case[name])


@pytest.mark.slow
@pytest.mark.parametrize("family", ["cuba", "alif", "rf", "adrf_iz", "sigma_delta"])
def test_the_blocks_of_a_family_come_over_one_by_one(family):
    cases = [
        c
        for c in load.cases("blocks")
        if c.data["kind"] == "block" and c.config["family"] == family and "norm" not in c.id
    ]
    if not cases:
        pytest.skip("golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository")
    seen = set()
    for case in cases:
        if case.config["block"] in seen:
            continue
        seen.add(case.config["block"])
        adapter = blocks.BlockCase(case)
        variables = migrate.from_lava(
            state_dict(case, "blocks.0."), Sequential([adapter.block]), case["input"]
        )
        given = {name: tree["blocks_0"] for name, tree in variables.items()}
        for path, golden in jax.tree_util.tree_leaves_with_path(adapter.params):
            if case.config["block"] == "Output" and path[0].key == "neuron":
                continue  # it only adds up: the reference keeps a threshold that it does not use
            ours = blocks.leaf(given["params"], [key.key for key in path])
            np.testing.assert_array_equal(ours, golden, err_msg=case.id)
    assert len(seen) > 8


def test_norms_and_normalised_weights_come_over():
    cases = [c for c in load.cases("blocks") if ".wgt_scale_norm_eval" in c.id]
    cases += [c for c in load.cases("blocks") if c.id in ("rf.Dense.norm_eval",)]
    if not cases:
        pytest.skip("golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository")
    for case in cases:
        block = blocks.BlockCase(case).block
        network = Sequential([block])
        given = state_dict(case, "blocks.0.")
        variables = migrate.from_lava(given, network, case["input"])
        compare.exact("output", jax.jit(network.apply)(variables, case["input"]), case["output"])


def oxford():
    leaks = {"threshold": 0.1, "current_decay": 1, "voltage_decay": 0.1}
    return Sequential([cuba.Dense(leaks, 200, 256), cuba.Dense(leaks, 256, 200)])


@pytest.fixture(scope="module")
def published(shared):
    """The published checkpoint of the Oxford network, and lava-dl's own export of it."""
    checkpoint = shared / "data" / "checkpoints" / "oxford_state.npz"
    if not checkpoint.is_file():
        pytest.skip(f"published checkpoint absent: {checkpoint.name} in shared/data/checkpoints")
    with np.load(checkpoint) as arrays:
        return dict(arrays), shared / "data" / "networks" / "oxford" / "network.net"


def assert_exports_as(variables, network, file, folder):
    """What is exported holds every dataset of ``file`` and no other, number by number."""
    hdf5.export(folder / "ours.net", network, variables)
    lines = hdf5.diff(folder / "ours.net", file)
    # attributes say who wrote the file, and in which units the weights are
    assert [line for line in lines if "@" not in line] == []


def test_a_published_checkpoint_exports_as_its_own_export(published, tmp_path):
    checkpoint, file = published
    network = oxford()
    variables = migrate.from_lava(checkpoint, network, jnp.ones((1, 200, 2)))
    assert_exports_as(variables, network, file, tmp_path)


def test_a_file_of_pytorch_itself_comes_over(published, tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    checkpoint, file = published
    tensors = {name: torch.from_numpy(value) for name, value in checkpoint.items()}
    network, x = oxford(), jnp.ones((1, 200, 2))
    for number, content in enumerate((tensors, {"epoch": 3, "state_dict": tensors})):
        path = tmp_path / f"{number}.pt"
        torch.save(content, path)
        assert_exports_as(migrate.from_lava(path, network, x), network, file, tmp_path)
    torch.save({**tensors, "run": types.SimpleNamespace()}, tmp_path / "code.pt")
    with pytest.raises(ValueError, match=r"PyTorch cannot read as plain tensors \(Unpickling"):
        migrate.from_lava(tmp_path / "code.pt", network, x)


def test_what_a_checkpoint_does_not_hold_is_that_of_init():
    network, x = Sequential([cuba.Dense(NEURON, 3, 5), cuba.Dense(NEURON, 5, 2)]), X
    first = DENSE | {"blocks.0.synapse.weight": np.ones((5, 3))}
    variables = migrate.from_lava(first, network, x, heads=False)
    new = jax.jit(network.init)(jax.random.key(0), x)
    assert jax.tree.structure(variables) == jax.tree.structure(new)
    drawn = [tree["params"]["blocks_1"]["synapse"]["weight"] for tree in (variables, new)]
    np.testing.assert_allclose(*drawn, rtol=1e-6)
    assert variables["constants"]["blocks_1"]["shape"].tolist() == [2]


DENSE = {
    "blocks.0.synapse.weight": np.ones((2, 3, 1, 1, 1)),
    "blocks.0.neuron.current_decay": np.array([1024.0]),
    "blocks.0.neuron.voltage_decay": np.array([122.5]),
}


def dense(**options):
    return Sequential([cuba.Dense(NEURON, 3, 2, **options)])


def test_decays_come_back_to_natural_units():
    variables = migrate.from_lava(DENSE, dense(), X)
    held = variables["constants"]["blocks_0"]["neuron"]
    assert float(held["current_decay"]) == 0.25
    assert float(held["voltage_decay"]) == 122.5 / 4096


def test_names_that_are_unknown_or_missing_are_listed():
    given = {**DENSE, "blocks.0.synapse.weight_x": np.ones(3), "head.weight": np.ones(2)}
    del given["blocks.0.neuron.voltage_decay"]
    sentence = (
        "does not know: blocks.0.synapse.weight_x, head.weight; and it "
        "lacks: blocks_0.neuron.voltage_decay;"
    )
    with pytest.raises(ValueError, match=sentence):
        migrate.from_lava(given, dense(), X)


def test_a_network_built_otherwise_is_refused():
    with pytest.raises(ValueError, match=r"lacks: blocks_0.synapse.weight_g, blocks_0.synapse.w"):
        migrate.from_lava(DENSE, dense(weight_norm=True), X)
    with pytest.raises(ValueError, match=r"lacks: blocks_0.delay_line.delay"):
        migrate.from_lava(DENSE, dense(delay=True), X)
    with pytest.raises(ValueError, match=r"weight of shape \(2, 3, 1, 1, 1\), expected \(4, 3\)"):
        migrate.from_lava(DENSE, Sequential([cuba.Dense(NEURON, 3, 4)]), X)
    with pytest.raises(TypeError, match="`network` is a Dense, expected a Sequential"):
        migrate.from_lava(DENSE, cuba.Dense(NEURON, 3, 2), X)


@pytest.mark.parametrize("value", [np.full((2, 3), np.nan), np.ones((2, 3), complex), ["a"]])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(ValueError, match=r"holds blocks\.0\.synapse\.weight of dtype"):
        migrate.from_lava({**DENSE, "blocks.0.synapse.weight": value}, dense(), X)
    with pytest.raises(ValueError, match="`state_dict` is a list, expected arrays by name"):
        migrate.from_lava([1], dense(), X)


def test_states_wrappers_and_new_names_of_normalised_weights_are_understood():
    given = {f"module.{name}": value for name, value in DENSE.items()}
    del given["module.blocks.0.synapse.weight"]
    length, direction = np.full((2, 1, 1, 1, 1), 3.0), np.ones((2, 3, 1, 1, 1))
    given["module.blocks.0.synapse.parametrizations.weight.original0"] = length
    given["module.blocks.0.synapse.parametrizations.weight.original1"] = direction
    given["module.blocks.0.neuron.current_state"] = np.zeros(5)
    variables = migrate.from_lava(given, dense(weight_norm=True), X)
    assert variables["params"]["blocks_0"]["synapse"]["weight_g"].tolist() == [[3.0], [3.0]]


def test_a_bias_of_a_sigma_delta_neuron_needs_one_here():
    given = {
        "blocks.0.synapse.weight": np.ones((2, 3)),
        "blocks.0.neuron.delta.threshold": np.array([0.5]),
        "blocks.0.neuron.bias": np.zeros(1),
    }
    network = Sequential([sigma_delta.Dense(DELTAS, 3, 2)])
    migrate.from_lava(given, network, X)
    given["blocks.0.neuron.bias"] = np.array([0.25, 0.5])
    with pytest.raises(ValueError, match=r"does not know: blocks\.0\.neuron\.bias"):
        migrate.from_lava(given, network, X)
    network = Sequential([sigma_delta.Dense({**DELTAS, "bias": 0.0}, 3, 2)])
    variables = migrate.from_lava(given, network, X)
    assert variables["constants"]["blocks_0"]["neuron"]["bias"].tolist() == [0.25, 0.5]


def test_the_constant_weight_of_a_pool_must_be_that_of_the_block():
    x = jnp.ones((1, 2, 4, 4, 3))
    neuron_params = {"threshold": 1.0, "period": 9.0, "decay": 0.05}
    given = {
        "blocks.0.synapse.real.weight": np.full((1, 1, 2, 2, 1), 1.5),
        "blocks.0.synapse.imag.weight": np.full((1, 1, 2, 2, 1), 1.5),
        "blocks.0.neuron.sin_decay": np.array([2000.0]),
        "blocks.0.neuron.cos_decay": np.array([3000.0]),
    }
    migrate.from_lava(given, Sequential([rf.Pool(neuron_params, 2, weight_scale=1.5)]), x)
    with pytest.raises(ValueError, match=r"weight from 1\.5 to 1\.5, expected 1, the block's"):
        migrate.from_lava(given, Sequential([rf.Pool(neuron_params, 2)]), x)


def test_statistics_that_were_never_updated_are_one_number():
    network = Sequential([cuba.Dense({**NEURON, "norm": neuron.MeanOnlyBatchNorm}, 3, 2)])
    given = {**DENSE, "blocks.0.neuron.norm.running_mean": np.zeros(1)}
    variables = migrate.from_lava(given, network, X)
    assert variables["batch_stats"]["blocks_0"]["neuron"]["norm"]["running_mean"].shape == (2,)


def test_what_only_this_library_learns_stays_as_the_constructor_says():
    network = Sequential([cuba.Dense({**NEURON, "threshold_grad": True}, 3, 2)])
    variables = migrate.from_lava(DENSE, network, X)
    assert float(variables["params"]["blocks_0"]["neuron"]["threshold"]) == 1.25


class Tensor:
    """As much of a tensor of PyTorch's as is asked for."""

    def __init__(self, value, dtype="torch.float32", shape=None):
        self.value, self.dtype = value, dtype
        self.shape = np.shape(value) if shape is None else shape

    def detach(self):
        return self

    cpu = detach

    def float(self):
        return Tensor(self.value)

    def numpy(self):
        if self.dtype != "torch.float32":
            raise TypeError(f"Got unsupported ScalarType {self.dtype}")
        return self.value


def pytorch(monkeypatch, load):
    monkeypatch.setitem(sys.modules, "torch", types.SimpleNamespace(load=load))


def test_a_file_is_read_where_pytorch_is_installed(monkeypatch, tmp_path):
    path = tmp_path / "network.pt"
    path.write_bytes(bytes(99))
    calls = []

    def read(path, **options):
        calls.append((path, options))
        return {"epoch": 3, "state_dict": {name: Tensor(v) for name, v in DENSE.items()}}

    pytorch(monkeypatch, read)
    variables = migrate.from_lava(path, dense(), X)
    assert variables["params"]["blocks_0"]["synapse"]["weight"].shape == (2, 3)
    assert calls == [(path, {"map_location": "cpu", "weights_only": True})]


def test_what_pytorch_says_of_a_file_is_said_in_our_words(monkeypatch, tmp_path):
    path = tmp_path / "network.pt"
    path.write_bytes(bytes(99))

    def refuse(path, **options):
        raise pickle.UnpicklingError("Weights only load failed; set weights_only=False to go on")

    pytorch(monkeypatch, refuse)
    with pytest.raises(ValueError, match=r"is .*network.pt, which .*\(UnpicklingError\), exp") as e:
        migrate.from_lava(path, dense(), X)
    assert "weights_only" not in "".join(traceback.format_exception(e.value))
    with pytest.raises(FileNotFoundError, match=r"`state_dict` is absent.pt, where there is no"):
        migrate.from_lava("absent.pt", dense(), X)


def test_a_file_that_expands_is_refused_before_it_is_read(monkeypatch, tmp_path):
    path = tmp_path / "network.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("data/0", bytes(10**6))
    pytorch(monkeypatch, None)
    with pytest.raises(ValueError, match=r"bytes expand to 1000000, expected 16 times as many"):
        migrate.from_lava(path, dense(), X)
    path.write_bytes(bytes(99))
    huge = {**DENSE, "blocks.0.synapse.weight": Tensor(np.ones(()), shape=(10**6, 10**6))}
    pytorch(monkeypatch, lambda path, **options: huge)
    with pytest.raises(ValueError, match=r"99 bytes expand to 4\d{12}, expected 16 times"):
        migrate.from_lava(path, dense(), X)


@pytest.mark.parametrize(
    "value", [Tensor(np.ones((2, 3)), "torch.bfloat16"), jnp.ones((2, 3), "bfloat16")]
)
def test_bfloat16_is_read(value):
    variables = migrate.from_lava({**DENSE, "blocks.0.synapse.weight": value}, dense(), X)
    assert variables["params"]["blocks_0"]["synapse"]["weight"].tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (
            np.full((2, 3), 1e300),
            "from 1e\\+300 to 1e\\+300, expected numbers that float32 can hold",
        ),
        (
            Tensor(np.ones((2, 3)), "torch.qint8"),
            r"which is no plain array \(TypeError\), expected",
        ),
    ],
)
def test_what_float32_cannot_hold_is_refused(value, sentence):
    with pytest.raises(ValueError, match=f"holds blocks.0.synapse.weight,? {sentence}"):
        migrate.from_lava({**DENSE, "blocks.0.synapse.weight": value}, dense(), X)


def test_names_from_a_file_do_not_flood_the_message():
    strange = {f"\x1b[2J{number}" + "a" * 999: np.ones(2) for number in range(999)}
    strange |= {"blocks." + "9" * 5000 + ".x": np.ones(2), "blocks.0.threshold_unit.x": np.ones(2)}
    with pytest.raises(ValueError, match=r"does not know: .* and 981 more; and it") as caught:
        migrate.from_lava({**DENSE, **strange}, dense(), X)
    assert len(str(caught.value)) < 2500 and str(caught.value).isprintable()


def test_a_file_without_pytorch_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ImportError, match="needs PyTorch to be read; install it, or pass"):
        migrate.from_lava("network.pt", dense(), X)


class Encoder(nn.Module):
    """A list of blocks, as the reference's module has one."""

    def setup(self):
        self.blocks = [cuba.Dense(OWN, None, 4)]

    def __call__(self, x):
        for block in self.blocks:
            x = block(x)
        return x


class Skipping(nn.Module):
    """A module of one's own whose attributes are called as the reference's."""

    def setup(self):
        self.encoder = Encoder()
        self.head = cuba.Dense(OWN, None, 2)

    def __call__(self, x):
        return self.head(jnp.concatenate([self.encoder(x), x], axis=1))


class Chain(nn.Module):
    """A module of one's own whose blocks have the names that Flax gives."""

    @nn.compact
    def __call__(self, x):
        return cuba.Dense(OWN, None, 2)(cuba.Dense(OWN, None, 4, name="first")(x))


OWN = {"threshold": 1.25, "current_decay": 0.25, "voltage_decay": 0.03}


def own_checkpoint(first, last, inputs):
    """Two dense blocks under their names in the reference's module."""
    found = {}
    for scale, name, shape in [(1.0, first, (4, 3)), (2.0, last, (2, inputs))]:
        found[f"{name}.synapse.weight"] = np.full((*shape, 1, 1, 1), scale)
        found[f"{name}.neuron.current_decay"] = np.array([2048.0])
        found[f"{name}.neuron.voltage_decay"] = np.array([123.0])
    return found


def test_a_module_of_ones_own_takes_over_a_checkpoint_by_the_names_of_its_attributes():
    x = jnp.ones((1, 3, 5))
    checkpoint = own_checkpoint("encoder.blocks.0", "head", 7)
    variables = migrate.from_lava(checkpoint, Skipping(), x)
    assert (
        variables["params"]["encoder"]["blocks_0"]["synapse"]["weight"].tolist() == [[1.0] * 3] * 4
    )
    assert variables["params"]["head"]["synapse"]["weight"].tolist() == [[2.0] * 7] * 2
    assert variables["constants"]["head"]["neuron"]["current_decay"] == 0.5
    numbered = migrate.from_lava(own_checkpoint("blocks.0", "blocks.1", 4), Chain(), x)
    assert numbered["params"]["first"]["synapse"]["weight"].sum() == 12
    assert numbered["params"]["Dense_0"]["synapse"]["weight"].sum() == 16


def test_numbers_are_not_guessed_where_blocks_branch_and_errors_name_the_module_s_blocks():
    x = jnp.ones((1, 3, 5))
    with pytest.raises(
        ValueError, match=r"does not know: blocks\.0.* lacks: encoder/blocks_0\.neur"
    ):
        migrate.from_lava(own_checkpoint("blocks.0", "blocks.1", 7), Skipping(), x)
    with pytest.raises(ValueError, match=r"`state_dict` holds head\.synapse\.weight of shape"):
        migrate.from_lava(own_checkpoint("encoder.blocks.0", "head", 6), Skipping(), x)
