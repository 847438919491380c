import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.landscape import augmentation_path, selfsupervised
from ibcollapse.serialize import load_result, save


def test_vicreg_thresholds_are_pencil_eigenvalues():
    # With noise σC a direction collapses where αc σ ≥ a + σc: σ = κ/(α − 1), A0 v = κ C v.
    rng = np.random.default_rng(0)
    a0, c = (m @ m.T + 0.1 * np.eye(3) for m in rng.normal(size=(2, 3, 3)))
    path = augmentation_path(
        a0, c, np.geomspace(1e-4, 1e4, 30), loss="vicreg", n_outputs=3, alignment=3.0
    )
    kappa = np.sort(np.linalg.eigvals(np.linalg.solve(c, a0)).real)[::-1]
    assert path.collapse_strengths == pytest.approx(kappa / 2, rel=1e-9)
    assert path.complete_collapse_strength == pytest.approx(kappa[0] / 2, rel=1e-9)


def test_a_threshold_on_the_grid_is_found_exactly():
    # α = 3, a = c = 1: λ = 2(1 − 2σ)/(1 + σ) vanishes at σ = 1/2 in exact arithmetic.
    path = augmentation_path(
        np.eye(1), np.eye(1), [0.25, 0.5, 1.0], loss="vicreg", n_outputs=1, alignment=3.0
    )
    assert path.collapse_strengths[0] == 0.5


def test_path_points_are_the_minima():
    a0, c = np.diag([2.0, 1.0]), np.diag([0.5, 1.0])
    path = augmentation_path(a0, c, [0.5, 1.0, 2.0], loss="infonce-distance", n_outputs=2)
    for strength, row, value in zip(
        path.strengths, path.feature_variances, path.values, strict=True
    ):
        one = selfsupervised(a0, strength * c, loss="infonce-distance", n_outputs=2)
        assert np.array_equal(row, one.feature_variances)
        assert value == one.value
    assert np.all(np.isinf(path.collapse_strengths))
    assert path.complete_collapse_strength == np.inf


def test_normalised_features_collapse_only_in_part():
    a0, c = np.diag([1.0, 1.0]), np.diag([0.1, 1.0])
    path = augmentation_path(
        a0, c, np.geomspace(0.01, 100, 25), loss="infonce-dot", n_outputs=2, normalised=0.3
    )
    # λ₁ − λ₂ = s (2β = 1) at the threshold: 1/(1 + σ/10) − 1/(1 + σ) = 0.3.
    sigma = path.collapse_strengths[1]
    assert 1 / (1 + sigma / 10) - 1 / (1 + sigma) == pytest.approx(0.3, abs=1e-9)
    assert path.collapse_strengths[0] == np.inf


def test_outputs_that_are_missing_are_not_collapses():
    path = augmentation_path(np.eye(2), np.eye(2), [0.1, 1.0], n_outputs=1)
    assert np.isnan(path.collapse_strengths[1])


def test_the_path_survives_a_file(tmp_path):
    path = augmentation_path(np.eye(2), np.eye(2), [0.1, 1.0], n_outputs=1)
    loaded = load_result(save(path, tmp_path / "path.h5"))
    assert np.array_equal(loaded.feature_variances, path.feature_variances)


@pytest.mark.parametrize("strengths", [[1.0], [0.0, 1.0], [2.0, 1.0], [[1.0, 2.0]], [1.0, np.nan]])
def test_bad_strengths_are_refused(strengths):
    with pytest.raises(InputError, match="strengths"):
        augmentation_path(np.eye(2), np.eye(2), strengths, n_outputs=1)
