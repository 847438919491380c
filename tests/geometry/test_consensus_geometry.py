import numpy as np
import pytest
from scipy.stats import ortho_group

from ibcollapse.alignment import align_many
from ibcollapse.geometry import collapse_geometry, consensus_geometry, simplex_vertices


def networks(n_networks, sigma):
    """Simplex means in rotated spaces, each network's means displaced on their own."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(5), 20)
    found = []
    for k in range(n_networks):
        means = simplex_vertices(5) + sigma * rng.normal(size=(5, 4))
        found.append((means[y] @ ortho_group.rvs(6, random_state=k)[:4], y))
    return found


def test_rotated_simplices_have_a_simplex_as_consensus():
    geometry = consensus_geometry(align_many(networks(3, 0.0)))
    assert geometry.etf_distance < 1e-12
    assert geometry.simplex_fit.residual < 1e-12
    np.testing.assert_allclose(geometry.network_etf_distance, 0.0, atol=1e-12)


def test_independent_deviations_average_out():
    pairs = networks(8, 0.05)
    geometry = consensus_geometry(align_many(pairs))
    assert geometry.etf_distance < 0.7 * geometry.network_etf_distance.min()
    alone = [collapse_geometry(pair).etf_distance for pair in pairs]
    np.testing.assert_allclose(geometry.network_etf_distance, alone, rtol=1e-6)


def test_the_distances_are_read_only():
    geometry = consensus_geometry(align_many(networks(2, 0.1)))
    with pytest.raises(ValueError, match="read-only"):
        geometry.network_etf_distance[0] = 0.0
