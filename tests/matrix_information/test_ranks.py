import numpy as np
import pytest

from ibcollapse.errors import InputError
from ibcollapse.matrix_information import effective_ranks
from ibcollapse.matrix_information.ranks import effective_rank, lidar, participation_ratio


def test_rankme_of_two_and_one():
    # exp H(2/3, 1/3) = 3 / 2^(2/3).
    assert effective_rank([2.0, 1.0]) == pytest.approx(3 / 2 ** (2 / 3), rel=1e-14)
    assert effective_rank([2.0, 1.0]) == pytest.approx(1.8898816, abs=5e-8)


def test_rankme_variants_are_named():
    sigma = [1.0, 0.5, 0.25]
    # Surveyed: published code prints either without saying which.
    assert effective_rank(sigma) == pytest.approx(2.600, abs=5e-4)
    assert effective_rank(sigma, variant="sigma_squared") == pytest.approx(1.950, abs=5e-4)
    with pytest.raises(InputError, match="variant"):
        effective_rank(sigma, variant="lambda")


def test_participation_ratio_counts_equal_directions():
    assert participation_ratio([4.0, 4.0, 4.0, 0.0]) == pytest.approx(3.0, rel=1e-14)


def test_lidar_of_a_simplex_in_white_noise_is_k_minus_one():
    simplex = np.eye(5) - 0.2
    assert lidar(simplex, np.eye(5)) == pytest.approx(4.0, rel=1e-12)


def test_lidar_agrees_with_the_whitened_covariance():
    rng = np.random.default_rng(0)
    means, root = rng.normal(size=(4, 6)), rng.normal(size=(6, 6))
    within = root @ root.T
    values, axes = np.linalg.eigh(within + 1e-4 * np.eye(6))
    whiten = axes / np.sqrt(values) @ axes.T
    centred = means - means.mean(axis=0)
    spectrum = np.linalg.eigvalsh(whiten @ (centred.T @ centred) @ whiten)
    weights = spectrum[spectrum > 1e-9] / spectrum.sum()
    assert lidar(means, within) == pytest.approx(np.exp(-weights @ np.log(weights)), rel=1e-9)


def test_lidar_without_spread_is_refused():
    with pytest.raises(InputError, match="coincide"):
        lidar(np.ones((3, 2)), np.eye(2))
    with pytest.raises(InputError, match="raise the ridge"):
        lidar(np.eye(2), np.zeros((2, 2)), ridge=0.0)


def test_equal_samples_have_no_rank():
    with pytest.raises(InputError, match="all samples have the same features"):
        effective_ranks((np.ones((6, 2)), np.arange(6) % 2))
