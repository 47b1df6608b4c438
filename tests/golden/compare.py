"""The golden tolerances, as the README of the numbers states them."""

import numpy as np


def exact(name, ours, golden):
    ours = np.asarray(ours)
    assert ours.shape == golden.shape, f"{name}: shape {ours.shape}, golden {golden.shape}"
    np.testing.assert_array_equal(ours, golden, err_msg=name)


def forward(name, ours, golden):
    golden = np.asarray(golden)
    bound = 1e-5 * np.abs(golden) + 1e-6 * np.abs(golden).max(initial=0)
    _within(name, ours, golden, bound)


def gradient(name, ours, golden, tol=0.0):
    golden = np.asarray(golden)
    bound = 1e-4 * np.abs(golden) + 1e-5 * np.abs(golden).max(initial=0) + tol
    _within(name, ours, golden, bound)


def _within(name, ours, golden, bound):
    ours = np.asarray(ours)
    assert ours.shape == golden.shape, f"{name}: shape {ours.shape}, golden {golden.shape}"
    worst = np.abs(ours.astype(np.float64) - golden) - bound
    assert (worst <= 0).all(), f"{name}: off by {worst.max()} beyond the bound"


def derived(name, ours, golden, rtol=1e-6):
    """Integers and strings equal, floats close, containers entry by entry."""
    if isinstance(golden, dict):
        assert set(ours) == set(golden), f"{name}: keys {set(ours)}, golden {set(golden)}"
        for key, value in golden.items():
            derived(f"{name}.{key}", ours[key], value, rtol)
    elif isinstance(golden, list):
        ours = np.asarray(ours).tolist()
        assert len(ours) == len(golden), f"{name}: {ours}, golden {golden}"
        for i, value in enumerate(golden):
            derived(f"{name}[{i}]", ours[i], value, rtol)
    elif isinstance(golden, float):
        np.testing.assert_allclose(np.asarray(ours), golden, rtol=rtol, err_msg=name)
    else:
        assert np.asarray(ours).tolist() == golden, f"{name}: {ours}, golden {golden}"
