"""What holds for every test: strict dtypes, two CPU devices, no display, fixed seeds."""

import functools
import gc
import os
import threading
from pathlib import Path

os.environ["MPLBACKEND"] = "Agg"

import hypothesis
import jax
import pytest
from jax._src.interpreters import mlir

# Three quarters of the time of a test is compilation, and tests compute little: so XLA compiles
# without LLVM's optimiser and by its older emitters, in less than half of the time. Numbers must
# not depend on it: `.ci/run` repeats golden numbers and engines with an empty XLA_FLAGS.
QUICK = ["--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1"]
if jax.__version_info__ < (0, 11):  # later ones have no other emitters
    QUICK.append("--xla_cpu_use_fusion_emitters=false")
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", " ".join(QUICK))

# Tracing makes many objects that stay: to look through them again and again takes a twentieth.
gc.set_threshold(100_000, 20, 100)

# JAX loads every dialect of MLIR anew for each program, which takes a fifth of the time of a test:
# here once for each thread.
_new_context = mlir.make_ir_context
_of_thread = threading.local()


@functools.wraps(_new_context)
def _one_context():
    if not hasattr(_of_thread, "context"):
        _of_thread.context = _new_context()
    return _of_thread.context


mlir.make_ir_context = _one_context

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_num_cpu_devices", 2)

# The first call of a jitted function compiles and says nothing about the others' time.
hypothesis.settings.register_profile("jslayer", deadline=None, derandomize=True, database=None)
hypothesis.settings.load_profile("jslayer")

REPOSITORY = Path(__file__).resolve().parent.parent


def shared_folder() -> Path | None:
    """Returns the folder of the golden data, or ``None`` where it is absent.

    It is ``$JSLAYER_SHARED``, or else the folder ``shared`` beside the repository. A variable
    that names no folder is a mistake, which a skip would hide.
    """
    named = os.environ.get("JSLAYER_SHARED")
    if named and not Path(named).is_dir():
        raise pytest.UsageError(f"JSLAYER_SHARED is {named}, expected a folder; mend or unset it.")
    folder = Path(named) if named else REPOSITORY.parent / "shared"
    return folder if folder.is_dir() else None


@pytest.fixture
def fresh_contexts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lowers as JAX does; a program that is lowered in parts while it compiles needs it."""
    monkeypatch.setattr(mlir, "make_ir_context", _new_context)


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the repository."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of the golden data; skips the test where it is absent."""
    folder = shared_folder()
    if folder is None:
        pytest.skip("golden data absent: set JSLAYER_SHARED, or put shared/ beside the repository")
    return folder


SLOW_FAMILIES = ("alif", "rf", "adrf", "adrf_iz")
ALIKE = (
    "block/test_across_calls.py",
    "block/test_families_chunks.py",
    "block/test_kinds.py",
    "block/test_replay.py",
    "hdf5/test_round_trip.py",
    "neuron/test_every_neuron.py",
    "neuron/test_learning.py",
    "neuron/test_surrogates.py",
    "neuron/test_swept.py",
    "ops/test_second_derivatives.py",
    "test_visible_nan.py",
)
"""Tests of what all families take from one place."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds the option of `make test-all`."""
    parser.addoption("--thorough", action="store_true", help="run the tests marked thorough too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leaves families out of a quick run: cuba, rf_iz and sigma_delta stand for them.

    Not so in tests/ops, whose kernels and engines are just what a new JAX may break. In the tests
    of `ALIKE` they stand for them always, but in a thorough run.
    """
    tests = REPOSITORY / "tests"
    alike = {tests / name for name in ALIKE}
    kept, left = [], []
    for item in items:
        if not families(item).isdisjoint(SLOW_FAMILIES):
            if item.path in alike:
                item.add_marker(pytest.mark.thorough)
            if not item.path.is_relative_to(tests / "ops"):
                item.add_marker(pytest.mark.slow)
        thorough = item.get_closest_marker("thorough") is not None
        (left if thorough and not config.getoption("thorough") else kept).append(item)
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = kept


def families(item: pytest.Item) -> set[str]:
    """Words among the parameters of a test, some of which are names of families."""
    given = getattr(item, "callspec", None)
    if given is None:
        return set()
    names = {value for value in given.params.values() if isinstance(value, str)}
    return names | {given.id.split(".")[0]}  # recorded cases are called after the family
