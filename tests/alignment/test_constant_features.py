"""A unit whose stored type does not resolve its spread is a constant, not a correlation of one."""

import numpy as np
import pytest
from alignment.pair_material import labels_of

from ibcollapse.alignment import align, align_many
from ibcollapse.serialize import load_result

QUIET = {"n_permutations": 0, "n_bootstrap": 0, "held_out": 0.0}


def pair(dtype, value=1.0):
    """Independent features, and in both networks a unit that flips by one last bit together."""
    rng = np.random.default_rng(0)
    n = 400
    neighbour = np.nextafter(dtype(value), dtype(np.inf))
    flips = np.where(rng.random((n, 1)) < 0.5, dtype(value), neighbour)
    a, b = (np.hstack([rng.normal(size=(n, 3)).astype(dtype), flips]) for _ in range(2))
    return a, b, labels_of(n)


@pytest.mark.parametrize("options", [{}, {"shrinkage": 0.2, "ridge": 0.2}])
@pytest.mark.parametrize("value", [1.0, -1000.0])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_units_that_flip_by_one_last_bit_are_left_out_and_named(dtype, value, options):
    a, b, y = pair(dtype, value)
    found = align((a, y), (b, y), **QUIET, **options)
    without = align((a[:, :3], y), (b[:, :3], y), **QUIET, **options)
    assert (found.constant_a, found.constant_b) == ((3,), (3,))
    assert all(note.endswith("of their stored type: 3") for note in found.notes)
    assert len(found.notes) == 2
    np.testing.assert_allclose(found.whole.rho, without.whole.rho, rtol=1e-9)
    assert found.whole.rho[0] < 0.3
    assert found.whole.rank_a == 3
    assert without.notes == ()


def test_the_null_does_not_see_the_flips_either():
    a, b, y = pair(np.float16)
    options = {"n_permutations": 5, "n_bootstrap": 0, "held_out": 0.2}
    found = align((a, y), (b, y), **options).whole.cca_mean_rho
    without = align((a[:, :3], y), (b[:, :3], y), **options).whole.cca_mean_rho
    for name in ("value", "held_out", "null_mean", "z"):
        assert getattr(found, name) == pytest.approx(getattr(without, name), rel=1e-6)


def test_a_consensus_names_constant_features_and_keeps_them_in_a_file(tmp_path):
    a, b, y = pair(np.float32)
    found = align_many([(a, y), (b[:, :3], y)])
    assert found.constant == ((3,), ())
    assert len(found.notes) == 1
    assert load_result(found.save(tmp_path / "c.json")).constant == ((3,), ())


@pytest.mark.parametrize("shrinkage", [0.0, 0.1, 0.5, 1.0])
def test_rho_decreases_under_shrinkage_too(shrinkage):
    # Regularised fits find modes in another order than that of their variates' correlations.
    rng = np.random.default_rng(0)
    z = rng.normal(size=(400, 8))
    a = z @ np.diag(10.0 ** np.linspace(1, -2, 8)) @ rng.normal(size=(8, 8))
    b = (z + rng.normal(size=(400, 8)) * np.linspace(0.1, 3, 8)) @ rng.normal(size=(8, 8))
    y = labels_of(400)
    found = align((a, y), (b, y), **QUIET, shrinkage=shrinkage, ridge=shrinkage)
    assert (np.diff(found.whole.rho) <= 0).all()
    assert (np.diff(found.bottleneck.critical_betas) >= 0).all()
    u, v = found.bottleneck.directions_a, found.bottleneck.directions_b
    for mode in range(u.shape[1]):
        r = np.corrcoef(a @ u[:, mode], b @ v[:, mode])[0, 1]
        assert r == pytest.approx(found.bottleneck.rho[mode], abs=1e-9)
