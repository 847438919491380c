import numpy as np
import pytest
from coincidence.designs import simplex_pair

from ibcollapse.alignment import align
from ibcollapse.coincidence import overlap
from ibcollapse.coincidence.pair_proxy import gaussian_proxy, meta_gaussian_proxy
from ibcollapse.progress import SILENT


def proxy_of(a, b, y):
    alignment = align((a, y), (b, y), n_bootstrap=0, n_permutations=0)
    return gaussian_proxy((a, b), y, alignment, 0)


def test_two_simplex_networks_open_all_modes_at_the_product():
    # Population check of the theory: (1 + .09·9)(1 + .25·9) = 5.8825, nine times.
    a, b, y = simplex_pair(10, 0.3, 0.5)
    proxy = proxy_of(a, b, y)
    assert proxy.critical_betas[:9] == pytest.approx(np.full(9, 5.8825), rel=1e-9)
    assert proxy.n_span == 9
    assert overlap(proxy.angles_a) == pytest.approx(1.0, abs=1e-9)
    assert proxy.chance_overlap_a == 1.0


def shared_signal(rng):
    y = np.arange(600) % 3
    signal = 2 * rng.normal(size=(3, 4))[y] + rng.normal(size=(600, 4))
    networks = [signal @ rng.normal(size=(4, 4)) + rng.normal(size=(600, 4)) for _ in range(2)]
    return networks, y


def test_meta_gaussian_modes_ignore_monotone_maps_of_features():
    rng = np.random.default_rng(0)
    (a, b), y = shared_signal(rng)
    options = {"n_bootstrap": 0, "seed": 0, "progress": SILENT}
    plain = meta_gaussian_proxy((a, b), y, **options)
    bent = meta_gaussian_proxy((np.exp(a / 3), b**3), y, **options)
    assert bent.critical_betas == pytest.approx(plain.critical_betas, rel=1e-12)
    assert plain.copula


def test_meta_gaussian_betas_of_gaussian_samples_are_the_gaussian_ones():
    rng = np.random.default_rng(1)
    rho = 0.8
    a = rng.normal(size=(20_000, 1))
    b = rho * a + np.sqrt(1 - rho**2) * rng.normal(size=(20_000, 1))
    y = (a[:, 0] > 0).astype(int)
    found = meta_gaussian_proxy((a, b), y, seed=0, progress=SILENT, n_bootstrap=200)
    assert found.critical_betas[0] == pytest.approx(1 / rho**2, rel=0.02)
    assert found.beta_low[0] < 1 / rho**2 < found.beta_high[0]
    assert found.normal_p_value > 0.001


def test_separated_classes_are_told_from_a_gaussian():
    rng = np.random.default_rng(2)
    y = np.arange(300) % 3
    a, b = (10 * np.eye(3)[y] + rng.normal(size=(300, 3)) for _ in range(2))
    found = proxy_of(a, b, y)
    assert found.normal_p_value < 1e-6
    assert overlap(found.angles_a[:2]) > 0.99
