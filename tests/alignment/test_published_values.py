"""Single numbers of the pitfalls table and of the theory that no other test is about."""

import numpy as np
import pytest
from alignment.pair_material import whole

from ibcollapse.bottleneck import GaussianIB
from ibcollapse.bottleneck.gaussian_ib.canonical_spectrum import null_floor


def test_one_pair_has_three_procrustes_distances():
    # White X against X diag(s, 1) has the cosine (s + 1)/√(2 (s² + 1)), here the .8478 of the
    # table, rounded as it is: .1522 = 1 − ρ, .5516 = √(2 − 2ρ), .5589 = arccos ρ.
    rng = np.random.default_rng(0)
    q, _ = np.linalg.qr(rng.normal(size=(50, 2)) - rng.normal(size=2))
    q, _ = np.linalg.qr(q - q.mean(axis=0))
    square = 2 * 0.8478**2  # (s + 1)² = square (s² + 1)
    s = (1 + np.sqrt(1 - (square - 1) ** 2)) / (square - 1)
    found = whole(q, q * [s, 1.0])
    cosine = found.procrustes_cosine.value
    assert 1 - cosine == pytest.approx(0.1522, abs=1e-8)
    assert np.sqrt(2 - 2 * cosine) == pytest.approx(0.5516, abs=2e-4)
    # The one that is reported as a distance is named after its formula.
    assert found.shape_angle.value == pytest.approx(0.5589, abs=2e-4)
    assert found.procrustes_r2.value == pytest.approx(cosine**2, rel=1e-10)


@pytest.mark.parametrize(
    ("n_samples", "width", "edge"), [(2000, 512, 0.873**2), (10_000, 128, 0.0505)]
)
def test_null_floors_of_the_tables(n_samples, width, edge):
    share = width / n_samples
    floor = null_floor(n_samples, width, width)
    assert floor == pytest.approx(4 * share * (1 - share), rel=1e-12)
    assert floor == pytest.approx(edge, abs=1e-3)


def test_gaussian_information_of_a_collapsed_pair_exceeds_the_entropy_of_the_labels():
    # ρ² = 1/(1 + s)²: −½ Σ log(1 − ρ²) over nine modes grows without bound as s → 0, H(Y) is
    # log 10. Never draw the one on the other's axis.
    rho = np.full(9, 1 / (1 + 1e-3))
    information = GaussianIB.from_correlations(rho).point(1e12)[1]
    assert information == pytest.approx(-0.5 * np.sum(np.log1p(-(rho**2))), rel=1e-6)
    assert information > 10 * np.log(10)
