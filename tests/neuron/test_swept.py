"""Sweeps: every number of every neuron may be traced, and equals the loop over Python numbers."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jslayer import axon, neuron
from tests.neuron import cases

SHAPE = (2, 3, 24)
COUNT = 3
RANGES = {
    "threshold": (0.3, 1.3),
    "threshold_step": (0.05, 0.8),
    "current_decay": (0.05, 0.9),
    "voltage_decay": (0.05, 0.9),
    "threshold_decay": (0.05, 0.9),
    "refractory_decay": (0.05, 0.9),
    "period": (4.5, 30.0),
    "decay": (0.01, 0.3),
    "tau_grad": (0.02, 0.5),
    "scale_grad": (0.5, 3.0),
    "bias": (-0.3, 0.3),
}
"""Every number that one may sweep, by field; sizes, flags and scales are none."""

STATIC = {"scale", "tau_multiplier", "scale_multiplier"}
FIELDS = {
    name: [field for field in RANGES if field in cases.make(name).__dataclass_fields__]
    for name in cases.NAMES
}
EACH = pytest.mark.parametrize(
    ("name", "field"), [(name, field) for name, fields in FIELDS.items() for field in fields]
)


def values(field):
    """Numbers of a sweep, float32, off every grid."""
    rng = np.random.default_rng(list(RANGES).index(field))
    return jnp.asarray(rng.uniform(*RANGES[field], COUNT), jnp.float32)


def spikes(name, numbers, x, **options):
    options = {"bias_param": True, **options} if "bias" in numbers else options
    return cases.make(name, **numbers, **options).apply({}, x)


@pytest.mark.parametrize("name", cases.NAMES)
def test_a_mapped_sweep_is_the_loop_over_python_numbers(name):
    x, traces = cases.drive(name, SHAPE), []
    numbers = {field: values(field) for field in FIELDS[name]}

    @jax.jit
    @jax.vmap
    def sweep(numbers):
        traces.append(numbers)
        return spikes(name, numbers, x)

    found = sweep(numbers)
    for k in range(COUNT):
        one = {field: float(given[k]) for field, given in numbers.items()}
        np.testing.assert_array_equal(found[k], spikes(name, one, x))
    assert found.any()
    sweep({field: given * 0.97 for field, given in numbers.items()})
    assert len(traces) == 1


@EACH
def test_each_number_alone_is_swept_and_differentiated(name, field):
    x = cases.drive(name, SHAPE)
    loss = lambda value: jnp.sum(spikes(name, {field: value}, x) ** 2)
    value, slope = jax.eval_shape(jax.vmap(jax.value_and_grad(loss)), values(field))
    assert value.shape == slope.shape == (COUNT,)


@pytest.mark.parametrize("name", cases.NAMES)
def test_no_number_of_a_neuron_is_forgotten(name):
    fields = cases.make(name).__dataclass_fields__.values()
    numbers = {
        field.name
        for field in fields
        if any(kind in str(field.type) for kind in ("float", "Number", "Spread"))
    }
    assert numbers - STATIC - {"dropout"} == set(FIELDS[name])


LEARNED = {
    **{name: ("threshold", *cases.LEARNED[name]) for name in ("cuba", "rf_iz")},
    "alif": ("current_decay", "threshold_decay", "threshold"),
    "sigma_delta": ("threshold", "bias"),
}


@pytest.mark.parametrize("name", LEARNED)
def test_a_swept_number_has_the_gradient_of_the_learned_one(name):
    fields = [field for field in FIELDS[name] if field in LEARNED[name]]
    x = cases.drive(name, SHAPE)
    options = {} if name == "sigma_delta" else {"threshold_grad": True}
    bias = {"bias": 0.125, "bias_param": True} if name == "sigma_delta" else {}
    layer = cases.make(name, requires_grad=True, **options, **bias)
    params = cases.init(layer, jax.random.key(0), x)["params"]
    learned = jax.jit(jax.grad(lambda p: jnp.sum(layer.apply({"params": p}, x) ** 2)))(params)
    swept = jax.jit(jax.grad(lambda n: jnp.sum(spikes(name, n, x) ** 2)))(
        {field: params[field] for field in fields}
    )
    for field in fields:
        # without `threshold_grad`, as in the reference, nothing flows to what adapts
        adapts = name in cases.ADAPTING and field in cases.OF_THRESHOLD
        expected = 0.0 if adapts else learned[field]
        np.testing.assert_allclose(swept[field], expected, rtol=1e-5, atol=1e-7)
        assert adapts or learned[field] != 0


def test_a_period_has_the_gradient_of_its_rotation():
    x = cases.drive("rf", SHAPE)
    layer = cases.make("rf", requires_grad=True)
    params = cases.init(layer, jax.random.key(0), x)["params"]
    by = jax.jit(jax.grad(lambda p: jnp.sum(layer.apply({"params": p}, x) ** 2)))(params)
    turn = lambda period: 0.95 * np.exp(2j * np.pi / period)
    slope = (turn(9.001) - turn(8.999)) / 0.002
    found = jax.jit(jax.grad(lambda p: jnp.sum(spikes("rf", {"period": p}, x) ** 2)))(9.0)
    expected = by["cos_decay"] * slope.real + by["sin_decay"] * slope.imag
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    assert found != 0


@pytest.mark.parametrize(
    ("name", "field"), [("cuba", "tau_grad"), ("rf", "scale_grad"), ("sigma_delta", "tau_grad")]
)
def test_the_surrogate_is_swept_and_has_no_gradient_of_its_own(name, field):
    x = cases.drive(name, SHAPE)
    learned = "threshold" if name == "sigma_delta" else LEARNED_DECAY[name]

    def slope(value):
        run = lambda given: jnp.sum(spikes(name, {field: value, learned: given}, x))
        return jax.grad(run)(jnp.float32(0.3))

    found = jax.jit(jax.vmap(slope))(values(field))
    alone = [slope(float(value)) for value in values(field)]
    np.testing.assert_allclose(found, alone, rtol=1e-4)
    assert len(set(np.asarray(found).tolist())) == COUNT
    own = jax.grad(lambda value: jnp.sum(spikes(name, {field: value}, x)))
    assert own(jnp.float32(0.5)) == 0


LEARNED_DECAY = {"cuba": "voltage_decay", "rf": "decay"}


def test_the_probability_of_dropout_is_swept():
    x, key = cases.drive("cuba", SHAPE), {"dropout": jax.random.key(0)}
    run = lambda p: cases.make("cuba", dropout=p).apply({}, x, train=True, rngs=key)
    rates = jnp.array([0.0, 0.25, 0.5, 1.0])
    found = jax.jit(jax.vmap(run))(rates)
    for k, rate in enumerate(rates):
        np.testing.assert_array_equal(found[k], run(float(rate)))
    assert jax.grad(lambda p: jnp.sum(run(p)))(0.5) == 0


@pytest.mark.parametrize("engine", ["triton_interpret", "mosaic_interpret"])
def test_a_kernel_runs_a_sweep(engine):
    from jslayer.ops.engines.select import interpreted

    if engine not in interpreted():
        pytest.skip(f"{engine} is not part of this version of JAX")
    x = cases.drive("cuba", (2, 3, 6))

    def run(numbers, implementation):
        loss = lambda x: jnp.sum(spikes("cuba", numbers, x, implementation=implementation) ** 2)
        return jax.value_and_grad(loss)(x)

    numbers = {"threshold": values("threshold"), "tau_grad": values("tau_grad")}
    for ours, theirs in zip(
        *(jax.jit(jax.vmap(lambda n, e=e: run(n, e)))(numbers) for e in (engine, "scan")),
        strict=True,
    ):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)


def test_channels_have_numbers_of_their_own():
    x, given = cases.drive("cuba", SHAPE), np.array([0.3, 0.5, 0.9])
    fields = ("threshold", "tau_grad", "voltage_decay")
    make = lambda given: cases.make(
        "cuba", **dict.fromkeys(fields, given), current_decay=(0.3, 0.3), shared_param=False
    )
    traced = lambda given: make(given).init_with_output(jax.random.key(0), x)[0]
    found = jax.jit(traced)(jnp.asarray(given, jnp.float32))
    for c in range(3):
        alone = cases.make("cuba", **dict.fromkeys(fields, float(np.float32(given[c]))))
        np.testing.assert_array_equal(found[:, c : c + 1], alone.apply({}, x[:, c : c + 1]))
    known = make(given)
    np.testing.assert_array_equal(known.init_with_output(jax.random.key(0), x)[0], found)
    assert hash(known) == hash(make(given.copy()))
    with pytest.raises(ValueError, match=r"`threshold` is an array of \(3,\), expected one number"):
        cases.make("cuba", threshold=given).apply({}, x)


def test_a_swept_number_goes_before_what_init_kept_of_it():
    layer, x = cases.make("cuba"), cases.drive("cuba", SHAPE)
    variables = cases.init(layer, jax.random.key(0), x)
    run = jax.jit(lambda decay: layer.clone(voltage_decay=decay).apply(variables, x))
    np.testing.assert_array_equal(run(0.75), cases.make("cuba", voltage_decay=0.75).apply({}, x))
    spread = cases.make("cuba", voltage_decay=0.5, shared_param=False)
    kept = cases.init(spread, jax.random.key(0), x)
    same = jax.jit(lambda decay: spread.clone(voltage_decay=decay).apply(kept, x))(0.9)
    np.testing.assert_array_equal(same, spread.apply(kept, x))  # a number drawn for each is kept


def test_ranges_to_draw_from_are_swept():
    x = cases.drive("rf", SHAPE)

    @jax.jit
    @jax.vmap
    def run(low):
        layer = cases.make("rf", period=(low, 4 * low), decay=(0.0, low / 50), shared_param=False)
        return layer.init_with_output(jax.random.key(0), x)[0]

    assert run(jnp.array([5.0, 9.0])).shape == (2, *SHAPE)


def test_a_number_known_to_jax_is_a_python_number():
    layer = cases.make("cuba", threshold=jnp.float32(1.0), tau_grad=np.array(0.5))
    assert (layer.threshold, layer.tau_grad) == (1.0, 0.5)
    assert hash(layer) == hash(cases.make("cuba", threshold=1.0, tau_grad=0.5))
    with pytest.raises(ValueError, match=r"`tau_grad` is -1\.0, expected a number above 0"):
        cases.make("cuba", tau_grad=jnp.float32(-1)).apply({}, cases.drive("cuba", SHAPE))


@pytest.mark.parametrize("name", cases.NAMES)
def test_hardware_holds_no_traced_number(name):
    write = lambda threshold: cases.make(name, threshold=threshold).device_params({})["vThMant"]
    with pytest.raises(ValueError, match="a number of a neuron is traced, expected numbers that"):
        jax.eval_shape(write, jnp.float32(0.5))
    assert write(0.5) == 32


def test_the_threshold_of_an_encoder_is_swept():
    x = cases.drive("cuba", SHAPE)
    run = lambda threshold: axon.Delta(threshold, tau_grad=threshold).apply({}, x)
    found = jax.jit(jax.vmap(run))(values("threshold"))
    alone = [run(float(value)) for value in values("threshold")]
    np.testing.assert_array_equal(found, np.stack(alone))
    assert found.any()


def test_a_neuron_of_your_own_is_swept():
    from tests.block.cases import CUSTOM

    x = cases.drive("cuba", SHAPE)
    make = lambda leak: neuron.custom.Neuron(
        **{**CUSTOM, "parameters": {"leak": leak, "threshold": 1.0}}
    )
    run = lambda leak: make(leak).apply({}, x)
    leaks = jnp.array([0.1, 0.4], jnp.float32)
    found = jax.jit(jax.vmap(run))(leaks)
    np.testing.assert_array_equal(found, np.stack([run(float(leak)) for leak in leaks]))
