import numpy as np
import pytest
from scipy.stats import ortho_group

from ibcollapse.alignment import align, align_many
from ibcollapse.errors import InputError
from ibcollapse.geometry import gram_distance, simplex_etf, simplex_vertices
from ibcollapse.serialize import from_dict, to_dict


def rotated_networks(n_networks, sigma, widths):
    """Simplex means in rotated spaces of several widths, scaled and shifted, with own noise."""
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(4), 100)
    signal = simplex_vertices(4)[y]
    networks = []
    for k in range(n_networks):
        turn = ortho_group.rvs(widths[k], random_state=k)[:3]
        noise = sigma * rng.normal(size=(len(y), 3))
        networks.append(((10.0**k) * (signal + noise) @ turn + k, y))
    return networks


def test_rotated_copies_agree_exactly():
    found = align_many(rotated_networks(3, 0.0, (5, 7, 3)))
    assert found.status == "converged"
    np.testing.assert_allclose(found.deviation, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.agreement, 1.0, rtol=1e-9)
    assert gram_distance(found.gram, simplex_etf(4)) < 1e-12
    np.testing.assert_allclose(found.pairwise["procrustes_cosine"], 1.0, rtol=1e-9)


def test_noise_is_averaged_and_the_odd_network_deviates():
    networks = rotated_networks(4, 0.1, (5, 7, 3, 4))
    x, y = networks[3]
    skewed = x + 300.0 * np.outer(y == 2, np.ones(4))
    found = align_many([*networks[:3], (skewed, y)])
    assert np.argmax(found.deviation) == 3
    assert np.all(found.deviation[:3] < 0.5 * found.deviation[3])
    assert np.all((found.agreement > 0.25) & (found.agreement < 1))


def test_pairwise_figures_are_those_of_the_pair():
    networks = rotated_networks(3, 0.3, (5, 3, 4))
    found = align_many(networks, rank_tolerance=1e-9)
    pair = align(networks[0], networks[2], held_out=0, n_permutations=0, n_bootstrap=0)
    for name, index in pair.whole.indices.items():
        assert found.pairwise[name][0, 2] == pytest.approx(index.value, rel=1e-7), name
    cka = found.pairwise["cka"]
    np.testing.assert_allclose(cka, cka.T, rtol=1e-9)
    np.testing.assert_allclose(np.diag(cka), 1.0, rtol=1e-9)


def test_sweeps_that_are_cut_short_say_so():
    found = align_many(rotated_networks(3, 1.0, (3, 3, 3)), max_iterations=1)
    assert "raise max_iterations" in found.status


def test_the_objective_does_not_depend_on_the_order_of_the_networks():
    networks = rotated_networks(3, 0.3, (5, 7, 3))
    forth, back = align_many(networks), align_many(networks[::-1])
    np.testing.assert_allclose(forth.gram, back.gram, atol=1e-5 * np.abs(forth.gram).max())
    np.testing.assert_allclose(forth.agreement, back.agreement, rtol=1e-9)


def test_inputs_without_a_consensus_are_refused():
    networks = rotated_networks(2, 0.1, (3, 3))
    with pytest.raises(InputError, match="1 network"):
        align_many(networks[:1])
    rng = np.random.default_rng(1)
    wide = [(rng.normal(size=(8, 9)), np.arange(8) % 2) for _ in range(2)]
    with pytest.raises(InputError, match="9 features and 8 samples"):
        align_many(wide)


def test_consensus_round_trips():
    found = align_many(rotated_networks(2, 0.1, (3, 4)))
    again = from_dict(to_dict(found))
    np.testing.assert_array_equal(again.gram, found.gram)
    np.testing.assert_array_equal(again.pairwise["cka"], found.pairwise["cka"])
